"""Attempts: kept whole, found by their lane and, where they failed, by their endpoint."""

from collections.abc import Sequence

import pytest

from service.adapters.table import cursors, index_keys, schema
from service.adapters.table.attempts import AttemptTable
from service.domain.attempt import EVERY, Attempt, AttemptFilter, Decision, Outcome, Phases, Trigger
from service.domain.errors import InvalidRequestError
from service.domain.ids import AttemptId, EndpointId, SessionId
from service.domain.log import EventType
from tests.contract.store.conftest import Table
from tests.support.store_builders import NOW, an_attempt, unique

DAY = 24 * 3600
FAILED = Decision.RETRY


def names() -> tuple[EndpointId, SessionId]:
    return EndpointId(unique("whk")), SessionId(unique("ses"))


async def kept(table: Table, *attempts: Attempt) -> None:
    for attempt in attempts:
        await table.attempts.record(attempt)


async def lane(
    table: Table,
    endpoint_id: EndpointId,
    session_id: SessionId,
    *,
    limit: int = 50,
    wanted: AttemptFilter = EVERY,
) -> Sequence[Attempt]:
    """All of it, page by page."""
    found: list[Attempt] = []
    cursor = None
    while True:
        page = await table.attempts.attempts_of(
            endpoint_id, session_id, wanted=wanted, cursor=cursor, limit=limit
        )
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


async def failed(
    table: Table,
    endpoint_id: EndpointId,
    *,
    limit: int = 50,
    now: float = NOW,
    wanted: AttemptFilter = EVERY,
) -> Sequence[Attempt]:
    """All of it, page by page."""
    found: list[Attempt] = []
    cursor = None
    while True:
        page = await table.attempts.failed_attempts(
            endpoint_id, now=now, wanted=wanted, cursor=cursor, limit=limit
        )
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_every_field_survives(table: Table) -> None:
    endpoint_id, session_id = names()
    full = an_attempt(
        endpoint_id=endpoint_id,
        session_id=session_id,
        sequence=17,
        trigger=Trigger.PROBE,
        number=4,
        status=503,
        error="timeout",
        detail="später",
        seconds=1.25,
        phases=Phases(dns=0.0001, connect=0.02, first_byte=1.2),
        answer='{"a": "\\\\n 👋"}',
        decision=Decision.CONFIRM_GONE,
        next_at=NOW + 0.5,
    )
    bare = an_attempt(
        endpoint_id=endpoint_id,
        session_id=session_id,
        sequence=18,
        status=None,
        number=None,
        decision=Decision.NONE,
    )

    await kept(table, full, bare)

    assert await lane(table, endpoint_id, session_id) == [bare, full]


async def test_of_a_lane_the_latest_comes_first(table: Table) -> None:
    endpoint_id, session_id = names()
    made = [
        an_attempt(endpoint_id=endpoint_id, session_id=session_id, sequence=sequence, decision=how)
        for sequence, how in ((9, FAILED), (9, FAILED), (9, Decision.DELIVERED), (10, FAILED))
    ]
    resent = an_attempt(endpoint_id=endpoint_id, session_id=session_id, sequence=9)
    await kept(table, *made, resent)
    await kept(table, an_attempt(endpoint_id=endpoint_id, session_id=SessionId(unique("ses"))))
    await kept(table, an_attempt(endpoint_id=EndpointId("whk"), session_id=session_id))

    wanted = [made[3], resent, made[2], made[1], made[0]]
    assert await lane(table, endpoint_id, session_id) == wanted
    assert await lane(table, endpoint_id, session_id, limit=2) == wanted


async def test_the_same_attempt_again_is_one(table: Table) -> None:
    endpoint_id, session_id = names()
    made = an_attempt(endpoint_id=endpoint_id, session_id=session_id, decision=FAILED)

    await kept(table, made, made)

    assert await lane(table, endpoint_id, session_id) == [made]
    assert await failed(table, endpoint_id) == [made]


