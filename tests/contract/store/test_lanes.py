"""Lanes: one courier at a time, moved on by version and claim, found again when due."""

import asyncio
from dataclasses import replace

import pytest

from service.domain.endpoint import Claim, Lane
from service.domain.errors import NotFoundError, VersionConflictError
from service.domain.health import Health
from service.domain.ids import EndpointId, LogId, SessionId
from service.domain.log import EventType
from service.domain.session import State
from service.ports import LaneView
from tests.contract.store.conftest import Table
from tests.support.store_builders import NOW, a_lane, a_session, an_endpoint, an_event, unique

TAKERS = 16


async def claimed(table: Table, lane: Lane | None = None) -> Lane:
    found = await table.lanes.claim(
        lane or a_lane(a_session()), token="mine", now=NOW, until=NOW + 60
    )
    assert found is not None
    return found


async def test_a_claim_makes_the_lane_as_given(table: Table) -> None:
    lane = a_lane(a_session(), cursor=4, delivered=2, gap=(3, 4))

    found = await table.lanes.claim(lane, token="mine", now=NOW, until=NOW + 60)

    assert found == replace(lane, claim=Claim(token="mine", until=NOW + 60), version=1)
    assert await table.lanes.lane(lane.endpoint_id, lane.session_id) == found


async def test_a_lane_nobody_made_is_absent(table: Table) -> None:
    assert await table.lanes.lane(EndpointId("whk_x"), SessionId("ses_x")) is None
    assert await table.lanes.lanes_of(SessionId("ses_x")) == []


async def test_one_look_shows_endpoint_health_and_lane(table: Table) -> None:
    session, endpoint = a_session(), an_endpoint()
    await table.sessions.create(session, events=[], sends=[], idempotency=None, may_replace=None)
    made = await table.tenants.put_endpoint(endpoint, expected_version=None, idempotency=None)
    before = await table.lanes.look(endpoint.id, session.id)
    lane = await claimed(table, replace(a_lane(session), endpoint_id=endpoint.id))
    ill = Health(version=1, by="b", failed=1, row=1, lanes=(session.id,), failing_since=NOW)
    await table.healths.change_health(endpoint.id, Health(), ill)

    view = await table.lanes.look(endpoint.id, session.id)

    assert before == LaneView(endpoint=made, health=Health(), lane=None, has_log=True)
    assert view == LaneView(endpoint=made, health=ill, lane=lane, has_log=True)
    assert table.driver.meter.calls["get_many"] == 2


async def test_a_look_tells_of_what_is_not_there(table: Table) -> None:
    session, endpoint = a_session(), an_endpoint()
    with pytest.raises(NotFoundError):
        await table.lanes.look(endpoint.id, session.id)
    await table.tenants.put_endpoint(endpoint, expected_version=None, idempotency=None)
    none = await table.lanes.look(endpoint.id, session.id)
    await table.sessions.create(session, events=[], sends=[], idempotency=None, may_replace=None)
    erased = replace(session, state=State.ERASED)
    await table.sessions.erase(session, erased, an_event(session, 1, type=EventType.ERASED))

    gone = await table.lanes.look(endpoint.id, session.id)

    assert not none.has_log
    assert not gone.has_log


@pytest.mark.parametrize("there", [False, True])
async def test_of_sixteen_couriers_one_gets_the_lane(table: Table, *, there: bool) -> None:
    lane = a_lane(a_session())
    if there:
        held = await claimed(table, lane)
        lane = await table.lanes.save(held, replace(held, claim=None))

    claims = await asyncio.gather(
        *(
            table.lanes.claim(lane, token=f"courier-{number}", now=NOW, until=NOW + 60)
            for number in range(TAKERS)
        )
    )

    winners = [claim for claim in claims if claim is not None]
    assert len(winners) == 1
    assert await table.lanes.lane(lane.endpoint_id, lane.session_id) == winners[0]


async def test_a_lane_that_is_held_is_not_claimed(table: Table) -> None:
    held = await claimed(table)

    for seen in (held, replace(held, version=0, claim=None)):
        assert await table.lanes.claim(seen, token="b", now=NOW + 59, until=NOW + 99) is None


async def test_a_claim_whose_time_is_over_is_taken_over_as_it_is(table: Table) -> None:
    held = await claimed(table)
    moved = await table.lanes.save(held, replace(held, cursor=9, attempt=2))

    taken = await table.lanes.claim(
        a_lane(a_session(id=held.session_id), endpoint_id=held.endpoint_id),
        token="other",
        now=NOW + 60,
        until=NOW + 120,
    )

    claim = Claim(token="other", until=NOW + 120)
    assert taken == replace(moved, claim=claim, version=moved.version + 1)
    with pytest.raises(VersionConflictError):
        await table.lanes.save(moved, replace(moved, cursor=10))


