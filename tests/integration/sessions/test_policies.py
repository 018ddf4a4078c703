"""What a deployment's owner chooses: read-only, carry-over, auto-start, conversation ids."""

from pathlib import Path
from typing import Any

import pytest

from service.simulator.deployments import Bot, Deployment, Disconnect
from tests.support.machine import Chat, Machine, running
from tests.support.wire_story import tells

HELD = pytest.mark.parametrize("held", [True, False], ids=["held", "on demand"])
PLATFORM = {"platform": {"clientId": "simulator", "clientSecret": "simulator-secret"}}


@tells("closeSession", "Disconnect")
@HELD
async def test_a_new_message_opens_a_read_only_chat_anew(
    tmp_path: Path, *, held: bool, store: str | None
) -> None:
    async with running(tmp_path, listener=held, aws_endpoint=store) as machine:
        chat = await machine.open(message={"text": "one"})
        token = await chat.token()
        machine.control.disconnect(token, nickname="Dana")
        if not held:
            await chat.verb("resume")
        closed = await chat.wait_for("session.readOnly")
        await chat.send("two")
        await chat.agent_says("hello again")
        if not held:
            await chat.verb("resume")
        await chat.wait_for_text("hello again")

        assert closed["data"]["session"]["resumable"] is True
        receipt = (await chat.wait_for("session.replaced"))["data"]["receipt"]
        assert receipt["cause"] == "read_only"
        assert (receipt["previous"]["incarnation"], receipt["current"]["incarnation"]) == (1, 2)
        session = await chat.read()
        assert (session["state"], session["endedBy"], session["clientId"]) == (
            "active",
            None,
            token,
        )
        assert machine.arrived() == ["one", "two"]
        assert (await chat.types()).count("session.readOnly") == 1


@tells("string")
@HELD
@tells("closeSession", "Disconnect")
async def test_a_caller_chooses_for_a_session_and_for_a_message_what_a_closed_chat_does(
    tmp_path: Path, *, held: bool
) -> None:
    async with running(tmp_path, listener=held, sweeper=False) as machine:
        chat = await machine.open(message={"text": "one"}, onReadOnly="refuse")
        machine.control.disconnect(await chat.token())
        await chat.verb("resume")
        closed = await chat.wait_for("session.readOnly")
        refused = await chat.send("two", status=409)
        begun = await chat.send("three", onReadOnly="startNew")

        told = closed["data"]["session"]
        assert (told["resumable"], told["onReadOnly"]) == (False, "refuse")
        assert refused["code"] == "session_read_only"
        assert "onReadOnly startNew" in refused["detail"]
        assert begun["incarnation"] == 2
        assert machine.stored() == ["one", "three"]
        page = await machine.call("GET", f"/v1/sessions/{chat.id}/messages")
        assert [(m["text"], m["incarnation"]) for m in page["items"]] == [("one", 1), ("three", 2)]
        assert [segment["cause"] for segment in page["segments"]] == ["read_only", None]


@HELD
async def test_a_message_refused_with_409_opens_anew_and_is_not_lost(
    tmp_path: Path, *, held: bool
) -> None:
    async with running(tmp_path, listener=held, sweeper=False) as machine:
        chat = await machine.open(message={"text": "one"})
        # Nobody is told of the disconnect: the refusal is the first that is heard of it.
        machine.control.fault("swallow_frame", direction="Outbound")
        machine.control.disconnect(await chat.token())
        await chat.send("two")

        assert machine.stored() == ["one", "two"]
        assert (await chat.read())["incarnation"] == 2
        assert "message.failed" not in await chat.types()


@HELD
async def test_what_was_said_before_travels_as_attributes(tmp_path: Path, *, held: bool) -> None:
    async with running(tmp_path, listener=held, policies=PLATFORM) as machine:
        chat = await machine.open(message={"text": "one"}, customAttributes={"plan": "gold"})
        first = (await chat.wait_for("conversation.identified"))["data"]["conversationId"]
        assert _attributes(machine, "one") == {"plan": "gold"}
        await _replace(machine, chat, held=held)
        await chat.send("two", customAttributes={"page": "/pay"})

        assert _attributes(machine, "two") == {
            "plan": "gold",
            "page": "/pay",
            "previousConversationId": first,
            "previousIncarnation": "1",
            "recap": "guest: one",
        }
        await chat.send("three")
        assert machine.arrived() == ["one", "two", "three"]


@HELD
async def test_what_was_said_before_travels_as_a_message(tmp_path: Path, *, held: bool) -> None:
    policies = {"carryOver": "recap"}
    async with running(tmp_path, listener=held, sweeper=False, policies=policies) as machine:
        chat = await machine.open(message={"text": "one"})
        await _replace(machine, chat, held=held)
        await chat.send("two")

        one, recap, two = machine.arrived()
        assert (one, two) == ("one", "two")
        assert recap.endswith("guest: one")
        said = [e["data"]["message"] for e in await chat.events("message.confirmed")]
        authors = {message["text"]: message["author"]["kind"] for message in said}
        assert authors == {"one": "guest", recap: "system", "two": "guest"}
        assert _attributes(machine, "two") == {}


