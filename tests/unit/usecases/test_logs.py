"""A session's log and a tenant's are read alike, and nobody reads another tenant's."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.ids import LogId, SessionId, TenantName, log_of
from service.domain.log import EventType
from service.usecases.logs import LAST, PAGE, Logs
from tests.support.lane_world import TENANT, LaneWorld
from tests.support.virtual_time import run_virtual

OTHER = TenantName("other")


def logs(world: LaneWorld) -> Logs:
    return Logs(sessions=world.table.sessions, tenant_log=world.table.tenant_log)


@pytest.mark.parametrize(
    ("log_id", "born"),
    [
        (SessionId("ses_1"), True),
        (SessionId("ses_theirs"), False),
        (SessionId("ses_gone"), False),
        (log_of(TENANT), True),
        (log_of(OTHER), False),
    ],
)
def test_there_is_a_log_or_there_is_none_of_this_tenants(log_id: LogId, *, born: bool) -> None:
    async def story() -> None:
        world = LaneWorld()
        await world.session("ses_1")
        await world.session("ses_theirs", tenant=OTHER)

        assert (await logs(world).born(log_id, TENANT) is not None) is born

    run_virtual(story())


def test_each_is_read_where_it_lies() -> None:
    async def story() -> None:
        world = LaneWorld()
        session = await world.session()
        await world.append(session, EventType.MESSAGE_RECEIVED, EventType.MESSAGE_FAILED)
        told = await world.tell(await world.endpoint())

        empty = await world.session("ses_2")
        ends: tuple[tuple[LogId, int], ...] = ((session.id, 2), (empty.id, 0), (log_of(TENANT), 1))
        for log_id, end in ends:
            assert not await logs(world).goes_on(log_id, after=end)
            assert await logs(world).goes_on(log_id, after=end - 1) is (end > 0)
        mine = await logs(world).read(session.id, after=1, limit=9)
        theirs = await logs(world).read(log_of(TENANT), after=0, limit=9)

        assert ([event.sequence for event in mine.events], mine.last_sequence) == ([2], 2)
        assert ([event.id for event in theirs.events], theirs.last_sequence) == ([told.id], 1)

    run_virtual(story())


@given(
    gaps=st.lists(st.sampled_from([0.0, 0.5, 3.0, 20.0]), max_size=3 * LAST[1]),
    skews=st.lists(st.sampled_from([-2.0, 0.0, 2.0]), min_size=1, max_size=5),
    since=st.floats(-5.0, 300.0),
)
def test_a_lane_begins_before_the_first_event_that_is_young_enough_whosever_clock_stamped_it(
    gaps: list[float], skews: list[float], since: float
) -> None:
    async def story() -> None:
        world = LaneWorld()
        session = await world.session()
        start, at, stamps = world.clock.now(), world.clock.now(), []
        for place, gap in enumerate(gaps, 1):
            at += gap
            stamps.append(at + skews[place % len(skews)])
            event = world.event(session, place, EventType.MESSAGE_RECEIVED)
            await world.table.sessions.append(replace(event, at=stamps[-1]))

        place = await logs(world).place_before(session.id, since=start + since)

        young = [n for n, stamp in enumerate(stamps) if stamp >= start + since]
        assert place == (young[0] if young else len(stamps))

    run_virtual(story())


def test_a_place_far_from_the_end_is_found_from_the_beginning() -> None:
    async def story() -> None:
        world = LaneWorld()
        session = await world.session()
        await world.append(session, *[EventType.MESSAGE_RECEIVED] * 3)
        await world.clock.sleep(60)
        since = world.clock.now()
        await world.append(session, *[EventType.MESSAGE_RECEIVED] * (PAGE + LAST[-1]), first=4)
        told = await world.tell(await world.endpoint())
        tenants = log_of(TENANT)

        assert await logs(world).place_before(session.id, since=since) == 3
        assert await logs(world).place_before(session.id, since=since + 1) == PAGE + LAST[-1] + 3
        assert await logs(world).place_before(tenants, since=told.at) == 0
        assert await logs(world).place_before(tenants, since=told.at + 1) == 1

    run_virtual(story())
