"""Listening: one poll for each shard that is held, for as long as it is held."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from service.adapters.embedded.hints import InProcessHints
from service.domain.errors import UnavailableError
from service.domain.ids import SessionId
from service.ports import SessionHint, TypingHint
from service.usecases.listen import ListenMailboxes
from tests.support.virtual_time import VirtualClock, run_virtual

A, B, C = SessionId("ses_a"), SessionId("ses_b"), SessionId("ses_c")


@dataclass
class World:
    """Mailboxes that note who polls, and may fail."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    heard: list[tuple[SessionId, int]] = field(default_factory=list)
    typed: list[TypingHint] = field(default_factory=list)
    polled: list[tuple[int, float]] = field(default_factory=list)
    polling: list[int] = field(default_factory=list)
    down: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.hints = InProcessHints(self.clock)
        self.listen = ListenMailboxes(
            clock=self.clock,
            mailboxes=self,
            look=lambda session_id, shard: self.heard.append((session_id, shard)),
            typed=self.typed.append,
        )

    async def receive(self, shard: int) -> Sequence[SessionHint]:
        self.polled.append((shard, self.clock.monotonic()))
        if shard in self.down:
            raise UnavailableError(what="the queue")
        self.polling.append(shard)
        try:
            return await self.hints.mailboxes.receive(shard)
        finally:
            self.polling.remove(shard)

    async def keep(self, *shards: int) -> list[int]:
        """Which mailboxes are polled a moment after."""
        self.listen.keep(shards)
        await self.clock.sleep(0.01)
        return sorted(self.polling)


@asynccontextmanager
async def _listening(world: World) -> AsyncIterator[World]:
    task = asyncio.create_task(world.listen.run())
    await world.clock.sleep(0.01)
    try:
        yield world
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_the_mailboxes_of_held_shards_are_polled_and_no_other() -> None:
    async def story() -> list[list[int]]:
        async with _listening(World()) as world:
            return [await world.keep(*shards) for shards in ((), (1, 2), (2, 3), (2, 3), ())]

    assert run_virtual(story()) == [[], [1, 2], [2, 3], [2, 3], []]


def test_what_was_to_be_kept_before_it_runs_is_polled_when_it_does() -> None:
    async def story() -> list[int]:
        world = World()
        world.listen.keep({1, 3})
        async with _listening(world):
            return sorted(world.polling)

    assert run_virtual(story()) == [1, 3]


def test_every_hint_is_told_with_its_shard() -> None:
    async def story() -> list[tuple[SessionId, int]]:
        async with _listening(World()) as world:
            await world.hints.session(A, 1)
            await world.keep(1, 2)
            await world.clock.sleep(30)
            for session_id, shard in ((B, 1), (C, 2), (A, 3)):
                await world.hints.session(session_id, shard)
            await world.clock.sleep(0.01)
            return world.heard

    assert run_virtual(story()) == [(A, 1), (B, 1), (C, 2)]


def test_typing_is_told_apart() -> None:
    async def story() -> World:
        async with _listening(World()) as world:
            await world.keep(1)
            await world.hints.typing(A, 1, at=7.0)
            await world.hints.session(A, 1)
            await world.clock.sleep(0.01)
            return world

    world = run_virtual(story())
    assert (world.typed, world.heard) == ([TypingHint(A, 7.0)], [(A, 1)])


def test_a_shard_that_was_lost_is_not_listened_for_and_its_hints_stay() -> None:
    async def story() -> tuple[list[tuple[SessionId, int]], Sequence[SessionHint]]:
        async with _listening(World()) as world:
            await world.keep(1)
            await world.keep()
            await world.hints.session(A, 1)
            await world.clock.sleep(10)
            return world.heard, await world.hints.mailboxes.receive(1)

    assert run_virtual(story()) == ([], [A])


def test_a_shard_that_is_lost_and_taken_again_at_once_is_polled_once() -> None:
    async def story() -> list[int]:
        async with _listening(World()) as world:
            await world.keep(1)
            world.listen.keep(())
            await asyncio.sleep(0)
            return await world.keep(1)

    assert run_virtual(story()) == [1]


def test_a_mailbox_that_does_not_answer_is_asked_ever_more_slowly_and_stops_no_other() -> None:
    async def story() -> tuple[list[float], list[tuple[SessionId, int]]]:
        async with _listening(World(down={1})) as world:
            await world.keep(1, 2)
            await world.clock.sleep(20)
            await world.hints.session(B, 2)
            await world.clock.sleep(0.01)
            times = [at for shard, at in world.polled if shard == 1]
            return [round(b - a, 3) for a, b in pairwise(times)], world.heard

    assert run_virtual(story()) == ([0.5, 1, 2, 4, 5, 5], [(B, 2)])


def test_after_an_outage_the_next_one_begins_with_a_short_pause() -> None:
    async def story() -> list[float]:
        async with _listening(World(down={1})) as world:
            await world.keep(1)
            await world.clock.sleep(3)  # the next try is at 3.5
            world.down.clear()
            await world.clock.sleep(3)
            world.down.add(1)
            world.polled.clear()
            await world.clock.sleep(4)
            return [round(at, 2) for _, at in world.polled]

    assert run_virtual(story()) == [8.51, 9.01, 10.01]


def test_an_outage_of_many_mailboxes_is_told_once_and_so_is_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def story() -> None:
        async with _listening(World(down={1, 2, 3})) as world:
            await world.keep(1, 2, 3)
            await world.clock.sleep(20)
            world.down = {2}
            await world.clock.sleep(10)
            world.down = set()
            await world.clock.sleep(10)

    run_virtual(story())
    assert [record.msg for record in caplog.records] == ["listener.deaf", "listener.hears_again"]


def test_a_shard_lost_while_its_mailbox_is_down_leaves_nothing_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> set[int]:
        async with _listening(World(down={1})) as world:
            await world.keep(1)
            await world.keep()
            return world.listen.deaf

    assert run_virtual(story()) == set()
    assert [record.msg for record in caplog.records] == ["listener.deaf"]


def test_a_defect_in_what_is_done_about_a_hint_is_not_hidden() -> None:
    async def story() -> None:
        world = World()

        def fail(session_id: SessionId, shard: int) -> None:
            raise KeyError(session_id)

        world.listen.look = fail
        world.listen.keep({1})
        await world.hints.session(A, 1)
        await world.listen.run()

    with pytest.raises(ExceptionGroup) as caught:
        run_virtual(story())
    assert caught.group_contains(KeyError, match=A)
