"""Pushed out, forbidden, too fast, or simply broken: who comes back, when, and who does not."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from service.simulator.deployments import Bot, Deployment
from tests.support.machine import Chat, Machine, running
from tests.support.wire_story import tells

HELD = pytest.mark.parametrize("held", [True, False], ids=["held", "on demand"])


@tells("ConnectionClosedEvent")
async def test_a_link_that_was_pushed_out_comes_back_slowly(tmp_path: Path) -> None:
    async with running(tmp_path) as machine:
        chat = await machine.open(message={"text": "one"})
        token = await chat.token()
        assert machine.control.evict(token) == 1
        recovered = await chat.wait_for("session.recovered")
        await chat.send("two")

        assert recovered["data"]["receipt"]["cause"] == "evicted"
        [pause] = _pauses(machine)
        assert 4 < pause < 10  # five seconds, and what a busy machine adds
        assert (await chat.read())["incarnation"] == 1
        assert await chat.token() == token
        assert machine.arrived() == ["one", "two"]


@tells("SessionClearedEvent")
async def test_a_chat_that_somebody_else_cleared_has_ended(tmp_path: Path) -> None:
    async with running(tmp_path) as machine:
        chat = await machine.open(message={"text": "one"})
        cleared = {"type": "message", "class": "SessionClearedEvent", "code": 200, "body": {}}
        machine.control.inject(await chat.token(), cleared)
        ended = await chat.wait_for("session.ended")

        assert ended["data"]["session"]["endedBy"] == "cleared"
        assert ended["data"]["session"]["resumable"] is False
        assert machine.handshakes() == [101]


@HELD
async def test_a_forbidden_deployment_fails_at_once_and_stays_so(
    tmp_path: Path, *, held: bool
) -> None:
    simulated = Deployment(bot=Bot.SILENT, allow_all_domains=False, allowed_domains=("other.test",))
    policies = {"origin": "https://shop.test"}
    async with running(tmp_path, listener=held, simulated=simulated, policies=policies) as machine:
        chat = await machine.open(message={"text": "one"})
        failed = await chat.wait_for("session.failed")
        await chat.wait_for("message.failed")
        await _look_again(machine, chat)

        assert chat.created["state"] == "failed"
        assert "403" in failed["data"]["session"]["failure"]["detail"]
        assert failed["data"]["session"]["failure"]["code"] == "denied"
        assert await chat.types() == ["message.accepted", "session.failed", "message.failed"]
        assert machine.handshakes() == [403]
        assert machine.arrived() == []


async def test_resuming_a_failed_session_tries_once(tmp_path: Path) -> None:
    simulated = Deployment(bot=Bot.SILENT, allow_all_domains=False, allowed_domains=("shop.test",))
    async with running(tmp_path, simulated=simulated) as machine:
        chat = await machine.open(externalId="ann")
        await chat.wait_for("session.failed")
        still = await chat.verb("resume")
        assert still["state"] == "failed"
        assert machine.handshakes() == [403, 403]

        machine.control.deployment(simulated.id, allow_all_domains=True)
        back = await chat.verb("resume")

        assert (back["state"], back["externalId"]) == ("active", "ann")
        assert machine.handshakes() == [403, 403, 101]
        await chat.send("one")


@HELD
async def test_a_refusal_after_having_been_active_fails_too(tmp_path: Path, *, held: bool) -> None:
    async with running(tmp_path, listener=held, sweeper=False) as machine:
        chat = await machine.open(message={"text": "one"})
        machine.control.fault("deny_handshake", status=403, count=0)
        machine.control.drop(await chat.token())
        if not held:
            refused = await chat.send("two", status=409)
            assert refused["code"] == "session_failed"
        await chat.wait_for("session.failed")
        await _look_again(machine, chat)

        assert machine.handshakes() == [101, 403]
        assert machine.arrived() == ["one"]


@pytest.mark.parametrize("status", [429, 503])
@HELD
async def test_too_many_connections_wait_as_long_as_asked(
    tmp_path: Path, *, held: bool, status: int
) -> None:
    async with running(tmp_path, listener=held) as machine:
        machine.control.fault("deny_handshake", status=status, retry_after=2)
        chat = await machine.open(message={"text": "one"})
        await chat.wait_for("message.confirmed")

        assert machine.handshakes() == [status, 101]
        assert _pauses(machine)[0] >= 2
        assert machine.arrived() == ["one"]


@tells("TooManyRequestsErrorMessage")
@HELD
async def test_too_many_messages_wait_as_long_as_asked(tmp_path: Path, *, held: bool) -> None:
    async with running(tmp_path, listener=held) as machine:
        chat = await machine.open(message={"text": "one"})
        machine.control.fault("throttle", retry_after=1)
        sent = await chat.send("two")

        assert sent["status"] == "confirmed"
        assert machine.stored() == ["one", "two"]
        assert machine.arrived() == ["one", "two", "two"]
        assert (await chat.read())["incarnation"] == 1
        assert "message.failed" not in await chat.types()


@pytest.mark.parametrize("how", ["reset", "close"])
async def test_a_broken_network_is_tried_again_ever_more_slowly(tmp_path: Path, how: str) -> None:
    async with running(tmp_path) as machine:
        chat = await machine.open(message={"text": "one"})
        machine.control.fault("deny_handshake", status=503, count=2)
        machine.control.drop(await chat.token(), how=how)
        sent = await chat.send("two", wait=25)

        receipt = (await chat.wait_for("session.recovered"))["data"]["receipt"]
        assert receipt["cause"] == "link_lost"
        assert sent["status"] == "confirmed"
        assert machine.handshakes() == [101, 503, 503, 101]
        assert machine.arrived() == ["one", "two"]


async def _look_again(machine: Machine, chat: Chat) -> None:
    """Whoever may come to a session does: the sweeper, the listener's scan, a hint."""
    await machine.assembly.sweep(ahead=3600)
    session = await machine.assembly.ports.sessions.load(chat.id)  # type: ignore[arg-type]  # a SessionId
    await machine.assembly.ports.hints.session(session.id, session.shard)
    await machine.assembly.sweep(ahead=7200)


def _pauses(machine: Machine) -> list[float]:
    rows: list[Any] = list(machine.control.handshakes())
    return [after["at"] - before["at"] for before, after in pairwise(rows)]
