"""What a listener holds for certain, asks for, and gives away; and when the table fails it."""

from asyncio import Event, create_task
from dataclasses import replace
from typing import Final

import pytest

from service.domain.errors import UnavailableError
from service.domain.ids import ListenerName
from service.domain.lease import LEASE_SECONDS, MARGIN_SECONDS, Lease, Term
from service.usecases.leases import GIVE_BACK_SECONDS, HAND_OVER_LINKS, WISH_SECONDS, Given, Leases
from tests.support.visit_stage import Stage, on_virtual_time, staged

ME, OTHER, THIRD = ListenerName("own_me"), ListenerName("own_other"), ListenerName("own_third")
DOWN: Final = UnavailableError(what="the table")
GENERATION: Final = 40.0
CERTAIN: Final = LEASE_SECONDS - MARGIN_SECONDS


class BrokenError(Exception):
    """A defect, not a table that is away."""


def _leases(stage: Stage, name: ListenerName = ME, **term: object) -> Leases:
    wanted = Term(name=name, shards=4, max_links=100, generation_seconds=GENERATION)
    return Leases(ports=stage.ports, term=replace(wanted, **term))  # type: ignore[arg-type]  # fields of Term


async def _of_another(
    stage: Stage, *shards: int, links: int = 0, ends: float | None = 5.0
) -> list[Lease]:
    """Shards that another holds, with so many links each, whose generation ends after so long."""
    held = []
    for shard in shards:
        retires = None if ends is None else stage.now + ends
        lease = await stage.ports.shards.acquire(
            shard, OTHER, now=stage.now, until=stage.now + 600, retires_at=retires
        )
        assert lease is not None
        told = replace(lease, links=links)
        kept = await stage.ports.shards.renew(told, until=stage.now + 600)
        assert kept is not None
        held.append(kept)
    return held


async def _asked(stage: Stage, leases: Leases, shard: int = 0, by: ListenerName = OTHER) -> None:
    held = leases.of(shard)
    assert held is not None
    until = stage.now + WISH_SECONDS
    assert await stage.ports.shards.ask(held, by, now=stage.now, until=until)


async def _wishes(stage: Stage) -> list[ListenerName | None]:
    return [lease.wanted_by for lease in await stage.ports.shards.leases(4)]


@on_virtual_time
async def test_what_is_taken_is_certain_until_a_margin_before_it_lapses() -> None:
    async with staged() as stage:
        leases = _leases(stage)
        before = leases.certain_for()
        fresh = await leases.take(0)
        certain = leases.certain_for()
        await stage.clock.sleep(CERTAIN - 0.1)
        late = leases.of(0)
        await stage.clock.sleep(0.1)

        assert (before, certain) == (None, CERTAIN)
        assert fresh == {0, 1, 2, 3}
        assert late is not None
        assert leases.of(0) is None
        assert leases.certain_for() == 0.0
        assert leases.let_go_of_doubtful() == {0, 1, 2, 3}
        assert (leases.held, leases.let_go_of_doubtful()) == ({}, set())


@on_virtual_time
async def test_certainty_counts_from_before_the_call_however_long_it_took() -> None:
    async with staged() as stage:
        leases = _leases(stage, shards=1)

        async def slowly() -> None:
            await stage.clock.sleep(CERTAIN - 1)

        stage.shards.before("acquire", slowly)
        await leases.take(0)

        assert leases.certain_for() == pytest.approx(1.0)
        stage.shards.before("renew", slowly)
        await leases.renew({})
        assert leases.certain_for() == pytest.approx(1.0)


@on_virtual_time
async def test_renewing_tells_links_and_the_end_of_the_generation() -> None:
    async with staged() as stage:
        ends = stage.now + GENERATION
        leases = _leases(stage, retires_at=ends)
        await leases.take(0)
        await stage.clock.sleep(5)

        assert await leases.renew({2: 7}) == (set(), [])
        lease = await stage.ports.shards.lease(2)
        assert (lease.links, lease.retires_at) == (7, ends)
        assert lease.expires_at == stage.now + LEASE_SECONDS
        assert leases.certain_for() == CERTAIN


