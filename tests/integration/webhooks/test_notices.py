"""Owners hear of one endpoint through another: one receiver has moods, and one listens."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.machine import Machine, eventually, running
from tests.support.real_process import broker_process
from tests.support.webhook_sink import WebhookSink, answer, reset, webhook_sink


@pytest.fixture(name="machine")
async def _machine(tmp_path: Path) -> AsyncIterator[Machine]:
    async with running(tmp_path) as machine:
        yield machine


@pytest.fixture(name="moody")
async def _moody() -> AsyncIterator[WebhookSink]:
    async with webhook_sink() as sink:
        yield sink


@pytest.fixture(name="listening")
async def _listening() -> AsyncIterator[WebhookSink]:
    async with webhook_sink() as sink:
        yield sink


async def test_an_endpoint_that_fails_and_comes_back_is_told_of_elsewhere(
    machine: Machine, moody: WebhookSink, listening: WebhookSink
) -> None:
    moody.script.extend([answer(500), answer(500), reset(), answer(500)])
    hook = await machine.webhook(f"{moody.url}?token=secret", "message.received", "webhook.*")
    other = await machine.webhook(listening.url, "webhook.*")
    chat = await machine.open(message={"text": "hello"})

    await chat.agent_says("Is anybody there?")
    failing, recovered = await listening.received(2)

    data = failing.event["data"]
    assert (failing.event["type"], data["stage"]) == ("webhook.failing", "retrying")
    assert data["webhook"] == {
        "id": hook["id"],
        "url": moody.url,
        "description": None,
        "state": "active",
    }
    assert (data["eventType"], data["reason"]) == ("message.received", "HTTP 500")
    assert data["eventId"] == moody.events[0]["id"]
    assert recovered.event["type"] == "webhook.recovered"
    assert recovered.event["data"]["stages"] == ["retrying"]
    for each in (failing, recovered):
        each.verify(other["secret"])
        assert "broker-lane-sequence" not in each.headers
        assert not {"sequence", "sessionId"} & set(each.event["data"])
    assert {event["type"] for event in moody.events} == {"message.received"}


async def test_one_that_was_disabled_is_told_of_and_so_is_its_return(
    machine: Machine, moody: WebhookSink, listening: WebhookSink
) -> None:
    moody.script.extend([answer(410), answer(410)])
    hook = await machine.webhook(moody.url, "message.received")
    await machine.webhook(listening.url, "webhook.disabled", "webhook.recovered")
    path = f"/v1/webhooks/{hook['id']}"
    chat = await machine.open(message={"text": "hello"})

    await chat.agent_says("Is anybody there?")
    [disabled] = await listening.received(1)
    known = await machine.call("GET", path)
    await machine.call("POST", f"{path}/enable", status=200)
    _, recovered = await listening.received(2)

    assert disabled.event["type"] == "webhook.disabled"
    assert disabled.event["data"]["reason"] == known["disabledReason"]
    assert disabled.event["data"]["webhook"]["state"] == known["state"] == "disabled"
    assert recovered.event["type"] == "webhook.recovered"
    assert recovered.event["data"]["stages"] == ["disabled"]
    assert [event["data"]["message"]["text"] for event in moody.events] == ["Is anybody there?"] * 3


async def test_warnings_are_seen_also_where_nobody_listens(
    machine: Machine, moody: WebhookSink
) -> None:
    moody.reply = answer(503)
    hook = await machine.webhook(moody.url, "message.received")
    for number in range(2):
        chat = await machine.open(message={"text": "hello"})
        await chat.agent_says(f"{number}")

    async def stands(*wanted: str) -> bool:
        stats = await machine.call("GET", f"/v1/webhooks/{hook['id']}/stats")
        return [each["stage"] for each in stats["warnings"]] == list(wanted)

    await eventually(lambda: stands("down"), what="a warning")
    moody.reply = answer()
    await eventually(stands, what="no warning")


async def test_news_outlive_the_process_that_wrote_them(
    tmp_path: Path, listening: WebhookSink
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    listening.reply = answer(503)
    async with broker_process(tmp_path, BROKER_SIMULATOR="on") as broker:
        dead = {
            "url": f"http://127.0.0.1:{port}/hook",
            "eventTypes": ["message.*"],
            "retrySchedule": [5] * 20,
        }
        hook = await broker.call("POST", "/v1/webhooks", dead)
        listens = {"url": listening.url, "eventTypes": ["webhook.failing"]}
        other = await broker.call("POST", "/v1/webhooks", listens)
        opened = {"deployment": "simulator", "message": {"text": "hello"}}
        await broker.call("POST", "/v1/sessions", opened)
        await listening.received(1)
        await broker.kill()
        refused = list(listening.requests)

        listening.reply = answer()
        await broker.start()
        taken = (await listening.received(len(refused) + 1))[-1]

    assert taken.headers["webhook-id"] == refused[0].headers["webhook-id"]
    assert taken.body == refused[0].body
    taken.verify(other["secret"])
    data = taken.event["data"]
    assert (data["webhook"]["id"], data["reason"]) == (hook["id"], "refused")
    assert data["stage"] in {"retrying", "down"}
