"""Words both ways: live, by touch, in bursts, with typing, with turns, and out to a webhook."""

import asyncio
from pathlib import Path

import pytest

from service.simulator.deployments import Bot, Deployment
from tests.support.machine import Json, Machine, eventually, running
from tests.support.webhook_sink import webhook_sink
from tests.support.wire_story import tells

HELD = pytest.mark.parametrize("held", [True, False], ids=["held", "on demand"])
WORDS = 12


@tells("onMessage", "StructuredMessage", "Text")
@HELD
async def test_a_talk_reaches_the_receiver_whole_signed_and_in_order(
    tmp_path: Path, *, held: bool, store: str | None
) -> None:
    async with (
        webhook_sink() as sink,
        running(tmp_path, listener=held, aws_endpoint=store) as machine,
    ):
        hook = await machine.webhook(sink.url)
        chat = await machine.open(externalId="ann", message={"text": "guest 0"})
        await chat.agent_says("agent 0")
        machine.control.drop()
        await chat.send("guest 1")
        await chat.agent_says("agent 1")
        await chat.send("guest 2")
        await chat.wait_for("message.received", count=2)
        await chat.verb("end")

        log = await chat.events()
        received = await sink.received(len(log))
        assert [each.event for each in received] == log
        sink.verify_all(hook["secret"])
        assert [each.headers["broker-lane-sequence"] for each in received] == [
            str(n + 1) for n in range(len(log))
        ]
        assert machine.stored() == ["guest 0", "guest 1", "guest 2"]
        assert await chat.texts() == ["agent 0", "agent 1"]


@HELD
async def test_a_burst_goes_out_in_accept_order_within_the_limit(
    tmp_path: Path, *, held: bool
) -> None:
    async with running(tmp_path, listener=held, sweeper=False) as machine:
        chat = await machine.open(message={"text": "first"})
        wishes = [chat.send(f"{n}", wait=25) for n in range(WORDS)]
        answers = await asyncio.gather(*wishes)

        assert {answer["status"] for answer in answers} == {"confirmed"}
        accepted = await chat.texts("message.accepted")
        assert sorted(accepted) == sorted(["first", *(str(n) for n in range(WORDS))])
        assert machine.arrived() == accepted
        # One that is refused for its haste would be overtaken by those behind it.
        assert machine.stored() == accepted


async def test_a_burst_from_the_agent_that_arrives_in_disorder_is_logged_once(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as machine:
        chat = await machine.open(message={"text": "one"})
        machine.control.fault("reorder", seconds=0.3, direction="Outbound", count=0)
        for n in range(WORDS):
            await chat.agent_says(f"{n}")
        await chat.wait_for("message.received", count=WORDS)

        events = [e["data"]["message"] for e in await chat.events("message.received")]
        assert sorted(m["text"] for m in events) == sorted(str(n) for n in range(WORDS))
        assert [m["late"] for m in events] == _overtaken(events)


async def test_a_chat_in_touch_mode_is_looked_at_again_by_itself(tmp_path: Path) -> None:
    async with running(tmp_path, policies={"mode": "touch"}) as machine:
        chat = await machine.open(message={"text": "one"})
        await eventually(lambda: not machine.control.connections(), what="no link held")
        await chat.agent_says("hello")
        heard = (await chat.wait_for_text("hello"))["data"]["message"]

        assert heard["recovered"] is True
        assert (await chat.read())["state"] == "active"
        await eventually(lambda: not machine.control.connections(), what="let go again")
        await chat.send("two")
        assert machine.arrived() == ["one", "two"]
        assert "session.recovered" not in await chat.types()


@tells("Typing")
@HELD
async def test_typing_reaches_the_agent_once_in_a_while(tmp_path: Path, *, held: bool) -> None:
    async with running(tmp_path, listener=held, sweeper=False) as machine:
        chat = await machine.open(message={"text": "one"})
        before = _frames_in(machine, await chat.token())
        first = await chat.verb("typing", status=202)
        after = _frames_in(machine, await chat.token())

        assert first == {"sent": True}
        # On demand it takes an attach, its configure and a history read as well.
        assert after > before
        if held:
            assert after == before + 1
            assert await chat.verb("typing", status=202) == {"sent": False}
            assert _frames_in(machine, await chat.token()) == after
        assert await chat.types() == ["message.accepted", "session.opened", "message.confirmed"]


@tells("Typing")
async def test_the_agents_typing_goes_to_who_asked_for_it(tmp_path: Path) -> None:
    async with webhook_sink() as sink, webhook_sink() as other, running(tmp_path) as machine:
        await machine.webhook(sink.url, "typing.started")
        await machine.webhook(other.url)
        chat = await machine.open(message={"text": "one"})
        machine.control.typing(await chat.token())
        (typed,) = await sink.received(1)
        await other.received(3)

        assert typed.event["type"] == "typing.started"
        assert typed.event["data"]["sessionId"] == chat.id
        assert typed.event["data"]["sequence"] is None
        assert [e["type"] for e in other.events] == await chat.types()


@HELD
async def test_a_turn_brings_the_replies(tmp_path: Path, *, held: bool) -> None:
    simulated = Deployment(bot=Bot.ECHO)
    policies = {"turnQuietMs": 500}
    async with running(tmp_path, listener=held, simulated=simulated, policies=policies) as machine:
        chat = await machine.open()
        path = f"/v1/sessions/{chat.id}/messages"
        turn = await machine.call("POST", path, {"text": "one"}, status=201, turn=25)

        assert turn["message"]["status"] == "confirmed"
        assert turn["turnComplete"] is True
        assert [reply["author"]["kind"] for reply in turn["replies"]] == ["bot"]
        assert turn["replies"] == [
            e["data"]["message"] for e in await chat.events("message.received")
        ]


@HELD
async def test_a_turn_without_a_reply_ends_with_the_patience(tmp_path: Path, *, held: bool) -> None:
    async with running(tmp_path, listener=held, sweeper=False) as machine:
        chat = await machine.open()
        path = f"/v1/sessions/{chat.id}/messages"
        turn = await machine.call("POST", path, {"text": "one"}, status=201, turn=2)

        assert turn["message"]["status"] == "confirmed"
        assert (turn["turnComplete"], turn["replies"]) == (False, [])


@HELD
async def test_who_does_not_wait_is_told_later(tmp_path: Path, *, held: bool) -> None:
    async with running(tmp_path, listener=held) as machine:
        chat = await machine.open(wait=0, message={"text": "one"})
        assert chat.created["state"] == "opening"
        pending = await chat.send("two", wait=0, status=202)
        assert pending["status"] == "accepted"
        await chat.wait_for("message.confirmed", count=2)

        assert machine.arrived() == ["one", "two"]


def _overtaken(messages: list[Json]) -> list[bool]:
    """For each, whether one that was said after it stands before it."""
    newest = ""
    late = []
    for message in messages:
        late.append(message["occurredAt"] < newest)
        newest = max(newest, message["occurredAt"])
    return late


def _frames_in(machine: Machine, token: str) -> int:
    counts: Json = machine.control.counts()
    found: int = counts["tokens"][token]["frames_in"]
    return found
