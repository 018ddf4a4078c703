"""No slot gives more than it has, whoever takes in whatever order; what any 60 s can see of that.

And the breaker: when everybody stays away, for how long, and who tries.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.domain.budget import (
    BLOCK,
    MINUTE_LIMIT,
    OPEN_FIRST_SECONDS,
    OPEN_LONGEST_SECONDS,
    SLOT_SECONDS,
    TROUBLE_COUNT,
    TROUBLE_SECONDS,
    Allowance,
    Breaker,
    Purse,
    Streak,
    Taken,
    allowance,
    closed,
    is_throttled,
    is_trouble,
    line_of,
    probing,
    slot_end,
    slot_of,
    slots_touched,
    throttled,
    tripped,
)
from service.domain.deployment import Deployment
from service.domain.ids import DeploymentName, TenantName

GENESYS = allowance(MINUTE_LIMIT)
SKEW_SECONDS = 2.0
HANDSHAKE_SECONDS = 1.0
APART = 2 * SKEW_SECONDS + HANDSHAKE_SECONDS
NOW = 1_900_000_001.5


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A process wants connections: when (true time), how many, and whether callers wait."""

    at: float
    process: int = 0
    count: int = 1
    urgent: bool = False


@dataclass(kw_only=True)
class Shared:
    """The table, and processes with a purse and a clock each, put together as in use."""

    skews: Sequence[float]
    allowed: Allowance = GENESYS
    used: Counter[int] = field(default_factory=Counter)
    purses: dict[int, Purse] = field(default_factory=dict)
    opened: list[float] = field(default_factory=list)
    spent: Counter[tuple[int, bool]] = field(default_factory=Counter)
    writes: int = 0

    def play(self, asks: Iterable[Ask]) -> "Shared":
        for ask in sorted(asks, key=lambda ask: ask.at):
            for _ in range(ask.count):
                self._connect(ask)
        return self

    def _connect(self, ask: Ask) -> None:
        slot = slot_of(ask.at + self.skews[ask.process])
        purse = self.purses.get(ask.process, Purse()).at(slot)
        if not purse.room(self.allowed, urgent=ask.urgent):
            return
        while (rest := purse.spend(urgent=ask.urgent)) is None:
            wish = purse.wish(self.allowed, urgent=ask.urgent, waiting=1)
            if not wish:
                self.purses[ask.process] = purse
                return
            purse = purse.filled(self._take(slot, wish, urgent=ask.urgent), urgent=ask.urgent)
        self.purses[ask.process] = rest
        self.opened.append(ask.at)
        self.spent[slot, ask.urgent] += 1

    def _take(self, slot: int, count: int, *, urgent: bool) -> Taken:
        """What the table's condition says."""
        self.writes += 1
        if self.used[slot] + count > self.allowed.most(urgent=urgent):
            return Taken(granted=0, used=self.used[slot])
        self.used[slot] += count
        return Taken(granted=count, used=self.used[slot])

    def busiest(self, seconds: float) -> int:
        """The most connections that any so many seconds saw."""
        times = sorted(self.opened)
        most = first = 0
        for last, at in enumerate(times):
            while times[first] <= at - seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


def test_a_slot_has_seven_hundredths_of_a_minute_and_a_fifth_of_it_is_kept() -> None:
    assert (GENESYS.most(urgent=True), GENESYS.most(urgent=False)) == (70, 56)
    assert GENESYS.spacing == pytest.approx(5 / 56)


def test_any_minute_stays_below_what_genesys_takes_by_clocks_two_seconds_wrong() -> None:
    assert slots_touched(60, apart=APART) * GENESYS.most(urgent=True) == 980
    assert slots_touched(60, apart=APART + 0.1) * GENESYS.most(urgent=True) > MINUTE_LIMIT


@given(st.integers(100, 100_000))
def test_that_holds_for_whatever_genesys_takes(per_minute: int) -> None:
    slots = slots_touched(60, apart=APART)

    assert slots * allowance(per_minute).most(urgent=True) <= per_minute


asks = st.builds(
    Ask,
    at=st.floats(0, 70),
    process=st.integers(0, 2),
    count=st.integers(1, 80),
    urgent=st.booleans(),
)
skews = st.lists(st.floats(-SKEW_SECONDS, SKEW_SECONDS), min_size=3, max_size=3)


