"""A receiver that must prove itself, over real HTTP: nothing before, and its backlog after."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.machine import Machine, eventually, running
from tests.support.webhook_sink import Reply, WebhookSink, answer, webhook_sink


@pytest.fixture(name="machine")
async def _machine(tmp_path: Path) -> AsyncIterator[Machine]:
    async with running(tmp_path) as machine:
        yield machine


@pytest.fixture(name="sink")
async def _sink() -> AsyncIterator[WebhookSink]:
    async with webhook_sink() as sink:
        yield sink


def echo(sink: WebhookSink, *, as_json: bool) -> Reply:
    """Send the last request's challenge back."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        challenge = sink.requests[-1].event["data"]["challenge"]
        told = json.dumps({"challenge": challenge}) if as_json else challenge
        return await answer(200, body=told.encode())(writer)

    return reply


@pytest.mark.parametrize("as_json", [False, True])
async def test_events_come_only_after_the_proof_and_then_all(
    machine: Machine,
    sink: WebhookSink,
    *,
    as_json: bool,
) -> None:
    sink.reply = answer(200)
    wanted = {"url": sink.url, "eventTypes": ["message.received"], "verify": True}
    hook = await machine.call("POST", "/v1/webhooks", wanted, status=201)
    path = f"/v1/webhooks/{hook['id']}"
    chat = await machine.open(message={"text": "hello"})
    await chat.agent_says("one")
    await chat.agent_says("two")
    await chat.wait_for_text("two")
    assert (hook["state"], hook["verified"]) == ("paused", False)
    assert [each.event["type"] for each in sink.requests] == ["webhook.challenge"]

    sink.script.append(echo(sink, as_json=as_json))
    told = await machine.call("POST", f"{path}/verify", status=200)

    assert (told["passed"], told["verified"], told["state"]) == (True, True, "active")
    await sink.received(4)
    types = [each.event["type"] for each in sink.requests]
    assert types == ["webhook.challenge"] * 2 + ["message.received"] * 2
    assert [each.headers.get("broker-lane-sequence") for each in sink.requests] == [
        None,
        None,
        "1",
        "2",
    ]
    sink.verify_all(hook["secret"])

    async def listed() -> bool:
        page = await machine.call("GET", f"{path}/deliveries", sessionId=chat.id)
        return len(page["items"]) == 2

    await eventually(listed, what="the two deliveries, and no challenge")
