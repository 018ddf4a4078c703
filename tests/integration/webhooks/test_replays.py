"""Replays as their owner sees them: the real broker, real HTTP both ways, a receiver with moods."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from service.usecases.read_lane import START_SLACK_SECONDS
from tests.support.machine import PATIENCE, Chat, Json, Machine, eventually, running
from tests.support.stand_in import ministack
from tests.support.webhook_sink import Received, WebhookSink, answer, reset, webhook_sink

OVER = ("done", "cancelled", "failed")


@pytest.fixture(name="machine")
async def _machine(tmp_path: Path) -> AsyncIterator[Machine]:
    async with running(tmp_path) as machine:
        yield machine


@pytest.fixture(name="sink")
async def _sink() -> AsyncIterator[WebhookSink]:
    async with webhook_sink() as sink:
        yield sink


async def spoken(machine: Machine, *texts: str) -> Chat:
    """A chat in which an agent said all that."""
    chat = await machine.open(message={"text": "hello"})
    for text in texts:
        await chat.agent_says(text)
        await chat.wait_for_text(text)
    return chat


async def replayed(machine: Machine, hook: Json, **wish: object) -> Json:
    return await machine.call("POST", f"/v1/webhooks/{hook['id']}/replay", wish, status=202)


async def over(machine: Machine, job: Json, *, within: float = PATIENCE) -> Json:
    """The job once it is over."""
    found: Json = job

    async def ended() -> bool:
        nonlocal found
        found = await read(machine, job)
        return found["state"] in OVER

    await eventually(ended, within=within, what=f"the end of {job['id']}")
    return found


async def read(machine: Machine, job: Json) -> Json:
    return await machine.call("GET", f"/v1/webhooks/{job['webhookId']}/replays/{job['id']}")


def marked(sink: WebhookSink, job: Json) -> list[Received]:
    """The requests of that replay, in the order of their arrival."""
    return [each for each in sink.requests if each.headers.get("broker-replay") == job["id"]]


def by_session(requests: Sequence[Received]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for each in requests:
        data: dict[str, Any] = json.loads(each.body)["data"]
        found[data["sessionId"]].append(data["sequence"])
    return dict(found)


async def caught_up(machine: Machine, sink: WebhookSink, *chats: Chat) -> int:
    """How many requests there are once the lanes have delivered the whole logs."""
    logs = [len(await chat.events()) for chat in chats]
    await sink.received(sum(logs))
    return sum(logs)


async def test_a_session_comes_once_more_with_its_own_ids_bytes_and_order(
    machine: Machine, sink: WebhookSink
) -> None:
    hook = await machine.webhook(sink.url)
    chat = await spoken(machine, "one", "two")
    live = await caught_up(machine, sink, chat)

    job = await replayed(machine, hook, sessionId=chat.id)
    done = await over(machine, job)

    assert (done["state"], done["failure"], done["skippedEvents"]) == ("done", None, [])
    assert done["progress"] == {
        "sessionsFound": 1,
        "sessionsDone": 1,
        "delivered": live,
        "skipped": 0,
    }
    assert done["finishedAt"] >= done["createdAt"]
    before, again = sink.requests[:live], sink.requests[live:]
    assert again == marked(sink, job)
    assert [each.body for each in again] == [each.body for each in before]
    assert [each.headers["webhook-id"] for each in again] == [
        each.headers["webhook-id"] for each in before
    ]
    assert not any("broker-lane-sequence" in each.headers for each in again)
    sink.verify_all(hook["secret"])
    await _lane_goes_on(sink, chat, live)
    path = f"/v1/webhooks/{hook['id']}/deliveries"

    async def written_down() -> bool:
        page = await machine.call("GET", path, sessionId=chat.id)
        kinds = [one["trigger"] for one in page["items"]]
        return (kinds.count("replay"), kinds.count("live")) == (live, live + 1)

    await eventually(written_down, what="every attempt")


async def _lane_goes_on(sink: WebhookSink, chat: Chat, live: int) -> None:
    """With the next event, and the next number."""
    await chat.agent_says("and on")
    *_, after = await sink.received(2 * live + 1)

    assert "broker-replay" not in after.headers
    assert after.headers["broker-lane-sequence"] == str(live + 1)


async def test_a_range_takes_the_events_it_names_of_every_session(
    machine: Machine, sink: WebhookSink
) -> None:
    hook = await machine.webhook(sink.url)
    chats = [await spoken(machine, f"{number} a", f"{number} b") for number in range(3)]
    logs = [await chat.events("message.received") for chat in chats]
    since, until = logs[0][1]["timestamp"], logs[2][0]["timestamp"]
    await caught_up(machine, sink, *chats)

    job = await replayed(machine, hook, since=since, until=until, types=["message.received"])
    done = await over(machine, job)

    asked = (done["since"], done["until"], done["types"])
    assert asked == (since, until, ["message.received"])
    assert by_session(marked(sink, job)) == {
        chats[0].id: [logs[0][1]["data"]["sequence"]],
        chats[1].id: [event["data"]["sequence"] for event in logs[1]],
        chats[2].id: [logs[2][0]["data"]["sequence"]],
    }
    assert (done["progress"]["delivered"], done["progress"]["sessionsDone"]) == (4, 3)


async def test_from_a_place_of_one_log(machine: Machine, sink: WebhookSink) -> None:
    hook = await machine.webhook(sink.url)
    chat = await spoken(machine, "one", "two")
    live = await caught_up(machine, sink, chat)

    job = await replayed(machine, hook, sessionId=chat.id, fromSequence=live - 1)
    await over(machine, job)

    assert by_session(marked(sink, job)) == {chat.id: [live - 1, live]}


async def test_an_event_that_only_the_replay_fails_with_is_left_behind_and_named(
    machine: Machine, sink: WebhookSink
) -> None:
    hook = await machine.webhook(sink.url)
    chat = await spoken(machine, "one", "two")
    live = await caught_up(machine, sink, chat)
    sink.script.extend([answer(422, body=b"not that again")] * 3)

    done = await over(machine, await replayed(machine, hook, sessionId=chat.id))

    progress, (skipped,) = done["progress"], done["skippedEvents"]
    assert (done["state"], progress["delivered"], progress["skipped"]) == ("done", live - 1, 1)
    assert (skipped["sequence"], skipped["attempts"], skipped["status"]) == (1, 3, 422)
    assert by_session(marked(sink, done))[chat.id] == [1, 1, *range(1, live + 1)]


async def test_a_cancelled_replay_ends(machine: Machine, sink: WebhookSink) -> None:
    hook = await machine.webhook(sink.url)
    chat = await spoken(machine, "one")
    await caught_up(machine, sink, chat)
    sink.reply = answer(503, headers={"retry-after": "3600"})
    job = await replayed(machine, hook, sessionId=chat.id)
    path = f"/v1/webhooks/{hook['id']}/replays"
    await eventually(lambda: bool(marked(sink, job)))

    async def waiting() -> bool:
        return bool((await read(machine, job))["state"] == "waiting")

    await eventually(waiting, what="waiting")
    ended = await machine.call("POST", f"{path}/{job['id']}/cancel", {}, status=200)
    again = await machine.call("POST", f"{path}/{job['id']}/cancel", {}, status=200)

    assert (ended["state"], again) == ("cancelled", {**ended, "updatedAt": again["updatedAt"]})
    assert ended["finishedAt"] is not None
    page = await machine.call("GET", path)
    assert [one["id"] for one in page["items"]] == [job["id"]]
    assert len(marked(sink, job)) == 1


async def test_a_replay_waits_for_a_receiver_that_is_away_and_loses_nothing(
    machine: Machine, sink: WebhookSink
) -> None:
    hook = await machine.webhook(sink.url)
    chats = [await spoken(machine, f"{number}") for number in range(4)]
    live = await caught_up(machine, sink, *chats)
    path = f"/v1/webhooks/{hook['id']}/stats"
    sink.reply = reset()
    job = await replayed(machine, hook)

    async def down() -> bool:
        return bool((await machine.call("GET", path))["health"] == "down")

    await eventually(down, what="down")
    sink.reply = answer()
    done = await over(machine, job)

    assert (done["state"], done["progress"]["delivered"]) == ("done", live)
    assert done["progress"]["skipped"] == 0
    for chat in chats:
        taken = by_session(marked(sink, job))[chat.id]
        assert sorted(set(taken)) == list(range(1, len(await chat.events()) + 1))


async def test_a_webhook_may_begin_at_the_beginning(machine: Machine, sink: WebhookSink) -> None:
    chats = [await spoken(machine, f"{number}") for number in range(2)]
    logs = {chat.id: len(await chat.events()) for chat in chats}
    clock, old = machine.opened.ports.clock, machine.opened.ports.clock.now() + START_SLACK_SECONDS
    # What is younger belongs to the lanes of the new webhook.
    await eventually(lambda: clock.now() > old)
    body = {"url": sink.url, "startFrom": "beginning"}

    hook = await machine.call("POST", "/v1/webhooks", body, status=201)
    (job,) = (await machine.call("GET", f"/v1/webhooks/{hook['id']}/replays"))["items"]
    done = await over(machine, job)
    await sink.received(sum(logs.values()))

    assert done["state"] == "done"
    taken = by_session(marked(sink, job))
    assert len(sink.requests) == done["progress"]["delivered"]
    assert {name: sorted(set(taken[name])) for name in taken} == {
        name: list(range(1, count + 1)) for name, count in logs.items()
    }


async def test_a_replay_of_a_webhook_that_was_deleted_is_gone(
    machine: Machine, sink: WebhookSink
) -> None:
    hook = await machine.webhook(sink.url)
    chat = await spoken(machine, "one")
    await caught_up(machine, sink, chat)
    sink.reply = answer(503, headers={"retry-after": "1"})
    job = await replayed(machine, hook)

    await machine.call("DELETE", f"/v1/webhooks/{hook['id']}", status=204)

    async def gone() -> bool:
        return await machine.opened.ports.replays.strands_of(job["id"]) == []

    await eventually(gone, what="no strand is left")


async def test_a_range_comes_over_dynamodb_and_sqs_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sink: WebhookSink
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with ministack() as endpoint:
        async with running(tmp_path, aws_endpoint=endpoint) as machine:
            await _a_range_comes(machine, sink)


async def _a_range_comes(machine: Machine, sink: WebhookSink) -> None:
    hook = await machine.webhook(sink.url, "message.received")
    chats = [await spoken(machine, f"{number} a", f"{number} b") for number in range(3)]
    await sink.received(6)

    done = await over(machine, await replayed(machine, hook))

    assert (done["state"], done["progress"]["delivered"]) == ("done", 6)
    taken = by_session(marked(sink, done))
    assert set(taken) == {chat.id for chat in chats}
    assert all(places == sorted(places) for places in taken.values())
