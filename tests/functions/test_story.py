"""Deliveries as on AWS: hints through SQS, couriers as functions, the sweeper for what is lost."""

import asyncio

import pytest

from service.adapters.sqs.bodies import lane_body
from service.domain.errors import ConfigurationError
from service.ports import LaneHint
from service.usecases.keep_lane import HOPS_MAX
from tests.functions.conftest import SECRET, Stage, eventually, function
from tests.support.event_source import a_batch
from tests.support.fault_proxy import FaultProxy, Refusal
from tests.support.webhook_sink import answer


async def test_what_a_receiver_refuses_at_first_comes_in_order_in_the_end(stage: Stage) -> None:
    await stage.endpoint()
    session = await stage.session(events=2)
    stage.sink.script.extend([answer(500), answer(502)])
    source = stage.source
    async with function(stage.courier()) as courier, source.feeding(courier):
        await stage.hint(session)
        await stage.sink.received(2)
        await stage.append(session, 3)
        await stage.hint(session)
        await stage.sink.received(5)

    assert stage.sequences() == {session.id: [1, 1, 1, 2, 3]}
    assert source.failed == []
    stage.sink.verify_all(SECRET)


async def test_an_endpoint_that_is_down_is_probed_and_all_comes_when_it_is_back(
    stage: Stage,
) -> None:
    endpoint = await stage.endpoint()
    sessions = [await stage.session(events=2) for _ in range(3)]
    stage.sink.reply = answer(500)

    async def is_down() -> bool:
        return (await stage.table.healths.health(endpoint.id)).probe_at is not None

    async def all_came() -> bool:
        lanes = [await stage.lane(endpoint, each) for each in sessions]
        return all(lane.cursor == 2 for lane in lanes)

    async with function(stage.courier()) as courier, stage.source.feeding(courier):
        for session in sessions:
            await stage.hint(session)
        await eventually(is_down)
        refused = len(stage.sink.requests)
        stage.sink.reply = answer()
        await eventually(all_came)
        well = not await is_down()

    assert well
    taken = stage.sink.requests[refused:]
    assert len({each.headers["webhook-id"] for each in taken}) == 6
    for came in stage.sequences().values():
        assert came == sorted(came)
        assert came.count(2) == 1


async def test_the_sweeper_finds_what_no_hint_tells_of(stage: Stage) -> None:
    """Of one session nobody was told, of the other the retry's hint is at the end of its chain."""
    endpoint = await stage.endpoint()
    forgotten, failing = [await stage.session(events=1) for _ in range(2)]
    stage.sink.script.append(answer(500))
    async with function(stage.courier()) as courier, function(stage.sweeper()) as sweeper:
        await stage.queues.hints.lane(endpoint.id, failing.id, hops=HOPS_MAX)
        async with stage.source.feeding(courier):
            await stage.sink.received(1)

            async def is_waiting() -> bool:
                return (await stage.lane(endpoint, failing)).due_at is not None

            await eventually(is_waiting)
        await stage.table.sessions.mark_work(forgotten.id, 1.0)
        swept = await sweeper()
        async with stage.source.feeding(courier):
            await stage.sink.received(3)

    assert swept == {"due": 2}
    assert stage.sequences() == {failing.id: [1, 1], forgotten.id: [1]}


async def test_what_failed_in_a_batch_comes_again_from_the_queue(
    stage: Stage, faults: FaultProxy
) -> None:
    await stage.endpoint()
    session = await stage.session(events=1)
    source = stage.source
    async with function(stage.courier(aws_endpoint_url=faults.endpoint)) as courier:
        await courier(a_batch())
        faults.fail("BatchGetItem", Refusal(code="ServiceIsDown"))
        async with source.feeding(courier):
            await stage.hint(session)

            async def has_failed() -> bool:
                return bool(source.failed)

            await eventually(has_failed)
            faults.heal()
            await stage.sink.received(1)

    assert stage.sequences() == {session.id: [1]}
    [again] = source.batches[-1]["Records"]
    assert again["messageId"] == source.failed[0]
    assert again["attributes"]["ApproximateReceiveCount"] == str(len(source.failed) + 1)


async def test_two_couriers_on_the_same_hints_post_each_event_once(stage: Stage) -> None:
    endpoint = await stage.endpoint()
    sessions = [await stage.session(events=3) for _ in range(5)]
    batch = a_batch(*(lane_body(LaneHint(endpoint.id, each.id)) for each in sessions))

    async def slowly(writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(0.02)
        return await answer()(writer)

    stage.sink.reply = slowly
    async with function(stage.courier()) as one, function(stage.courier()) as other:
        await asyncio.gather(one(a_batch()), other(a_batch()))
        answers = await asyncio.gather(one(batch), other(batch))

    assert [each["batchItemFailures"] for each in answers] == [[], []]
    assert stage.sequences() == {each.id: [1, 2, 3] for each in sessions}


async def test_a_sweeper_with_too_little_time_says_so(stage: Stage) -> None:
    async with function(stage.sweeper()) as sweeper:
        with pytest.raises(ConfigurationError, match="timeout leaves 1"):
            await sweeper(seconds=15.0)

        assert await sweeper(seconds=30.0) == {"due": 0}
