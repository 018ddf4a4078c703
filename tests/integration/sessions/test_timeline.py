"""Where did this message go? Followed from its POST to the webhook, with a link lost in between."""

import json
from pathlib import Path

import pytest

from service.domain.timeline import Kind
from tests.support.machine import Json, Machine, eventually, running
from tests.support.webhook_sink import answer, webhook_sink

HELD = pytest.mark.parametrize("held", [True, False], ids=["held", "on demand"])
WORDS = "where do I go?"


@HELD
async def test_a_message_is_followed_from_its_post_to_the_webhook(
    tmp_path: Path, *, held: bool, store: str | None
) -> None:
    async with (
        webhook_sink() as sink,
        running(tmp_path, listener=held, aws_endpoint=store) as machine,
    ):
        hook = await machine.webhook(sink.url, "message.confirmed")
        chat = await machine.open(message={"text": "hello"})
        await sink.received(1)
        sink.script.append(answer(503))
        # It arrives, but the link is gone before its echo: only history can tell.
        machine.control.fault("drop", when="after", action="onMessage")
        sent = await chat.send(WORDS, wait=25)
        await sink.received(3)
        path = f"/v1/sessions/{chat.id}/timeline"
        whole = await _until_delivered(machine, path)

        about = (await machine.call("GET", path, messageId=sent["id"]))["items"]
        lost = [item for item in whole if (item["kind"], item["what"]) == ("link", "lost")]

        told = [(item["kind"], item["what"]) for item in about]
        assert sorted(told) == sorted(
            [
                ("event", "message.accepted"),
                ("send", "written"),
                ("frame", "sent"),
                ("send", "unknown"),
                ("event", "message.confirmed"),
                ("send", "confirmed"),
                ("attempt", "retry"),
                ("attempt", "delivered"),
            ]
        )
        assert told[0] == ("event", "message.accepted")
        assert [item["at"] for item in about] == sorted(item["at"] for item in about)
        frame, confirmed, refused = (
            next(item for item in about if item["what"] == what)
            for what in ("sent", "message.confirmed", "retry")
        )
        assert frame["facts"]["link"] == lost[0]["facts"]["link"]
        assert frame["at"] <= lost[0]["at"] <= confirmed["at"]
        assert confirmed["facts"]["recovered"]
        assert refused["facts"].items() >= {"status": 503, "endpointId": hook["id"]}.items()
        assert [item for item in whole if item in about] == about
        _tells_no_secrets(whole, machine)


@HELD
async def test_pages_of_the_timeline_make_up_the_whole(tmp_path: Path, *, held: bool) -> None:
    async with running(tmp_path, listener=held) as machine:
        chat = await machine.open(message={"text": "hello"})
        await chat.agent_says("hi")
        await chat.wait_for("message.received") if held else await chat.send("more")
        await chat.verb("end")
        path = f"/v1/sessions/{chat.id}/timeline"

        async def at_rest() -> bool:
            return "closed" in str(await machine.call("GET", path, kinds="link"))

        await eventually(at_rest, what="the link is closed")
        whole = (await machine.call("GET", path, limit=200))["items"]
        pages, cursor = [], None
        while True:
            more: Json = {} if cursor is None else {"cursor": cursor}
            page = await machine.call("GET", path, limit=3, kinds="event,frame", **more)
            pages.extend(page["items"])
            cursor = page["nextCursor"]
            if cursor is None:
                break

        assert pages == [item for item in whole if item["kind"] in {"event", "frame"}]
        assert {item["kind"] for item in whole} == set(Kind) - {"attempt"}

        await machine.call("DELETE", f"/v1/sessions/{chat.id}", status=204)
        await machine.call("GET", path, status=404)


async def test_what_cannot_be_asked_is_named(tmp_path: Path) -> None:
    async with running(tmp_path) as machine:
        chat = await machine.open()
        path = f"/v1/sessions/{chat.id}/timeline"

        for query, pointer in (
            ({"kinds": "frame,noise"}, "/query/kinds"),
            ({"cursor": "made-up"}, "/query/cursor"),
            ({"since": "yesterday"}, "/query/since"),
            ({"limit": 0}, "/query/limit"),
            ({"messageId": "m" * 129}, "/query/messageId"),
            ({"since": "2031-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z"}, "/query/until"),
        ):
            problem = await machine.call("GET", path, status=422, **query)
            assert [error["pointer"] for error in problem["errors"]] == [pointer], query
        await machine.call("GET", "/v1/sessions/ses_none/timeline", status=404)


async def _until_delivered(machine: Machine, path: str) -> list[Json]:
    """The whole timeline, once it tells that the message reached the receiver and its proof."""
    found: list[Json] = []

    async def there() -> bool:
        found[:] = (await machine.call("GET", path, limit=200))["items"]
        whats = [item["what"] for item in found]
        return whats.count("delivered") > 1 and whats.count("confirmed") > 1

    await eventually(there, what="delivered")
    return found


def _tells_no_secrets(whole: list[Json], machine: Machine) -> None:
    text = json.dumps(whole)
    assert WORDS not in text
    assert "hello" not in text
    for item in machine.control.sessions():
        assert str(item["token"]) not in text
