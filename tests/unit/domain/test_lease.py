"""Who holds a shard, who may ask for it, and for how long a predecessor stays."""

from dataclasses import replace
from typing import Final

import pytest

from service.domain.ids import ListenerName
from service.domain.lease import (
    LEASE_SECONDS,
    MARGIN_SECONDS,
    RENEW_SECONDS,
    Lease,
    drain_seconds,
    lead_of,
    should_ask,
)
from tests.support.playbook import NOON

OLD, NEW, OTHER = ListenerName("own_1"), ListenerName("own_2"), ListenerName("own_3")
LEASE: Final = Lease(
    shard=3, fence=4, owner=OLD, expires_at=NOON + LEASE_SECONDS, retires_at=NOON + 60
)
MOST_SKEW: Final = 2.0


def test_a_lease_holds_until_its_time_is_over_and_only_with_an_owner() -> None:
    assert LEASE.is_valid(NOON + LEASE_SECONDS - 0.1)
    assert not LEASE.is_valid(NOON + LEASE_SECONDS)
    assert not replace(LEASE, owner=None).is_valid(NOON)


def test_a_predecessor_counts_until_it_must_have_drained() -> None:
    given = replace(LEASE, drainer=OTHER, drained_by=NOON + 30)

    assert (given.predecessor(NOON + 29), given.predecessor(NOON + 30)) == (OTHER, None)
    assert LEASE.predecessor(NOON) is None


def test_a_wish_counts_until_its_time_is_over() -> None:
    wanted = replace(LEASE, wanted_by=NEW, wanted_until=NOON + 5)

    assert (wanted.successor(NOON + 4), wanted.successor(NOON + 5)) == (NEW, None)
    assert LEASE.successor(NOON) is None


def test_an_owner_retires_when_its_end_is_near_and_never_without_one() -> None:
    assert LEASE.is_retiring(NOON + 50, lead=10)
    assert not LEASE.is_retiring(NOON + 49, lead=10)
    assert not replace(LEASE, retires_at=None).is_retiring(NOON + 999, lead=10)


@pytest.mark.parametrize(
    ("generation", "lead"), [(None, 120.0), (40.0, 10.0), (480.0, 120.0), (840.0, 120.0)]
)
def test_shards_are_handed_over_in_the_last_quarter_but_at_most_two_minutes_before_the_end(
    generation: float | None, lead: float
) -> None:
    assert lead_of(generation) == lead


@pytest.mark.parametrize("ends", [None, NOON + 61])
def test_who_outlives_a_retiring_owner_asks(ends: float | None) -> None:
    assert should_ask(LEASE, NEW, ends, now=NOON)


def test_who_asked_asks_again_and_others_once_its_wish_is_over() -> None:
    wanted = replace(LEASE, wanted_by=NEW, wanted_until=NOON + 5)

    assert should_ask(wanted, NEW, None, now=NOON)
    assert not should_ask(wanted, OTHER, None, now=NOON)
    assert should_ask(wanted, OTHER, None, now=NOON + 5)


@pytest.mark.parametrize(
    ("changes", "me", "ends"),
    [
        ({"owner": None}, NEW, None),
        ({"expires_at": NOON}, NEW, None),
        ({}, OLD, None),
        ({"retires_at": None}, NEW, None),
        ({"drainer": OTHER, "drained_by": NOON + 1}, NEW, None),
        ({}, NEW, NOON + 60),
    ],
    ids=["free", "lapsed", "ours", "stays", "drained by a third", "ends no later"],
)
def test_nobody_asks_in_vain(
    changes: dict[str, object], me: ListenerName, ends: float | None
) -> None:
    assert not should_ask(replace(LEASE, **changes), me, ends, now=NOON)  # type: ignore[arg-type]  # fields of Lease


def test_a_predecessor_waits_at_least_half_a_minute_and_longer_for_many_links() -> None:
    assert (drain_seconds(0), drain_seconds(250)) == (30.0, 80.0)


def test_a_holder_stops_before_anybody_with_a_clock_within_reason_sees_it_lapse() -> None:
    """And a renewal that fails once leaves time for another."""
    believed = LEASE_SECONDS - MARGIN_SECONDS

    assert believed < LEASE_SECONDS - 2 * MOST_SKEW
    assert believed > RENEW_SECONDS
