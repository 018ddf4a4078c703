"""Replays asked for, refused, begun with a new webhook, and cancelled."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.errors import (
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    VersionConflictError,
)
from service.domain.ids import EndpointId, ReplayId, SessionId
from service.domain.replay import STRANDS, ReplayState
from service.usecases.read_lane import START_SLACK_SECONDS
from service.usecases.start_replay import (
    AHEAD_SECONDS,
    ENDPOINT_SECONDS,
    FORGET_ROUNDS,
    SETTLE_SECONDS,
    StartReplay,
    Wanted,
)
from tests.support.api_bench import Bench, open_bench
from tests.support.losing import losing

Json = dict[str, Any]


async def hook(bench: Bench, *types: str, **more: object) -> EndpointId:
    wanted = {"url": "https://example.com/hook", "event_types": list(types) or ["*"], **more}
    answer = await bench.broker.webhooks.create(await bench.caller(), wanted, ticket=None)
    assert answer.body is not None
    return EndpointId(answer.body["id"])


async def started(bench: Bench, endpoint_id: EndpointId, **wanted: Any) -> Json:  # noqa: ANN401 - fields of Wanted
    answer = await bench.broker.start_replay(
        await bench.caller(), endpoint_id, Wanted(**wanted), ticket=None
    )
    assert answer.status == 202
    return dict(answer.body or {})


async def faults(bench: Bench, endpoint_id: EndpointId, **wanted: Any) -> dict[str, str]:  # noqa: ANN401 - the same
    with pytest.raises(InvalidRequestError) as refused:
        await started(bench, endpoint_id, **wanted)
    return {fault.pointer: fault.detail for fault in refused.value.faults}


async def test_a_range_is_begun_when_the_index_has_settled_and_ends_now() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, now = await hook(bench), bench.clock.now()
        opened = replace(await bench.table.tenants.endpoint(endpoint_id), openings=3)
        await bench.table.tenants.put_endpoint(opened, expected_version=1, idempotency=None)

        body = await started(bench, endpoint_id)

        strands = await bench.table.replays.strands_of(body["id"])
        assert {strand.openings for strand in strands} == {3}
        assert [strand.due_at for strand in strands] == [now + SETTLE_SECONDS] * STRANDS
        assert bench.hints.replays == [(body["id"], n, SETTLE_SECONDS) for n in range(STRANDS)]
        found = await bench.table.replays.replay(endpoint_id, body["id"])
        assert found is not None
        assert (found.range.until, found.range.since, found.range.types) == (now, None, None)


async def test_one_session_is_begun_at_once() -> None:
    async with open_bench() as bench:
        endpoint_id, session = await hook(bench), await bench.session()

        body = await started(bench, endpoint_id, session_id=session["id"], from_sequence=1)

        assert bench.hints.replays == [(body["id"], 0, 0.0)]
        assert (body["sessionId"], body["fromSequence"]) == (session["id"], 1)
        assert body["progress"]["sessionsFound"] == 1


async def test_the_end_of_a_range_may_be_a_little_in_the_future_and_is_now_then() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, now = await hook(bench), bench.clock.now()

        body = await started(bench, endpoint_id, since=now - 60, until=now + AHEAD_SECONDS)

        found = await bench.table.replays.replay(endpoint_id, body["id"])
        assert found is not None
        assert (found.range.since, found.range.until) == (now - 60, now)


async def test_what_does_not_fit_together_is_named() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, now = await hook(bench, "message.*"), bench.clock.now()

        assert await faults(bench, endpoint_id, from_sequence=1) == {
            "/fromSequence": "needs sessionId: a sequence is a place in one session's log"
        }
        assert "/until" in await faults(bench, endpoint_id, until=now + 61, since=now + 70)
        assert await faults(bench, endpoint_id, since=now + 1) == {"/since": "is after now"}
        late = await faults(bench, endpoint_id, since=now - 5, until=now - 6)
        assert late == {"/since": "is after until"}


async def test_types_are_those_that_a_log_has_and_the_webhook_takes() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id = await hook(bench, "message.*", "typing.started")

        assert await faults(bench, endpoint_id, types=()) == {"/types": "takes 1 to 32 types"}
        assert await faults(bench, endpoint_id, types=("*", "nonsense")) == {
            "/types/1": "is no event type, family.* or *"
        }
        types = ("message.received", "session.ended", "typing.started", "session.*")
        assert await faults(bench, endpoint_id, types=types) == {
            "/types/1": "is not among the webhook's eventTypes",
            "/types/2": "is in no log",
        }
        body = await started(bench, endpoint_id, types=("message.*", "message.received", "*"))
        assert body["types"] == ["message.*", "message.received", "*"]


async def test_nobody_replays_to_or_from_what_is_not_his() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id = await hook(bench)

        with pytest.raises(NotFoundError, match="session"):
            await started(bench, endpoint_id, session_id=SessionId("ses_x"))
        with pytest.raises(NotFoundError, match="webhook"):
            await started(bench, EndpointId("whk_x"))


async def test_a_new_webhook_may_have_what_is_older_than_its_lanes() -> None:
    async with open_bench(serving=False) as bench:
        now = bench.clock.now()

        endpoint_id = await hook(bench, start_from="beginning")

        (job,) = (await bench.table.replays.list_replays(endpoint_id, cursor=None, limit=9)).items
        strands = await bench.table.replays.strands_of(job.id)
        assert job.range.until == now - START_SLACK_SECONDS
        assert {(one.due_at, one.parked) for one in strands} == {(now + ENDPOINT_SECONDS, True)}
        assert len(bench.hints.replays) == STRANDS


async def test_without_a_wish_a_new_webhook_begins_now() -> None:
    async with open_bench(serving=False) as bench:
        for more in ({}, {"start_from": "now"}):
            endpoint_id = await hook(bench, **more)
            page = await bench.table.replays.list_replays(endpoint_id, cursor=None, limit=9)
            assert page.items == []
        assert bench.hints.replays == []


async def test_a_webhook_that_changes_wakes_its_replays() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id = await hook(bench)
        await started(bench, endpoint_id)
        bench.hints.replays.clear()

        await bench.broker.webhooks.switch(await bench.caller(), endpoint_id, on=False, ticket=None)

        assert len(bench.hints.replays) == STRANDS


async def test_what_a_deleted_webhook_had_is_forgotten_as_far_as_a_request_may_take() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id = await hook(bench)
        jobs = [await started(bench, endpoint_id) for _ in range(6)]
        rounds = losing(bench.table.replays, drop_replays=[UnavailableError(what="the table")])

        with pytest.raises(UnavailableError):
            await replace(bench.broker.start_replay, replays=rounds).forget(endpoint_id)
        await bench.broker.webhooks.delete(await bench.caller(), endpoint_id)

        for job in jobs:
            assert await bench.table.replays.strands_of(job["id"]) == []


async def test_there_is_an_end_to_what_one_request_removes() -> None:
    async with open_bench(serving=False) as bench:
        rounds = 0

        class Endless:
            async def drop_replays(self, endpoint_id: EndpointId) -> bool:
                nonlocal rounds
                rounds += 1
                return False

        endless: Any = Endless()
        await replace(bench.broker.start_replay, replays=endless).forget(EndpointId("whk_1"))

        assert rounds == FORGET_ROUNDS


async def cancelled(bench: Bench, start: StartReplay, endpoint_id: str, job: str) -> Json:
    answer = await start.cancel(await bench.caller(), EndpointId(endpoint_id), ReplayId(job))
    return dict(answer.body or {})


async def test_who_cancels_wakes_the_strands_so_that_they_end() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id = await hook(bench)
        body = await started(bench, endpoint_id)
        bench.hints.replays.clear()

        ended = await cancelled(bench, bench.broker.start_replay, endpoint_id, body["id"])
        again = await cancelled(bench, bench.broker.start_replay, endpoint_id, body["id"])

        assert (ended["state"], again) == ("cancelled", ended)
        assert len(bench.hints.replays) == STRANDS


async def test_a_cancel_that_lost_a_race_is_made_again_and_one_that_always_loses_is_told() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id = await hook(bench)
        body = await started(bench, endpoint_id)

        def racing(times: int) -> StartReplay:
            races = [VersionConflictError(item="replay")] * times
            return replace(
                bench.broker.start_replay, replays=losing(bench.table.replays, change=races)
            )

        with pytest.raises(UnavailableError):
            await cancelled(bench, racing(99), endpoint_id, body["id"])
        ended = await cancelled(bench, racing(2), endpoint_id, body["id"])

        assert ended["state"] == ReplayState.CANCELLED