async def test_what_failed_is_found_by_its_endpoint_over_days(table: Table) -> None:
    endpoint_id, _ = names()
    made = [
        an_attempt(
            endpoint_id=endpoint_id,
            session_id=SessionId(unique("ses")),
            at=NOW - back * DAY,
            decision=how,
        )
        for back, how in (
            (29, FAILED),
            (7, FAILED),
            (7, Decision.DELIVERED),
            (7, Decision.NONE),
            (1, Decision.DISABLE),
            (0, FAILED),
            (0, Decision.EXHAUSTED),
        )
    ]
    await kept(table, *made)
    await kept(table, an_attempt(endpoint_id=EndpointId(unique("whk")), decision=FAILED))

    wanted = [each for each in reversed(made) if each.failed]
    for limit in (1, 2, 3, 6, 50):
        assert await failed(table, endpoint_id, limit=limit) == wanted
    assert await failed(table, EndpointId(unique("whk"))) == []


async def test_more_than_one_batch_of_reads_comes_in_order(table: Table) -> None:
    endpoint_id, session_id = names()
    made = [
        an_attempt(endpoint_id=endpoint_id, session_id=session_id, sequence=number, decision=FAILED)
        for number in range(1, 121)
    ]
    await kept(table, *made)

    page = await table.attempts.failed_attempts(endpoint_id, now=NOW, cursor=None, limit=110)

    assert list(page.items) == list(reversed(made))[:110]
    assert page.next_cursor is not None


async def test_only_todays_failures_are_counted_and_not_for_ever(table: Table) -> None:
    endpoint_id, session_id = names()
    for at, how in ((NOW, FAILED), (NOW, FAILED), (NOW, Decision.DELIVERED), (NOW - DAY, FAILED)):
        await kept(
            table,
            an_attempt(endpoint_id=endpoint_id, session_id=session_id, at=at, decision=how),
        )

    assert await table.attempts.count_failed(endpoint_id, now=NOW, most=10) == 2
    assert await table.attempts.count_failed(endpoint_id, now=NOW, most=1) == 1
    assert await table.attempts.count_failed(endpoint_id, now=NOW + DAY, most=10) == 0


async def test_an_entry_whose_attempt_has_gone_is_passed_over(table: Table) -> None:
    """An index lags behind: the item decides."""
    endpoint_id, session_id = names()
    made = [
        an_attempt(endpoint_id=endpoint_id, session_id=session_id, sequence=number, decision=FAILED)
        for number in (1, 2)
    ]
    await kept(table, *made)

    class Lagging:
        """The driver whose batch reads find the first one gone."""

        def __getattr__(self, name: str) -> object:
            return getattr(table.driver, name)

        async def get_many(self, keys: Sequence[object]) -> Sequence[object]:
            return [
                item
                for item in await table.driver.get_many(keys)  # type: ignore[arg-type]  # passed on
                if schema.attempt_of(str(item["sk"]))[1] != 1
            ]

    store = type(table.attempts)(Lagging())  # type: ignore[call-arg]  # stands for the driver
    page = await store.failed_attempts(endpoint_id, now=NOW, cursor=None, limit=9)

    assert list(page.items) == [made[1]]


async def test_attempts_go_by_themselves_after_thirty_days(table: Table) -> None:
    made = an_attempt(endpoint_id=EndpointId(unique("whk")))
    await kept(table, made)

    item = await table.driver.get(
        schema.attempt_key(made.endpoint_id, made.session_id, made.sequence, made.id)
    )

    assert item is not None
    assert float(item[schema.TTL]) == int(NOW) + 30 * DAY


async def test_failed_attempts_are_no_waiting_lanes(table: Table) -> None:
    endpoint_id, session_id = names()
    await kept(table, an_attempt(endpoint_id=endpoint_id, session_id=session_id, decision=FAILED))

    assert await table.lanes.waiting_lanes(endpoint_id, limit=9) == []
    assert await table.lanes.drop_lanes(endpoint_id)
    assert len(await lane(table, endpoint_id, session_id)) == 1


