"""Attempts as their owner sees them: real HTTP both ways, a receiver with moods, one erasure."""

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.machine import Chat, Json, Machine, eventually, running
from tests.support.webhook_sink import WebhookSink, answer, reset, webhook_sink


@pytest.fixture(name="machine")
async def _machine(tmp_path: Path) -> AsyncIterator[Machine]:
    async with running(tmp_path) as machine:
        yield machine


@pytest.fixture(name="sink")
async def _sink() -> AsyncIterator[WebhookSink]:
    async with webhook_sink() as sink:
        yield sink


async def told(
    machine: Machine, path: str, *, count: int, session: str | None = None
) -> list[Json]:
    """The attempts, the earliest first, once there are so many."""
    found: list[Json] = []
    listing = f"{path}/deliveries"

    async def there() -> bool:
        if session is None:
            page = await machine.call("GET", listing)
        else:
            page = await machine.call("GET", listing, sessionId=session)
        found[:] = sorted(page["items"], key=lambda item: item["at"])
        return len(found) >= count

    await eventually(there, what=f"{count} attempts")
    return found


async def test_attempts_are_seen_resent_and_erased(machine: Machine, sink: WebhookSink) -> None:
    sink.script.extend([answer(503, body=b"busy\x1b[0m"), reset(), answer(200, body=b"thanks")])
    hook = await machine.webhook(sink.url, "message.received")
    path = f"/v1/webhooks/{hook['id']}"
    chat = await machine.open(message={"text": "hello"})

    await chat.agent_says("Grüße 👋")
    await sink.received(3)
    every = await told(machine, path, count=3, session=chat.id)

    assert [item["status"] for item in every] == [503, None, 200]
    assert [item["error"] for item in every] == ["status", "reset", None]
    assert [item["attempt"] for item in every] == [1, 2, 3]
    assert [item["answer"] for item in every] == [r"busy\x1b[0m", "", "thanks"]
    assert [item["decision"] for item in every] == ["retry", "retry", "delivered"]
    assert {item["trigger"] for item in every} == {"live"}
    _took_time(every[0])
    for made, after in pairwise(every):
        assert made["nextAttemptAt"] <= after["at"]
    assert {item["eventId"] for item in every} == {sink.requests[0].headers["webhook-id"]}
    failed = await told(machine, path, count=2)
    assert [item["id"] for item in failed] == [item["id"] for item in every[:2]]
    stats = await machine.call("GET", f"{path}/stats")
    assert (stats["health"], stats["failedToday"], stats["lanesWaiting"]) == ("well", 2, 0)
    await _resent(machine, sink, hook, chat, every[-1]["sequence"])

    await machine.call("DELETE", f"/v1/sessions/{chat.id}", status=204)

    await machine.call("GET", f"{path}/deliveries", sessionId=chat.id, status=404)
    assert (await machine.call("GET", f"{path}/deliveries"))["items"] == []


def _took_time(attempt: Json) -> None:
    """On a connection of its own, without TLS."""
    phases = attempt["phases"]
    assert 0 < phases["connect"] < attempt["seconds"] + 0.001
    assert 0 < phases["firstByte"] < attempt["seconds"] + 0.001
    assert phases["tls"] is None


async def _resent(
    machine: Machine,
    sink: WebhookSink,
    hook: Json,
    chat: Chat,
    sequence: int,
) -> None:
    """The same bytes come again, signed anew, and the order that follows is untouched."""
    path = f"/v1/webhooks/{hook['id']}"
    wish = {"sessionId": chat.id, "sequence": sequence}

    made = await machine.call("POST", f"{path}/resend", wish, status=200)
    await chat.agent_says("and on")
    *_, before, again, after = await sink.received(5)

    assert (made["trigger"], made["decision"]) == ("resend", "delivered")
    assert again.body == before.body
    assert again.headers["webhook-id"] == before.headers["webhook-id"]
    assert "broker-lane-sequence" not in again.headers
    assert after.headers["broker-lane-sequence"] == "2"
    sink.verify_all(hook["secret"])
    assert len(await told(machine, path, count=5, session=chat.id)) == 5
