"""The courier's handler, batch by batch: what it delivers, and which messages it gives back."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from itertools import chain, repeat

import pytest

from service.adapters.sqs.bodies import lane_body
from service.domain.endpoint import Endpoint
from service.domain.errors import ConfigurationError, UnavailableError
from service.domain.session import Session
from service.ports import LaneHint
from service.usecases.fit_run import BEGIN_SECONDS
from tests.functions.conftest import SECRET, Stage, function
from tests.support.delivery_costs import COUNTED
from tests.support.event_source import TIMEOUT, a_batch
from tests.support.fault_proxy import FaultProxy, Refusal
from tests.support.hint_ends import next_lanes
from tests.support.webhook_sink import answer

NOTHING_FAILED: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}


def failed(*numbers: int) -> dict[str, list[dict[str, str]]]:
    ids = [f"059f36b4-87a3-44ab-83d2-{number:012d}" for number in numbers]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in ids]}


def body(endpoint: Endpoint, session: Session, *, hops: int = 0) -> str:
    return lane_body(LaneHint(endpoint.id, session.id, hops))


async def test_a_batch_is_delivered_each_lane_once_and_what_is_no_hint_is_dropped(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = await stage.endpoint()
    first, second = [await stage.session(events=2) for _ in range(2)]
    batch = a_batch(
        body(endpoint, first),
        "secret stuff",
        body(endpoint, second),
        body(endpoint, first),
        body(endpoint, second, hops=3),
        json.dumps({"v": 1, "endpoint": endpoint.id, "session": first.id, "hops": -1}),
    )
    async with function(stage.courier()) as courier:
        answers = [await courier(batch), await courier(batch)]

    assert answers == [NOTHING_FAILED, NOTHING_FAILED]
    assert stage.sequences() == {first.id: [1, 2], second.id: [1, 2]}
    stage.sink.verify_all(SECRET)
    told = [vars(each)["message_id"][-1] for each in caplog.records if "unreadable" in each.msg]
    assert told == ["2", "6", "2", "6"]
    assert "secret stuff" not in caplog.text


async def test_a_table_that_is_away_fails_what_it_kept_from_being_served(
    stage: Stage, faults: FaultProxy
) -> None:
    endpoint = await stage.endpoint()
    session = await stage.session(events=1)
    batch = a_batch(body(endpoint, session), "no hint", body(endpoint, session, hops=1))
    through = stage.courier(aws_endpoint_url=faults.endpoint)
    async with function(through) as courier:
        nothing = await courier(a_batch())
        faults.fail("BatchGetItem", Refusal(code="ServiceIsDown"))
        away = await courier(batch)
        faults.heal()
        back = await courier(batch)

    assert (nothing, away, back) == (NOTHING_FAILED, failed(1, 3), NOTHING_FAILED)
    assert stage.sequences() == {session.id: [1]}


async def test_a_table_that_is_away_after_the_post_has_it_sent_again(
    stage: Stage, faults: FaultProxy
) -> None:
    """At least once: what was taken could not be written down."""
    endpoint = await stage.endpoint()
    session = await stage.session(events=1)
    batch = a_batch(body(endpoint, session))
    async with function(stage.courier(aws_endpoint_url=faults.endpoint)) as courier:
        await courier(a_batch())
        faults.fail("UpdateItem", Refusal(code="ServiceIsDown"))
        away = await courier(batch)
        faults.heal()

    assert away == failed(1)
    assert stage.sequences() == {session.id: [1]}
    lane = await stage.lane(endpoint, session)
    assert (lane.cursor, lane.claim is None) == (0, False)


async def test_a_table_that_is_away_at_the_start_gives_back_the_whole_batch(
    stage: Stage, faults: FaultProxy
) -> None:
    endpoint = await stage.endpoint()
    session = await stage.session(events=1)
    batch = a_batch(body(endpoint, session))
    faults.fail("CreateTable", Refusal(code="ServiceIsDown"))
    async with function(stage.courier(aws_endpoint_url=faults.endpoint)) as courier:
        with pytest.raises(UnavailableError):
            await courier(batch)
        faults.heal()
        back = await courier(batch)

    assert back == NOTHING_FAILED
    assert stage.sequences() == {session.id: [1]}


async def test_calls_of_table_and_queue_are_those_that_were_counted(
    stage: Stage, faults: FaultProxy
) -> None:
    """Over the wire, and at most as many: what was remembered for a second may be used."""
    endpoint = await stage.endpoint()
    session = await stage.session(events=1)
    batch = a_batch(body(endpoint, session))
    async with function(stage.courier(aws_endpoint_url=faults.endpoint)) as courier:

        async def asked(sequence: int) -> Counter[str]:
            await stage.append(session, sequence)
            faults.seen.clear()
            await courier(batch)
            return faults.seen.copy()

        await courier(batch)
        delivered = await asked(2)
        stage.sink.reply = answer(500)
        failing = await asked(3)

    for seen, case in (
        (delivered, COUNTED["an event of a lane that rests"]),
        (failing, COUNTED["an attempt that failed"]),
    ):
        assert 0 < seen["GetItem"] + seen["BatchGetItem"] <= case.gets
        assert seen["Query"] <= case.queries
        assert seen["UpdateItem"] + seen["PutItem"] + seen["DeleteItem"] == case.writes
        assert seen["TransactWriteItems"] == case.transactions
        assert seen["SendMessageBatch"] == case.hints
    assert stage.sequences() == {session.id: [1, 2, 3]}


class Dwindling:
    """A context of which opening took its share."""

    def __init__(self, at_first: float, *, then: float) -> None:
        self._seconds: Iterator[float] = chain([at_first], repeat(then))

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * next(self._seconds))


async def test_what_there_is_no_time_for_is_hinted_again(stage: Stage) -> None:
    endpoint = await stage.endpoint()
    session = await stage.session(events=1)
    batch = a_batch(body(endpoint, session, hops=2))
    environment = stage.courier()
    late = Dwindling(TIMEOUT, then=BEGIN_SECONDS - 0.1)
    async with function(environment) as courier:
        told = await courier.run(environment.invoke, batch, late)
        hinted = await next_lanes(stage.queues.deliveries)

    assert told == NOTHING_FAILED
    assert hinted == [LaneHint(endpoint.id, session.id, 3)]
    assert stage.sink.requests == []


async def test_a_lane_that_others_hold_is_left_to_them(stage: Stage) -> None:
    """Who lets go of a lane looks again, so the message may go."""
    endpoint = await stage.endpoint()
    session = await stage.session(events=1)
    batch = a_batch(body(endpoint, session))
    may_answer = asyncio.Event()

    async def waits(writer: asyncio.StreamWriter) -> bool:
        await may_answer.wait()
        return await answer()(writer)

    stage.sink.reply = waits
    async with function(stage.courier()) as one, function(stage.courier()) as other:
        first = asyncio.create_task(one(batch))
        await stage.sink.received(1)
        second = await other(batch)
        may_answer.set()

        assert (second, await first) == (NOTHING_FAILED, NOTHING_FAILED)
    assert stage.sequences() == {session.id: [1]}


def test_a_function_that_could_never_deliver_says_so(stage: Stage) -> None:
    with contextlib.closing(stage.courier()) as environment:
        with pytest.raises(ConfigurationError, match="timeout leaves 30 s for a courier"):
            environment.invoke(a_batch(), Dwindling(30.0, then=30.0))
        with pytest.raises(ConfigurationError, match="trigger"):
            environment.invoke({"time": "2026-11-26T16:00:00Z"}, Dwindling(TIMEOUT, then=TIMEOUT))


def test_a_key_is_never_made_by_a_function(stage: Stage) -> None:
    (stage.settings.data_dir / "encryption.key").unlink()
    with (
        contextlib.closing(stage.courier()) as environment,
        pytest.raises(ConfigurationError, match="BROKER_DATA_DIR"),
    ):
        environment.invoke(a_batch(), Dwindling(TIMEOUT, then=TIMEOUT))

    assert not list(stage.settings.data_dir.iterdir())