async def test_a_cursor_of_another_listing_or_made_up_is_refused(table: Table) -> None:
    endpoint_id, session_id = names()
    made = [
        an_attempt(id=AttemptId(unique("try")), endpoint_id=endpoint_id, session_id=session_id)
        for _ in range(2)
    ]
    await kept(table, *made)
    page = await table.attempts.attempts_of(endpoint_id, session_id, cursor=None, limit=1)
    listing = index_keys.failed_attempts_partition(endpoint_id, "")
    good = [f"{listing}2030-01-01", "try_1", f"SES#{session_id}", f"TRY#{endpoint_id}#1#try_1"]
    made_up = [
        cursors.spell(listing, ["x" if place == wrong else part for place, part in enumerate(good)])
        for wrong in range(4)
    ]

    for cursor in (page.next_cursor, *made_up):
        with pytest.raises(InvalidRequestError):
            await table.attempts.failed_attempts(endpoint_id, now=NOW, cursor=cursor, limit=1)
    old = await table.attempts.failed_attempts(
        endpoint_id, now=NOW, cursor=cursors.spell(listing, good), limit=1
    )
    assert old.items == []
    with pytest.raises(InvalidRequestError):
        await table.attempts.attempts_of(
            EndpointId("whk_other"), session_id, cursor=page.next_cursor, limit=1
        )


async def test_a_filter_takes_the_same_on_pages_of_any_size(table: Table) -> None:
    endpoint_id, session_id = names()
    made = [
        an_attempt(
            endpoint_id=endpoint_id,
            session_id=session_id,
            sequence=number,
            at=NOW - number * 3600,
            status=503 if number % 3 else 404,
            event_type=EventType.MESSAGE_RECEIVED if number % 2 else EventType.SESSION_OPENED,
            decision=FAILED if number % 5 else Decision.DELIVERED,
        )
        for number in range(60, 0, -1)
    ]
    await kept(table, *made)
    wanted = AttemptFilter(
        outcome=Outcome.BROKEN,
        types=["message.*"],
        since=NOW - 50 * 3600,
        until=NOW - 10 * 3600,
    )
    fits = [each for each in made if wanted.takes(each)]
    assert 9 < len(fits) < 30

    for limit in (1, 3, len(fits), 50):
        by_session = await lane(table, endpoint_id, session_id, limit=limit, wanted=wanted)
        by_time = await failed(table, endpoint_id, limit=limit, wanted=wanted)
        assert by_session == fits
        assert sorted(by_time, key=lambda each: each.id) == sorted(
            (each for each in fits if each.failed), key=lambda each: each.id
        )


async def test_a_filter_that_takes_nothing_comes_to_an_end(table: Table) -> None:
    """A request looks at so many, says where it stopped, and the last one says so."""
    endpoint_id, session_id = names()
    for number in range(1, 26):
        await kept(
            table,
            an_attempt(
                endpoint_id=endpoint_id,
                session_id=session_id,
                sequence=number,
                at=NOW - number % 3 * DAY,
                decision=FAILED,
            ),
        )
    store = AttemptTable(table.driver, looked_at=10)
    wanted = AttemptFilter(types=["session.ended"])

    for by_session in (True, False):
        sizes: list[int] = []
        cursor: str | None = None
        while cursor is not None or not sizes:
            page = await (
                store.attempts_of(endpoint_id, session_id, wanted=wanted, cursor=cursor, limit=3)
                if by_session
                else store.failed_attempts(
                    endpoint_id, now=NOW, wanted=wanted, cursor=cursor, limit=3
                )
            )
            sizes.append(len(page.items))
            cursor = page.next_cursor
        assert sizes == [0, 0, 0]


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        (None, None, {0, 1, 2, 29}),
        (NOW - 1.5 * DAY, None, {0, 1}),
        (None, NOW - 1.5 * DAY, {2, 29}),
        (NOW - 2 * DAY, NOW - DAY, {2}),
        (NOW + 1, None, set()),
        (-9e10, NOW + 9e10, {0, 1, 2, 29}),
        (None, -9e10, set()),
    ],
)
async def test_what_failed_is_found_within_times(
    table: Table, since: float | None, until: float | None, days: set[int]
) -> None:
    endpoint_id, session_id = names()
    for back in (0, 1, 2, 29):
        await kept(
            table,
            an_attempt(
                endpoint_id=endpoint_id,
                session_id=session_id,
                sequence=back + 1,
                at=NOW - back * DAY,
                decision=FAILED,
            ),
        )

    found = await failed(table, endpoint_id, wanted=AttemptFilter(since=since, until=until))

    assert {each.sequence - 1 for each in found} == days
