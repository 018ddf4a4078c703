"""One fault of the contact centre at a time, in the midst of a talk.

Nothing is lost, doubled or out of order, and the outcome of every send is certain.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.machine import Chat, Machine, running

HELD = pytest.mark.parametrize("held", [True, False], ids=["held", "on demand"])
ROUNDS: Final = 3

FAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "reset before a message": {"kind": "drop", "when": "before", "action": "onMessage"},
    "reset after a message": {"kind": "drop", "when": "after", "action": "onMessage"},
    "close after a message": {"kind": "drop", "how": "close", "code": 1001, "action": "onMessage"},
    "half-open after a message": {"kind": "drop", "how": "half_open", "action": "onMessage"},
    "reset after configure": {"kind": "drop", "action": "configureSession"},
    "reset on opening": {"kind": "drop", "when": "open"},
    "eviction": {"kind": "evict", "action": "onMessage"},
    "expiry": {"kind": "expire", "action": "onMessage"},
    "session lost": {"kind": "forget", "action": "onMessage"},
    "session lost, as text": {"kind": "refuse", "code": 4007, "spelling": "string_code"},
    "session lost, bare": {"kind": "refuse", "code": 4007, "spelling": "bare"},
    "configure refused 4007": {"kind": "refuse", "code": 4007, "action": "configureSession"},
    "configure refused 500": {"kind": "refuse", "code": 500, "action": "configureSession"},
    "message refused 500": {"kind": "refuse", "code": 500, "action": "onMessage"},
    "handshake left hanging": {"kind": "hang_handshake"},
    "handshake 429": {"kind": "deny_handshake", "status": 429, "retry_after": 1},
    "handshake 503": {"kind": "deny_handshake", "status": 503},
    "write swallowed": {"kind": "swallow_write", "action": "onMessage"},
    "echo swallowed": {"kind": "swallow_echo"},
    "frames delayed": {"kind": "delay", "seconds": 0.5, "count": 4},
    "frames doubled": {"kind": "duplicate", "times": 2, "count": 0},
    "frames out of order": {"kind": "reorder", "seconds": 0.4, "count": 0},
    "throttled": {"kind": "throttle", "retry_after": 1},
    "history lags": {"kind": "lag_history", "seconds": 0.5, "count": 2},
    "history fails": {"kind": "fail_history", "status": 500},
    "history throttled": {"kind": "fail_history", "status": 429, "retry_after": 1},
    "unknown class": {"kind": "unknown_class", "text": "BrandNewEvent", "count": 0},
    "broken JSON": {"kind": "malformed", "count": 0},
    "partial SessionResponse": {"kind": "partial_session_response", "count": 0},
}
AT_ATTACH: Final = ("configure", "handshake", "opening", "SessionResponse", "history")
"""Faults that strike while a link is made: a held link must be lost for them to strike."""


@HELD
@pytest.mark.parametrize("name", FAULTS)
async def test_a_talk_survives(tmp_path: Path, *, held: bool, name: str) -> None:
    policies = {"heartbeatSeconds": 1}
    async with running(tmp_path, listener=held, sweeper=False, policies=policies) as machine:
        chat = await machine.open(message={"text": "guest 0"})
        await chat.agent_says("agent 0")
        machine.control.fault(**FAULTS[name])
        if held and any(word in name for word in AT_ATTACH):
            machine.control.drop(await chat.token())
        await _talk(chat)

        await _nothing_lost_doubled_or_out_of_order(machine, chat, held=held)
        assert _struck(machine) == {FAULTS[name]["kind"]}


@pytest.mark.parametrize("order", ["restart", "wipe"])
@HELD
async def test_a_talk_survives_a_service_that(tmp_path: Path, *, held: bool, order: str) -> None:
    async with running(tmp_path, listener=held, sweeper=False) as machine:
        chat = await machine.open(message={"text": "guest 0"})
        await chat.agent_says("agent 0")
        if held:
            await chat.wait_for_text("agent 0")
        else:
            await chat.verb("resume")
        machine.control.run(order)
        await _talk(chat)

        await _nothing_lost_doubled_or_out_of_order(machine, chat, held=held)
        assert (await chat.read())["incarnation"] == (2 if order == "wipe" else 1)


@HELD
async def test_a_talk_survives_a_message_with_an_odd_button(tmp_path: Path, *, held: bool) -> None:
    odd = {"contentType": "QuickReply", "label": "Yes"}
    async with running(tmp_path, listener=held, sweeper=False) as machine:
        chat = await machine.open(message={"text": "guest 0"})
        machine.control.say(await chat.token(), "agent 0", content=[odd])
        machine.control.drop(await chat.token())
        await _talk(chat)

        await _nothing_lost_doubled_or_out_of_order(machine, chat, held=held)


async def test_a_push_that_nobody_heard_is_caught_up_with(tmp_path: Path) -> None:
    async with running(tmp_path) as machine:
        chat = await machine.open(message={"text": "guest 0"})
        machine.control.fault("swallow_frame", direction="Outbound")
        await chat.agent_says("agent 0")
        machine.control.drop(await chat.token())
        await chat.wait_for("session.recovered")

        assert await chat.texts() == ["agent 0"]


async def _talk(chat: Chat) -> None:
    for n in range(1, ROUNDS):
        await chat.send(f"guest {n}", wait=25)
        await chat.agent_says(f"agent {n}")


async def _nothing_lost_doubled_or_out_of_order(
    machine: Machine, chat: Chat, *, held: bool
) -> None:
    if not held:
        await chat.verb("resume")
    await chat.wait_for("message.received", count=ROUNDS)

    assert machine.stored() == [f"guest {n}" for n in range(ROUNDS)]
    assert await chat.texts() == [f"agent {n}" for n in range(ROUNDS)]
    assert await chat.texts("message.accepted") == [f"guest {n}" for n in range(ROUNDS)]
    assert await chat.texts("message.confirmed") == [f"guest {n}" for n in range(ROUNDS)]
    assert "message.failed" not in await chat.types()
    sequences = [event["data"]["sequence"] for event in await chat.events()]
    assert sequences == list(range(1, len(sequences) + 1))


def _struck(machine: Machine) -> set[str]:
    struck: Any = machine.control.faults()["struck"]
    return {kind for kind, times in struck.items() if times}