@on_virtual_time
async def test_a_renewal_that_cannot_be_asked_for_is_believed_in_until_its_time_is_over() -> None:
    async with staged() as stage:
        leases = _leases(stage)
        await leases.take(0)
        await stage.clock.sleep(5)
        stage.shards.fail("renew", DOWN)

        assert await leases.renew({}) == (set(), [])
        assert set(leases.held) == {0, 1, 2, 3}
        await stage.clock.sleep(CERTAIN - 5)
        assert leases.let_go_of_doubtful() == {0}


@on_virtual_time
async def test_what_another_has_taken_is_lost_and_the_rest_is_kept() -> None:
    async with staged() as stage:
        leases = _leases(stage)
        await leases.take(0)
        await stage.ports.shards.release(await stage.ports.shards.lease(1))

        assert await leases.renew({}) == ({1}, [])
        assert set(leases.held) == {0, 2, 3}


@on_virtual_time
async def test_a_defect_is_raised_once_what_is_known_is_known() -> None:
    async with staged() as stage:
        leases = _leases(stage)
        await leases.take(0)
        await stage.ports.shards.release(await stage.ports.shards.lease(1))
        stage.shards.fail("renew", BrokenError())

        with pytest.raises(BrokenError):
            await leases.renew({})
        assert set(leases.held) == {0, 2, 3}


@on_virtual_time
async def test_a_shard_is_given_to_who_asked_and_is_not_ours_from_then_on() -> None:
    async with staged() as stage:
        leases = _leases(stage)
        await leases.take(0)
        await _asked(stage, leases)

        lost, [given] = await leases.renew({0: 50})

        assert lost == set()
        assert set(leases.held) == {1, 2, 3}
        assert given == Given(lease=given.lease, until=stage.clock.monotonic() + 40)
        assert given.lease == await stage.ports.shards.lease(0)
        assert (given.lease.owner, given.lease.fence) == (OTHER, 2)
        assert given.lease.predecessor(stage.now + 39) == ME
        assert given.lease.predecessor(stage.now + 40) is None


@on_virtual_time
async def test_a_wish_that_is_over_or_our_own_is_not_followed() -> None:
    async with staged() as stage:
        leases = _leases(stage)
        await leases.take(0)
        await _asked(stage, leases, 0)
        await _asked(stage, leases, 1, by=ME)
        held = leases.of(0)
        assert held is not None
        leases.held[0] = replace(leases.held[0], lease=replace(held, wanted_until=stage.now))
        stage.shards.fail("renew", *[DOWN] * 4)

        assert await leases.renew({}) == (set(), [])
        assert set(leases.held) == {0, 1, 2, 3}


@on_virtual_time
async def test_a_shard_that_went_elsewhere_before_it_was_given_is_lost() -> None:
    async with staged() as stage:
        leases = _leases(stage)
        await leases.take(0)
        await _asked(stage, leases)

        async def moves() -> None:
            await stage.ports.shards.release(await stage.ports.shards.lease(0))

        stage.shards.before("transfer", moves)

        assert await leases.renew({}) == ({0}, [])
        assert set(leases.held) == {1, 2, 3}


@on_virtual_time
async def test_a_gift_without_an_answer_is_not_ours_until_the_table_says_so() -> None:
    async with staged() as stage:
        leases = _leases(stage)
        await leases.take(0)
        await _asked(stage, leases)
        stage.shards.fail("transfer", DOWN)

        assert await leases.renew({}) == ({0}, [])
        assert leases.of(0) is None
        assert await leases.take(0) == {0}
        assert leases.of(0) is not None


@on_virtual_time
async def test_a_gift_that_was_given_up_and_taken_back_is_not_carried_out_any_more() -> None:
    async with staged() as stage:
        leases = _leases(stage)
        await leases.take(0)
        await _asked(stage, leases)
        landing = Event()

        async def hangs() -> None:
            await landing.wait()

        stage.shards.before("transfer", hangs)
        giving = create_task(leases.renew({}))
        await stage.clock.sleep(5)
        await leases.take(0)
        landing.set()

        assert await giving == ({0}, [])
        assert (await stage.ports.shards.lease(0)).owner == ME


