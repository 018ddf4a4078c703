"""Who may connect now and when the others ask again; what all learn of Genesys's health."""

import logging
from asyncio import gather
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import cast

import pytest

from service.domain.budget import (
    OPEN_LONGEST_SECONDS,
    PROBE_SECONDS,
    SLOT_SECONDS,
    TROUBLE_COUNT,
    allowance,
    line_of,
    slot_of,
)
from service.domain.deployment import Deployment
from service.domain.errors import UnavailableError
from service.domain.ids import DeploymentName, SessionId
from service.ports import BudgetStore
from service.usecases.admit import LOOK_SECONDS, Admit, Bid, Standing
from tests.support.store_builders import TENANT
from tests.support.virtual_broker import virtual_broker
from tests.support.virtual_time import FakeIds, VirtualClock
from tests.support.visit_stage import Watched, on_virtual_time

SHOP = Deployment(
    tenant=TENANT, name=DeploymentName("shop"), deployment_id="d-1", domain="mypurecloud.de"
)
GENESYS = allowance(1000)
PLAIN, WHOLE = 56, 70


@dataclass(kw_only=True)
class Gate:
    """One process at the gate."""

    admit: Admit
    budgets: Watched
    clock: VirtualClock

    async def ask(self, name: str, *, active: float = 0.0, urgent: bool = False) -> float | None:
        """None when let in, else seconds from now."""
        bid = Bid(session_id=SessionId(name), last_active=active, urgent=urgent)
        again = await self.admit(SHOP, bid)
        return None if again is None else again - self.clock.now()

    async def let_in(self, count: int, *, urgent: bool = False, name: str = "s") -> int:
        """How many of so many are let in at once."""
        asks = (self.ask(f"{name}{number}", urgent=urgent) for number in range(count))
        return sum(again is None for again in await gather(*asks))

    async def fail(self, count: int) -> None:
        for number in range(count):
            await self.admit.failed(SHOP, SessionId(f"fails-{number}"))

    async def until_let_in(self, name: str) -> float:
        """Ask whenever it is time; how long it took."""
        begun = self.clock.now()
        while (again := await self.ask(name)) is not None:
            await self.clock.sleep(again)
        return self.clock.now() - begun


@asynccontextmanager
async def gates(count: int = 1) -> AsyncIterator[list[Gate]]:
    """So many processes over one table, each with chance of its own, at the start of a slot."""
    async with virtual_broker() as broker:
        made = []
        for number in range(count):
            budgets = Watched(broker.ports.budgets)
            ports = replace(
                broker.ports, budgets=cast("BudgetStore", budgets), ids=FakeIds(number + 1)
            )
            admit = Admit(ports=ports, allowance=GENESYS)
            made.append(Gate(admit=admit, budgets=budgets, clock=broker.clock))
        yield made


@on_virtual_time
async def test_one_connection_takes_one_permit_and_asks_for_nothing_else() -> None:
    async with gates() as [gate]:
        assert await gate.ask("s") is None

        assert gate.budgets.calls == {"take": 1}
        assert (await gate.admit.standing(SHOP)).left == WHOLE - 1


@on_virtual_time
async def test_who_comes_while_a_permit_is_fetched_shares_the_next_request() -> None:
    async with gates() as [gate]:
        assert await gate.let_in(11) == 11

        assert gate.budgets.calls == {"take": 2}


@on_virtual_time
async def test_in_the_long_run_ten_connections_cost_one_request() -> None:
    async with gates() as [gate]:
        for number in range(500):
            assert await gate.ask(f"s{number}") is None
            await gate.clock.sleep(0.1)

        assert gate.budgets.calls["take"] <= 500 / 10 + 10
        assert set(gate.budgets.calls) == {"take"}


@on_virtual_time
async def test_no_more_are_let_in_than_a_slot_has_and_the_others_come_in_the_next() -> None:
    async with gates() as [gate]:
        assert await gate.let_in(100) == PLAIN

        again = await gate.ask("z")
        assert again is not None
        assert again >= SLOT_SECONDS
        await gate.clock.sleep(SLOT_SECONDS)
        assert await gate.let_in(100) == PLAIN


@on_virtual_time
async def test_a_caller_is_let_in_where_others_are_not_any_more() -> None:
    async with gates() as [gate]:
        await gate.let_in(100)

        assert await gate.let_in(100, urgent=True, name="u") == WHOLE - PLAIN