async def test_nothing_is_carried_over_where_the_owner_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, policies={"carryOver": "none"}) as machine:
        chat = await machine.open(message={"text": "one"})
        await _replace(machine, chat, held=True)
        await chat.send("two")

        assert machine.arrived() == ["one", "two"]
        assert _attributes(machine, "two") == {}


@tells("Join")
@HELD
async def test_each_incarnation_joins_once(
    tmp_path: Path, *, held: bool, store: str | None
) -> None:
    simulated = Deployment(bot=Bot.SILENT, auto_start=True)
    async with running(
        tmp_path, listener=held, sweeper=False, simulated=simulated, aws_endpoint=store
    ) as machine:
        chat = await machine.open(message={"text": "one"})
        await chat.send("two")
        machine.control.fault("drop", action="onMessage")
        await chat.send("three")
        assert _spoken(machine) == ["Join", "one", "two", "three"]
        await _replace(machine, chat, held=held)
        await chat.send("four")

        assert (await chat.read())["incarnation"] == 2
        assert _spoken(machine) == ["Join", "one", "two", "three", "Join", "four"]
        assert await chat.texts() == []


@tells("Disconnect")
async def test_a_conversation_that_ends_is_told_and_the_next_one_is_identified(
    tmp_path: Path, *, store: str | None
) -> None:
    simulated = Deployment(bot=Bot.SILENT, disconnect=Disconnect.SEND)
    async with running(
        tmp_path, simulated=simulated, policies=PLATFORM, aws_endpoint=store
    ) as machine:
        machine.control.knobs(threading_seconds=0.01)
        chat = await machine.open(message={"text": "one"})
        first = (await chat.wait_for("conversation.identified"))["data"]["conversationId"]
        machine.control.disconnect(await chat.token(), nickname="Dana")
        ended = (await chat.wait_for("conversation.disconnected"))["data"]
        await chat.send("two")
        second = (await chat.wait_for("conversation.identified", count=2))["data"]

        assert (ended["endedBy"], ended["conversationId"]) == ("agent", first)
        session = await chat.read()
        assert (session["state"], session["incarnation"]) == ("active", 1)
        assert session["conversationId"] == second["conversationId"] != first
        for conversation in (first, second["conversationId"]):
            found = await machine.call("GET", "/v1/sessions", conversationId=conversation)
            assert [each["id"] for each in found["items"]] == [chat.id]


@HELD
async def test_the_conversation_is_identified_once_for_each_incarnation(
    tmp_path: Path, *, held: bool
) -> None:
    async with running(tmp_path, listener=held, policies=PLATFORM) as machine:
        machine.control.knobs(details_lag_seconds=0.3)
        chat = await machine.open(message={"text": "one"})
        if not held:
            await chat.send("two")
        first = (await chat.wait_for("conversation.identified"))["data"]
        session = await chat.read()

        known = _conversation(machine, "one")
        assert first["conversationId"] == known["id"] == session["conversationId"]
        assert first["participantId"] == known["participants"][0]["id"] == session["participantId"]
        await _replace(machine, chat, held=held)
        await chat.send("three")
        if not held:
            await chat.send("four")
        second = (await chat.wait_for("conversation.identified", count=2))["data"]
        assert second["conversationId"] != first["conversationId"]
        receipt = (await chat.wait_for("session.replaced"))["data"]["receipt"]
        assert receipt["previous"]["conversationId"] == first["conversationId"]
        assert receipt["previous"]["participantId"] == first["participantId"]
        assert len(await chat.events("conversation.identified")) == 2
        page = await machine.call("GET", f"/v1/sessions/{chat.id}/messages")
        assert [s["conversationId"] for s in page["segments"]] == [
            first["conversationId"],
            second["conversationId"],
        ]


async def _replace(machine: Machine, chat: Chat, *, held: bool) -> None:
    machine.control.wipe()
    machine.control.drop(await chat.token())
    if held:
        await chat.wait_for("session.replaced")


def _spoken(machine: Machine) -> list[str]:
    rows: list[Any] = list(machine.control.transcript())
    return [row["text"] or "Join" for row in rows if row["direction"] == "Inbound"]


def _conversation(machine: Machine, text: str) -> Any:  # noqa: ANN401 - JSON
    rows: list[Any] = [row for row in machine.control.transcript() if row["text"] == text]
    return machine.control.conversation(rows[-1]["conversation_id"])


def _attributes(machine: Machine, text: str) -> dict[str, str]:
    """The attributes that the agent sees in the conversation of that text."""
    found: dict[str, str] = _conversation(machine, text)["participants"][0]["attributes"]
    return found