@on_virtual_time
async def test_what_became_doubtful_while_another_was_given_away_is_not_given_as_well() -> None:
    async with staged() as stage:
        leases = _leases(stage, shards=2)
        await leases.take(0)
        for shard in (0, 1):
            await _asked(stage, leases, shard)

        async def takes_long() -> None:
            await stage.clock.sleep(CERTAIN)
            assert leases.let_go_of_doubtful() == {1}

        stage.shards.before("transfer", takes_long)
        gone, given = await leases.renew({})

        assert (gone, [each.lease.shard for each in given]) == (set(), [0])
        assert stage.shards.calls["transfer"] == 1
        assert leases.held == {}


@on_virtual_time
async def test_what_was_given_to_us_is_ours_also_by_a_clock_that_is_ahead() -> None:
    async with staged() as stage:
        [lease, *_] = await _of_another(stage, 0)
        asked = await stage.ports.shards.ask(lease, ME, now=stage.now, until=stage.now + 15)
        ahead = stage.now + LEASE_SECONDS + 4
        gift = await stage.ports.shards.transfer(lease, ME, until=ahead, drained_by=stage.now + 30)
        leases = _leases(stage, shards=1)

        assert asked
        assert gift is not None
        assert await leases.take(0) == {0}
        assert (leases.of(0), leases.certain_for()) == (gift, CERTAIN)


@on_virtual_time
async def test_what_was_given_to_us_and_moved_on_is_not_ours() -> None:
    async with staged() as stage:
        await stage.ports.shards.acquire(0, ME, now=stage.now, until=stage.now + 15)
        leases = _leases(stage, shards=1)

        async def moves() -> None:
            await stage.ports.shards.release(await stage.ports.shards.lease(0))

        stage.shards.before("renew", moves)

        assert await leases.take(0) == set()
        assert leases.held == {}


@on_virtual_time
async def test_free_shards_are_taken_while_their_sessions_fit_and_one_in_any_case() -> None:
    async with staged() as stage:
        for shard, live in ((0, 4), (1, 2), (2, 3)):
            for _ in range(live):
                await stage.made(shard=shard)

        assert await _leases(stage, max_links=3, shards=3).take(0) == {0}
        await stage.ports.shards.release(await stage.ports.shards.lease(0))
        assert await _leases(stage, max_links=7, shards=3).take(2) == {0}
        await stage.ports.shards.release(await stage.ports.shards.lease(0))
        assert await _leases(stage, max_links=6).take(0) == {0, 1, 3}


@on_virtual_time
async def test_who_lost_the_race_for_a_shard_does_not_have_it() -> None:
    async with staged() as stage:
        leases = _leases(stage, shards=2)

        async def races() -> None:
            await _of_another(stage, 0)

        stage.shards.before("acquire", races)
        taken = await leases.take(0)

        assert taken == {1}
        assert set(leases.held) == {1}


@on_virtual_time
async def test_a_successor_asks_for_what_retires_and_looks_more_often() -> None:
    async with staged() as stage:
        await _of_another(stage, 0, 1)
        await _of_another(stage, 2, ends=100)
        await _of_another(stage, 3, ends=None)
        leases = _leases(stage)
        calm = leases.is_changing()

        assert await leases.take(0) == set()
        assert await _wishes(stage) == [ME, ME, None, None]
        assert (calm, leases.is_changing()) == (False, True)
        await stage.clock.sleep(WISH_SECONDS)
        assert not leases.is_changing()