@on_virtual_time
async def test_whom_a_caller_waits_for_comes_before_all_others() -> None:
    async with gates() as [gate]:
        await gate.let_in(PLAIN + 300)
        await gate.let_in(WHOLE - PLAIN, urgent=True, name="u")

        assert await gate.ask("caller", urgent=True) == pytest.approx(SLOT_SECONDS)


@on_virtual_time
async def test_who_spoke_last_asks_again_first() -> None:
    async with gates() as [gate]:
        await gate.let_in(PLAIN)

        times = [await gate.ask(f"w{at}", active=at) for at in (10, 30, 20)]
        assert times[1] == pytest.approx(SLOT_SECONDS)
        assert times[2] == pytest.approx(SLOT_SECONDS + GENESYS.spacing)
        assert await gate.ask("w10", active=40) == pytest.approx(SLOT_SECONDS)


@on_virtual_time
async def test_who_leaves_is_not_waited_for() -> None:
    async with gates() as [gate]:
        await gate.let_in(PLAIN)
        for at in (1, 2, 3):
            await gate.ask(f"w{at}", active=at)
        assert (await gate.admit.standing(SHOP)).waiting == 3

        gate.admit.leave(SHOP, SessionId("w3"))
        gate.admit.leave(SHOP, SessionId("w2"))
        gate.admit.leave(SHOP, SessionId("nobody"))
        gate.admit.leave(replace(SHOP, deployment_id="d-2"), SessionId("w1"))

        assert await gate.ask("w1", active=1) == pytest.approx(SLOT_SECONDS)
        assert (await gate.admit.standing(SHOP)).waiting == 1


async def _crowd(gate: Gate, count: int) -> list[int]:
    """Sessions 0 (the quietest) to count, asking in any order; the order in which they get in."""
    order: list[int] = []

    async def come(number: int) -> None:
        while (again := await gate.ask(f"c{number}", active=number)) is not None:
            await gate.clock.sleep(again)
        order.append(number)
        await gate.admit.answered(SHOP, SessionId(f"c{number}"))

    numbers = list(range(count))
    Random(3).shuffle(numbers)
    await gather(*map(come, numbers))
    return order


@on_virtual_time
async def test_a_crowd_gets_in_most_recently_active_first_and_as_fast_as_it_may() -> None:
    async with gates() as [gate]:
        begun = gate.clock.now()
        order = await _crowd(gate, 560)

        # Who comes first cannot know who will come: the first slot is anybody's.
        rest = order[PLAIN:]
        assert rest == sorted(rest, reverse=True)
        assert gate.clock.now() - begun <= 10 * SLOT_SECONDS
        assert gate.budgets.calls["take"] <= 70


@on_virtual_time
async def test_after_an_outage_a_crowd_gets_in_in_order() -> None:
    async with gates() as [gate]:
        await gate.fail(TROUBLE_COUNT)
        order = await _crowd(gate, 560)

        for first in range(0, 560, PLAIN):
            lucky = order[first : first + PLAIN]
            assert 560 - first > sum(lucky) / len(lucky) > 560 - first - 2 * PLAIN


@on_virtual_time
async def test_two_processes_share_a_slot() -> None:
    async with gates(2) as [one, other]:
        let_in = await gather(one.let_in(100), other.let_in(100))

        assert sum(let_in) == PLAIN
        assert (await other.admit.standing(SHOP)).left == WHOLE - PLAIN


@on_virtual_time
async def test_who_is_refused_ten_takes_what_is_left() -> None:
    async with gates() as [gate]:
        slot = slot_of(gate.clock.now())
        await gate.budgets.take(line_of(SHOP), slot, PLAIN - 3, most=PLAIN)

        assert await gate.let_in(10) == 3


@on_virtual_time
async def test_a_permit_that_comes_when_its_slot_is_over_is_not_used() -> None:
    async with gates() as [gate]:
        gate.budgets.before("take", lambda: gate.clock.sleep(SLOT_SECONDS))

        assert await gate.ask("s") is None

        assert gate.budgets.calls["take"] == 2
        slot = slot_of(gate.clock.now())
        assert await gate.budgets.taken(line_of(SHOP), slot) == 1


@on_virtual_time
async def test_nobody_is_let_in_without_the_table() -> None:
    async with gates() as [gate]:
        gate.budgets.fail("take", UnavailableError(what="the table"))

        with pytest.raises(UnavailableError):
            await gate.ask("s")
        assert await gate.ask("s") is None