@settings(max_examples=40)
@given(skews, st.lists(asks, max_size=60))
@example([2.0, -2.0, 0.0], [Ask(at=at / 4, process=at % 3, count=80) for at in range(280)])
def test_nobody_gets_more_of_a_slot_than_it_has(skews: list[float], asks: list[Ask]) -> None:
    shared = Shared(skews=skews).play(asks)

    for slot, used in shared.used.items():
        assert used <= 70
        assert shared.spent[slot, True] + shared.spent[slot, False] <= used
        assert shared.spent[slot, False] <= 56
    assert shared.busiest(60) <= 980


def test_the_worst_that_sixty_seconds_can_see_is_that_bound() -> None:
    """Who is slow spends the last moment of the first slot, who is fast the first of the last."""
    late, early = SKEW_SECONDS, -SKEW_SECONDS
    shared = Shared(skews=[early, late])
    shared.play([Ask(at=slot * 5 + 2.5, count=99, urgent=True) for slot in range(1, 13)])
    shared.play([Ask(at=6.9, count=99, urgent=True)])
    shared.play([Ask(at=66.85, process=1, count=99, urgent=True)])

    assert shared.busiest(60) == 980


@settings(max_examples=40)
@given(st.lists(st.booleans(), min_size=1, max_size=120))
def test_the_kept_part_is_only_for_whom_a_caller_waits(callers: list[bool]) -> None:
    shared = Shared(skews=[0.0, 0.0])
    shared.play(Ask(at=1, process=int(urgent), urgent=urgent) for urgent in callers)

    plain, urgent = shared.spent[0, False], shared.spent[0, True]
    assert urgent >= min(callers.count(True), 14)
    assert plain <= 56


@given(st.integers(1, 70))
def test_nothing_is_left_of_a_slot_that_one_process_wants_whole(others: int) -> None:
    shared = Shared(skews=[0.0])
    shared.used[0] = others

    shared.play([Ask(at=1, count=99, urgent=True)])

    assert (len(shared.opened), shared.used[0]) == (70 - others, 70)


def test_a_process_that_opens_one_connection_takes_one() -> None:
    """Else fourteen of them would use up a slot in which a thousand may connect by twos."""
    shared = Shared(skews=[0.0] * 70).play(
        Ask(at=1 + process / 100, process=process, urgent=True) for process in range(70)
    )

    assert len(shared.opened) == 70


def test_a_process_that_opens_many_asks_the_table_once_for_ten() -> None:
    shared = Shared(skews=[0.0])
    shared.play(Ask(at=at / 10) for at in range(100))
    before, opened = shared.writes, len(shared.opened)

    shared.play(Ask(at=10 + at / 10) for at in range(1000))

    assert len(shared.opened) - opened == 1000
    assert shared.writes - before == pytest.approx(100, abs=1)


def test_what_was_not_spent_in_its_slot_is_lost() -> None:
    purse = Purse().at(7).filled(Taken(granted=10, used=30), urgent=False)
    spent = purse.spend(urgent=False)
    assert spent is not None

    assert spent.at(7) == spent
    assert spent.at(8) == Purse(slot=8, spent_before=1)
    assert spent.at(9) == Purse(slot=9)
    assert spent.at(6) == Purse(slot=6)


def test_permits_of_the_kept_part_are_not_spent_on_others() -> None:
    purse = Purse().at(7).filled(Taken(granted=2, used=70), urgent=True)

    assert purse.spend(urgent=False) is None
    assert (purse.room(GENESYS, urgent=False), purse.room(GENESYS, urgent=True)) == (0, 2)


def test_whom_a_caller_waits_for_may_spend_any_permit() -> None:
    purse = Purse().at(7).filled(Taken(granted=1, used=70), urgent=False)

    assert purse.spend(urgent=True) == Purse(slot=7, used=70, spent=1)


