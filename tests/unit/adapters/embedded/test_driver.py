"""The embedded table on a virtual clock and without threads, and with indexes that lag."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from service.adapters.cipher import AesCipher
from service.adapters.embedded import EmbeddedTable, open_embedded
from service.adapters.embedded.driver import IndexLag
from service.adapters.table.conditions import Check, Key, Present, Put, Update
from service.domain.errors import UnavailableError
from service.domain.ids import SessionId
from service.domain.session import State
from tests.support.store_builders import a_session, an_event
from tests.support.virtual_time import InlineExecutor, VirtualClock, run_virtual

T = TypeVar("T")


def on_a_table(
    story: Callable[[EmbeddedTable, VirtualClock], Awaitable[T]], lag: IndexLag | None = None
) -> T:
    """Run the story on a table in memory and close it."""

    async def whole() -> T:
        clock = VirtualClock()
        table = open_embedded(
            None,
            cipher=AesCipher(bytes(32)),
            clock_now=clock.now,
            executor=InlineExecutor(),
            lag=lag,
        )
        try:
            return await story(table, clock)
        finally:
            await table.close()

    return run_virtual(whole())


def test_the_table_runs_on_a_virtual_clock() -> None:
    async def story(table: EmbeddedTable, clock: VirtualClock) -> int:
        session = a_session()
        events = [an_event(session, place) for place in range(1, 50)]
        await asyncio.gather(*(table.sessions.append(event) for event in events))
        page = await table.sessions.read_log(session.id, after=0, limit=100)
        return len(page.events)

    assert on_a_table(story) == 49


def test_an_index_may_lag_and_then_tells_what_was() -> None:
    async def story(table: EmbeddedTable, clock: VirtualClock) -> list[list[str]]:
        session = a_session()
        await table.sessions.create(
            session, events=[], sends=[], idempotency=None, may_replace=None
        )
        seen = [list(await table.sessions.live_in_shard(session.shard))]
        await clock.sleep(2)
        seen.append(list(await table.sessions.live_in_shard(session.shard)))
        ended = dataclasses.replace(session, state=State.ENDED)
        await table.sessions.commit(session, ended)
        await clock.sleep(1)
        seen.append(list(await table.sessions.live_in_shard(session.shard)))
        await clock.sleep(1)
        seen.append(list(await table.sessions.live_in_shard(session.shard)))
        return [["session"] if found == [session.id] else list(found) for found in seen]

    assert on_a_table(story, lag=IndexLag(longest=2.0, draw=lambda: 1.0)) == [
        [],
        ["session"],
        ["session"],
        [],
    ]


def test_a_lagging_index_forgets_what_nobody_can_see_any_more() -> None:
    async def story(table: EmbeddedTable, clock: VirtualClock) -> int:
        session = a_session()
        await table.sessions.create(
            session, events=[], sends=[], idempotency=None, may_replace=None
        )
        for number in range(1, 30):
            await table.sessions.mark_work(session.id, clock.now() + 60 + number)
            await clock.sleep(1)
        rows: int = table.driver.count_index_rows()
        return rows

    assert on_a_table(story, lag=IndexLag(longest=2.0, draw=lambda: 0.5)) < 12


def test_a_strong_read_never_lags() -> None:
    async def story(table: EmbeddedTable, clock: VirtualClock) -> bool:
        event = an_event(a_session(), 1)
        await table.sessions.append(event)
        return await table.sessions.last_event(SessionId(event.session_id)) == event

    assert on_a_table(story, lag=IndexLag(longest=100.0, draw=lambda: 1.0))


def test_a_number_is_added_to_and_a_lone_check_is_judged() -> None:
    async def story(table: EmbeddedTable, clock: VirtualClock) -> object:
        key = Key(pk="a", sk="b")
        await table.driver.write(Put(item={"pk": "a", "sk": "b", "n": 1}))
        item = await table.driver.write(Update(key=key, add={"n": 2, "m": 5}))
        await table.driver.write(Check(key=key, condition=Present("m")))
        return item

    assert on_a_table(story) == {"pk": "a", "sk": "b", "n": 3, "m": 5}


def test_a_key_that_is_no_text_is_refused_and_spoils_nothing() -> None:
    async def story(table: EmbeddedTable, clock: VirtualClock) -> bool:
        half_a_pair = SessionId("ses_\ud83d")
        with pytest.raises(UnavailableError):
            await table.sessions.append(an_event(half_a_pair, 1))
        with pytest.raises(UnavailableError):
            await table.sessions.tail(half_a_pair, limit=1)
        event = an_event(a_session(), 1)
        await table.sessions.append(event)
        return await table.sessions.last_event(SessionId(event.session_id)) == event

    assert on_a_table(story)