@on_virtual_time
async def test_failures_in_a_row_keep_everybody_out_for_a_moment() -> None:
    async with gates() as [gate]:
        assert not gate.admit.is_shut(SHOP)
        await gate.fail(TROUBLE_COUNT - 1)
        assert await gate.ask("still") is None
        assert not gate.admit.is_shut(SHOP)

        await gate.fail(1)

        assert gate.admit.is_shut(SHOP)
        again = await gate.ask("s")
        assert again is not None
        assert 0.25 <= again <= 0.5
        standing = await gate.admit.standing(SHOP)
        assert standing == Standing(
            left=WHOLE - 1, limit=WHOLE, retry_at=gate.clock.now() + again, trips=1, waiting=1
        )


@on_virtual_time
async def test_an_answer_ends_the_row() -> None:
    async with gates() as [gate]:
        await gate.fail(TROUBLE_COUNT - 1)
        await gate.admit.answered(SHOP, SessionId("s"))
        await gate.fail(TROUBLE_COUNT - 1)

        assert await gate.ask("s") is None
        assert "change_breaker" not in gate.budgets.calls


@on_virtual_time
async def test_then_one_tries_and_its_success_lets_all_in() -> None:
    async with gates() as [gate]:
        await gate.fail(TROUBLE_COUNT)
        await gate.until_let_in("probe")
        assert await gate.let_in(10) == 0

        await gate.admit.answered(SHOP, SessionId("probe"))

        assert await gate.let_in(10) == 10
        assert (await gate.admit.standing(SHOP)).retry_at is None


@on_virtual_time
async def test_a_probe_that_fails_keeps_all_out_for_longer_up_to_a_limit() -> None:
    async with gates() as [gate]:
        await gate.fail(TROUBLE_COUNT)
        waits = []
        for _ in range(8):
            waits.append(await gate.until_let_in("probe"))
            await gate.admit.failed(SHOP, SessionId("probe"))

        assert waits[0] < waits[1] * 2 < waits[3] * 2
        assert all(OPEN_LONGEST_SECONDS / 2 <= wait <= OPEN_LONGEST_SECONDS for wait in waits[3:])


@on_virtual_time
async def test_what_was_on_its_way_when_trouble_was_found_is_no_news() -> None:
    async with gates() as [gate]:
        await gate.fail(TROUBLE_COUNT)
        before = await gate.admit.standing(SHOP)
        await gate.fail(2 * TROUBLE_COUNT)

        assert await gate.admit.standing(SHOP) == before


@on_virtual_time
async def test_who_gets_through_shows_that_it_was_no_trouble() -> None:
    async with gates() as [gate]:
        await gate.fail(TROUBLE_COUNT)

        await gate.admit.answered(SHOP, SessionId("on its way"))

        assert await gate.ask("s") is None


@on_virtual_time
async def test_a_probe_of_which_nothing_is_heard_is_followed_by_another() -> None:
    async with gates() as [gate]:
        await gate.fail(TROUBLE_COUNT)
        await gate.until_let_in("dies")

        wait = await gate.until_let_in("heir")

        assert wait == pytest.approx(PROBE_SECONDS)
        await gate.admit.failed(SHOP, SessionId("dies"))
        assert (await gate.admit.standing(SHOP)).trips == 1


@on_virtual_time
async def test_others_learn_of_trouble_by_their_first_failure() -> None:
    async with gates(2) as [one, other]:
        await one.fail(TROUBLE_COUNT)
        assert await other.ask("s") is None

        await other.fail(1)

        assert await other.ask("t") is not None
        assert other.budgets.calls["change_breaker"] == 0


@on_virtual_time
async def test_others_learn_soon_that_it_is_over() -> None:
    async with gates(2) as [one, other]:
        await gather(one.fail(TROUBLE_COUNT), other.fail(TROUBLE_COUNT))
        await one.until_let_in("probe")
        assert await other.ask("t") is not None

        await one.admit.answered(SHOP, SessionId("probe"))

        assert await other.until_let_in("t") <= LOOK_SECONDS


@on_virtual_time
async def test_of_two_who_would_try_at_once_one_does() -> None:
    async with gates(2) as [one, other]:
        await one.fail(TROUBLE_COUNT)
        await other.fail(1)
        again = await one.ask("s")
        assert again is not None
        await one.clock.sleep(again)

        answers = await gather(one.ask("s"), other.ask("t"))

        assert answers.count(None) == 1


