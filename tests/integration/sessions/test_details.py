"""What a caller tells of the guest beside the words: attributes, and the journey."""

from pathlib import Path
from typing import Final, cast

import pytest

from service.simulator.knobs import Knobs
from tests.support.machine import Json, Machine, running
from tests.support.wire_story import tells

JOURNEY: Final = {
    "customer": {"id": "cookie-1", "idType": "cookie"},
    "customerSession": {"id": "", "type": "web"},
}
HELD = pytest.mark.parametrize("held", [True, False], ids=["held", "on demand"])


@HELD
@tells("configureSession")
async def test_each_attach_tells_of_the_journey(tmp_path: Path, *, held: bool) -> None:
    async with running(tmp_path, listener=held) as machine:
        chat = await machine.open(journeyContext=JOURNEY, message={"text": "one"})
        token = await chat.token()
        machine.control.forget(token)
        await chat.send("two")

        told = [each["journey_context"] for each in machine.control.configures(token)]
        assert len(told) > 1
        assert all(each == JOURNEY for each in told)
        assert (await chat.read())["journeyContext"] == JOURNEY


@HELD
@tells("onMessage")
async def test_attributes_that_change_go_out_with_the_next_message(
    tmp_path: Path, *, held: bool, store: str | None
) -> None:
    async with running(tmp_path, listener=held, aws_endpoint=store) as machine:
        chat = await machine.open(
            customAttributes={"order": "7", "tier": "gold"}, message={"text": "one"}
        )
        await chat.send("two")
        assert _told(machine) == [{"order": "7", "tier": "gold"}, {}]
        patch = {"customAttributes": {"order": "8", "tier": None}}
        await machine.call("PATCH", f"/v1/sessions/{chat.id}", patch, status=200)
        await chat.send("three")
        await chat.send("four")

        assert _told(machine)[2:] == [{"order": "8"}, {}]
        assert await chat.types() == [
            "message.accepted",
            "session.opened",
            "message.confirmed",
            *["message.accepted", "message.confirmed"] * 3,
        ]


@tells("SessionResponse")
async def test_the_limit_that_genesys_tells_is_the_limit(tmp_path: Path) -> None:
    async with running(tmp_path, knobs=Knobs(max_attribute_bytes=3000)) as machine:
        chat = await machine.open(message={"text": "one"})
        path = f"/v1/sessions/{chat.id}/messages"
        large = {"text": "two", "customAttributes": {"k": "v" * 2900}}
        sent = await machine.call("POST", path, large, status=201, wait=25)
        over = {"text": "three", "customAttributes": {"k": "v" * 3000}}
        refused = await machine.call("POST", path, over, status=422)

        assert sent["status"] == "confirmed"
        assert refused["code"] == "attributes_too_large"
        assert "3001" in refused["detail"]
        assert "3000" in refused["detail"]


def _told(machine: Machine) -> list[dict[str, str]]:
    """The attributes on each message of the guest, in the order in which they were stored."""
    return [
        entry["attributes"]
        for entry in cast("list[Json]", machine.control.transcript())
        if entry["direction"] == "Inbound"
    ]