async def test_a_lane_that_was_dropped_meanwhile_is_made_again(table: Table) -> None:
    gone = a_lane(a_session(), version=3, cursor=7)

    found = await table.lanes.claim(gone, token="mine", now=NOW, until=NOW + 60)

    assert found == replace(gone, claim=Claim(token="mine", until=NOW + 60), version=1)


async def test_claiming_twice_with_one_token_is_a_win(table: Table) -> None:
    held = await claimed(table)

    again = await table.lanes.claim(held, token="mine", now=NOW, until=NOW + 60)
    as_new = await table.lanes.claim(
        replace(held, version=0, claim=None), token="mine", now=NOW, until=NOW + 60
    )

    assert again is not None
    assert as_new is not None
    assert again.claim == as_new.claim == held.claim


async def test_every_field_of_a_lane_survives(table: Table) -> None:
    held = await claimed(table)
    after = replace(held, cursor=5, delivered=3, attempt=2, due_at=NOW + 5.5, gap=(2, 4))

    kept = await table.lanes.save(held, after)

    assert kept == replace(after, version=held.version + 1)
    assert list(await table.lanes.lanes_of(SessionId(held.session_id))) == [kept]


async def test_a_save_without_the_claim_is_refused(table: Table) -> None:
    held = await claimed(table)
    stolen = replace(held, claim=Claim(token="other", until=NOW + 60))

    with pytest.raises(VersionConflictError):
        await table.lanes.save(stolen, replace(stolen, cursor=1))
    with pytest.raises(VersionConflictError):
        await table.lanes.save(replace(held, claim=None), replace(held, cursor=1))


async def test_the_same_save_again_is_a_win(table: Table) -> None:
    held = await claimed(table)
    after = replace(held, cursor=5)
    first = await table.lanes.save(held, after)

    assert await table.lanes.save(held, after) == first


async def test_only_lanes_with_a_time_are_due_the_oldest_first(table: Table) -> None:
    lanes = [await claimed(table) for _ in range(20)]
    for number, lane in enumerate(lanes[:-1]):
        await table.lanes.save(lane, replace(lane, due_at=NOW + 100 - number))

    found = (await table.lanes.due_lanes(before=NOW + 90, limit=4)).items

    oldest = list(reversed(lanes[:-1]))[:4]
    assert list(found) == [(lane.endpoint_id, lane.session_id) for lane in oldest]
    assert (await table.lanes.due_lanes(before=NOW, limit=4)).items == []


@pytest.mark.parametrize("limit", [1, 3, 40])
async def test_pages_of_due_lanes_bring_each_once_and_in_order(table: Table, limit: int) -> None:
    lanes = [await claimed(table) for _ in range(40)]
    for number, lane in enumerate(lanes):
        # Four each have the same time, and those are spread over the buckets.
        await table.lanes.save(lane, replace(lane, due_at=NOW + number % 10))
    times = {(lane.endpoint_id, lane.session_id): n % 10 for n, lane in enumerate(lanes)}

    brought: list[tuple[EndpointId, LogId]] = []
    rest: object | None = None
    while True:
        page = await table.lanes.due_lanes(before=NOW + 8, limit=limit, after=rest)
        assert len(page.items) <= limit
        brought += page.items
        if (rest := page.rest) is None:
            break

    assert len(brought) == len(set(brought)) == 36
    assert [times[lane] for lane in brought] == sorted(times[lane] for lane in brought)


async def test_a_lane_whose_time_was_taken_away_is_not_due(table: Table) -> None:
    held = await claimed(table)
    parked = await table.lanes.save(held, replace(held, due_at=NOW + 5))

    await table.lanes.save(parked, replace(parked, due_at=None, claim=None))

    assert (await table.lanes.due_lanes(before=NOW + 99, limit=4)).items == []


async def test_due_sessions_and_due_lanes_are_kept_apart(table: Table) -> None:
    held = await claimed(table)
    await table.lanes.save(held, replace(held, due_at=NOW + 5))

    assert (await table.sessions.due_sessions(before=NOW + 99, limit=9)).items == []


async def test_lanes_of_a_deleted_endpoint_are_dropped(table: Table) -> None:
    endpoint_id = EndpointId(unique("whk"))
    sessions = [a_session() for _ in range(40)]
    for session in sessions:
        await claimed(table, a_lane(session, endpoint_id=endpoint_id))
    other = await claimed(table, a_lane(sessions[0]))

    done = False
    for _ in range(10):
        done = await table.lanes.drop_lanes(endpoint_id)
        if done:
            break

    assert done
    assert list(await table.lanes.lanes_of(sessions[0].id)) == [other]
    assert await table.lanes.lanes_of(sessions[39].id) == []