@on_virtual_time
async def test_who_comes_to_try_when_it_is_over_is_let_in() -> None:
    async with gates(2) as [one, other]:
        await one.fail(TROUBLE_COUNT)
        await other.fail(1)
        await one.until_let_in("probe")
        await one.admit.answered(SHOP, SessionId("probe"))

        # It believes the line shut and its time over, and finds out by trying to be the one.
        assert await other.ask("t") is None
        assert other.budgets.calls["change_breaker"] == 1


@on_virtual_time
async def test_a_success_counts_though_somebody_changed_the_breaker_meanwhile() -> None:
    async with gates(2) as [one, other]:
        await one.fail(TROUBLE_COUNT)
        await one.until_let_in("probe")
        await other.fail(1)
        await other.admit.throttled(SHOP, SessionId("x"), 60)

        await one.admit.answered(SHOP, SessionId("on its way"))

        assert (await one.admit.standing(SHOP)).retry_at is None


@on_virtual_time
async def test_an_answer_of_the_table_that_was_overtaken_is_not_believed() -> None:
    async with gates() as [gate]:
        stale = await gate.budgets.breaker(line_of(SHOP))

        class Late:
            async def breaker(self, line: str) -> object:
                await gate.clock.sleep(1)
                return stale

        slow = replace(gate.admit.ports, budgets=cast("BudgetStore", _Over(gate.budgets, Late())))
        admit = replace(gate.admit, ports=slow)
        await gather(*(admit.failed(SHOP, SessionId(f"f{n}")) for n in range(TROUBLE_COUNT)))

        assert admit.lines[line_of(SHOP)].breaker.trips == 1


class _Over:
    """A port, some of whose methods are another's."""

    def __init__(self, port: object, over: object) -> None:
        self._port, self._over = port, over

    def __getattr__(self, name: str) -> object:
        return getattr(self._over if hasattr(self._over, name) else self._port, name)


@on_virtual_time
async def test_who_is_told_to_wait_waits_with_all_others_and_then_one_tries() -> None:
    async with gates(2) as [one, other]:
        assert await one.let_in(3) == 3
        await one.admit.throttled(SHOP, SessionId("s0"), 17)
        await one.admit.answered(SHOP, SessionId("s1"))
        await other.fail(1)

        assert await other.ask("t") == pytest.approx(LOOK_SECONDS)
        assert await one.until_let_in("s0") == pytest.approx(17)
        assert await one.ask("s2") is not None
        await one.admit.answered(SHOP, SessionId("s0"))
        assert await one.ask("s2") is None


@on_virtual_time
async def test_a_probe_that_is_told_to_wait_does_not_keep_all_out_for_longer() -> None:
    async with gates() as [gate]:
        await gate.fail(TROUBLE_COUNT)
        await gate.until_let_in("probe")

        await gate.admit.throttled(SHOP, SessionId("probe"), 1)

        assert await gate.until_let_in("probe") == pytest.approx(1)


@on_virtual_time
async def test_a_trouble_of_one_deployment_is_none_of_another() -> None:
    async with gates() as [gate]:
        await gate.fail(TROUBLE_COUNT)
        bid = Bid(session_id=SessionId("s"), last_active=0)

        assert await gate.admit(replace(SHOP, deployment_id="d-2"), bid) is None


@on_virtual_time
async def test_how_things_stand_is_told_by_who_never_connected() -> None:
    async with gates(2) as [one, other]:
        await one.let_in(1)

        standing = await other.admit.standing(SHOP)

        assert standing == Standing(left=69, limit=WHOLE, retry_at=None, trips=0, waiting=0)


@on_virtual_time
async def test_that_connections_are_used_up_is_said_once_a_slot(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with gates() as [gate]:
        await gate.let_in(PLAIN)
        assert "deployment.budget_spent" not in caplog.text

        await gate.let_in(3, name="more")
        await gate.clock.sleep(SLOT_SECONDS)
        await gate.let_in(PLAIN + 2, name="later")

    told = [vars(each) for each in caplog.records if each.msg == "deployment.budget_spent"]
    assert [each["line"] for each in told] == [line_of(SHOP)] * 2
    assert all(each["waiting"] > 0 for each in told)