@on_virtual_time
async def test_no_more_is_asked_for_than_can_be_attached_to_at_a_time() -> None:
    async with staged() as stage:
        await _of_another(stage, 0, 1, 2, links=HAND_OVER_LINKS // 2)
        leases = _leases(stage)
        await leases.take(0)

        assert await _wishes(stage) == [ME, ME, None, None]


@on_virtual_time
async def test_nobody_asks_for_more_than_it_has_room_for_except_for_its_first() -> None:
    async with staged() as stage:
        await _of_another(stage, 0, 1, links=8)
        small = _leases(stage, max_links=7, shards=2)
        await small.take(0)
        first = await _wishes(stage)
        holds = _leases(stage, max_links=7, name=THIRD)
        await holds.take(0)
        await holds.take(0)

        assert first == [ME, ME, None, None]
        assert await _wishes(stage) == [ME, ME, None, None]
        assert set(holds.held) == {2, 3}


@on_virtual_time
async def test_who_retires_takes_nothing_free_but_keeps_what_it_has() -> None:
    async with staged() as stage:
        leases = _leases(stage, retires_at=stage.now + GENERATION, shards=1)
        await leases.take(0)
        await stage.clock.sleep(8)
        early = leases.is_changing()
        for _ in range(4):
            await stage.clock.sleep(8)
            await leases.renew({})
        wide = replace(leases.term, shards=4)
        leases.term = wide

        assert (early, leases.is_changing()) == (False, True)
        assert await leases.take(0) == set()
        assert set(leases.held) == {0}


@on_virtual_time
async def test_everything_is_given_back_and_what_is_answered_later_is_not_ours() -> None:
    async with staged() as stage:
        leases = _leases(stage)
        await leases.take(0)
        answered = Event()

        async def hangs() -> None:
            await answered.wait()

        stage.shards.before("acquire", hangs)
        await stage.ports.shards.release(await stage.ports.shards.lease(0))
        await leases.renew({})
        taking = create_task(leases.take(0))
        await stage.clock.sleep(0.1)
        await leases.release()
        owners = [lease.owner for lease in await stage.ports.shards.leases(4)]
        answered.set()

        assert await taking == set()
        assert owners == [None] * 4
        assert leases.held == {}
        # What was won all the same is free at once, not when its lease lapses.
        assert [lease.owner for lease in await stage.ports.shards.leases(4)] == [None] * 4
        assert (await stage.ports.shards.lease(0)).fence == 2


@on_virtual_time
async def test_who_is_told_to_retire_says_so_and_asks_for_nothing_any_more() -> None:
    async with staged() as stage:
        leases = _leases(stage, retires_at=stage.now + GENERATION, shards=3)
        await leases.take(0)
        leases.retire()
        ended = stage.now
        await stage.clock.sleep(1)
        leases.retire()
        await leases.renew({})
        await _of_another(stage, 3, ends=-5.0)
        leases.term = replace(leases.term, shards=4)

        assert await leases.take(0) == set()
        found = await stage.ports.shards.leases(4)
        assert [each.retires_at for each in found] == [ended, ended, ended, stage.now - 5]
        assert await _wishes(stage) == [None] * 4
        assert leases.is_changing()


def _told(caplog: pytest.LogCaptureFixture) -> list[list[int]]:
    """The shards that were not given back, a list each time it was said."""
    return [record.shards for record in caplog.records if record.msg == "listener.not_released"]  # type: ignore[attr-defined]  # our own extra


@on_virtual_time
async def _release_fails(caplog: pytest.LogCaptureFixture) -> None:
    async with staged() as stage:
        leases = _leases(stage)
        await leases.take(0)
        stage.shards.fail("release", DOWN, TimeoutError())
        await leases.release()
        owners = [lease.owner for lease in await stage.ports.shards.leases(4)]

        assert owners == [ME, ME, None, None]
        assert leases.held == {}
        assert _told(caplog) == [[0, 1]]


def test_what_cannot_be_given_back_keeps_nothing_else_and_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    _release_fails(caplog)


@on_virtual_time
async def _release_hangs(caplog: pytest.LogCaptureFixture) -> None:
    async with staged() as stage:
        leases = _leases(stage)
        await leases.take(0)

        async def hangs() -> None:
            await stage.clock.sleep(600)

        stage.shards.before("release", hangs, nth=3)
        begun = stage.clock.monotonic()
        await leases.release()
        took = stage.clock.monotonic() - begun
        owners = [lease.owner for lease in await stage.ports.shards.leases(4)]

        assert took == GIVE_BACK_SECONDS
        assert owners == [None, None, ME, None]
        assert _told(caplog) == [[2]]


def test_a_table_that_hangs_is_not_waited_for_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    _release_hangs(caplog)


@on_virtual_time
async def test_a_defect_in_giving_back_is_not_passed_over() -> None:
    async with staged() as stage:
        leases = _leases(stage)
        await leases.take(0)
        stage.shards.fail("release", BrokenError())

        with pytest.raises(BrokenError):
            await leases.release()