def test_more_is_taken_where_many_wait() -> None:
    purse = Purse().at(7)

    assert purse.wish(GENESYS, urgent=False, waiting=3) == 3
    assert purse.wish(GENESYS, urgent=False, waiting=500) == BLOCK
    almost = purse.filled(Taken(granted=0, used=52), urgent=False)
    assert almost.wish(GENESYS, urgent=False, waiting=500) == 4
    assert almost.wish(GENESYS, urgent=True, waiting=500) == BLOCK


@given(st.floats(0, 4e9))
def test_an_instant_lies_in_its_slot(now: float) -> None:
    slot = slot_of(now)

    assert slot_end(slot) - SLOT_SECONDS <= now < slot_end(slot)


def test_two_tenants_share_the_line_to_one_deployment() -> None:
    def line(tenant: str, **changes: str) -> str:
        fields = {"deployment_id": "d-1", "domain": "mypurecloud.de"} | changes
        name = DeploymentName(tenant)
        return line_of(Deployment(tenant=TenantName(tenant), name=name, **fields))  # type: ignore[arg-type]  # text fields only

    assert line("one") == line("two", domain="MyPureCloud.de")
    assert line("one") != line("one", deployment_id="d-2")
    assert line("one") != line("one", domain="mypurecloud.ie")


def opened_for(trips: int, jitter: float) -> float:
    shut = tripped(Breaker(trips=trips), by="b", now=NOW, jitter=jitter)
    return (shut.retry_at or 0) - NOW


def test_a_breaker_stays_open_longer_each_time_and_never_long() -> None:
    assert [opened_for(trips, 1.0) for trips in (0, 1, 2, 3, 4, 9999)] == [0.5, 1, 2, 4, 4, 4]


@given(st.integers(0, 2000), st.floats(0, 1, exclude_max=True))
def test_chance_halves_that_at_most(trips: int, jitter: float) -> None:
    most = opened_for(trips, 1.0)

    assert most / 2 <= opened_for(trips, jitter) <= most
    assert OPEN_FIRST_SECONDS <= most <= OPEN_LONGEST_SECONDS


def test_every_change_of_a_breaker_is_a_version_with_a_name() -> None:
    shut = tripped(Breaker(version=4, by="a", trips=1), by="b", now=NOW, jitter=0.0)
    tried = probing(shut, by="c", now=NOW + 1)
    again = closed(tried, by="d")

    assert shut == Breaker(version=5, by="b", trips=2, retry_at=NOW + 0.5)
    assert tried == Breaker(version=6, by="c", trips=2, retry_at=NOW + 16)
    assert again == Breaker(version=7, by="d")
    assert closed(again, by="e") is None


def test_who_is_told_to_wait_makes_all_wait_that_long_but_not_less_than_they_do() -> None:
    healthy = Breaker(version=1, by="a")
    waiting = throttled(healthy, by="b", until=NOW + 10, probed=False)

    assert waiting == Breaker(version=2, by="b", retry_at=NOW + 10)
    assert throttled(waiting, by="c", until=NOW + 5, probed=False) is None
    longer = throttled(waiting, by="c", until=NOW + 12, probed=False)
    assert longer == Breaker(version=3, by="c", retry_at=NOW + 12)


def test_a_probe_that_is_told_to_wait_knows_best_how_long() -> None:
    tried = probing(Breaker(version=1, trips=3), by="a", now=NOW)

    told = throttled(tried, by="b", until=NOW + 2, probed=True)

    assert told == Breaker(version=3, by="b", trips=3, retry_at=NOW + 2)


def test_failures_in_a_row_are_trouble_if_they_are_close_enough() -> None:
    streak = Streak()
    for _ in range(TROUBLE_COUNT - 1):
        streak = streak.longer(NOW)
    assert not streak.is_trouble

    assert streak.longer(NOW + TROUBLE_SECONDS).is_trouble
    assert streak.longer(NOW + TROUBLE_SECONDS + 1) == Streak(1, NOW + TROUBLE_SECONDS + 1)


@pytest.mark.parametrize(
    ("status", "too_soon", "ill"),
    [(403, False, False), (404, False, False), (429, True, False), (500, False, True)],
)
def test_what_a_refused_upgrade_says(status: int, too_soon: bool, ill: bool) -> None:  # noqa: FBT001 - a column of the table
    assert (is_throttled(status), is_trouble(status)) == (too_soon, ill)
