"""How many listeners are missing."""

import pytest

from service.domain.ids import ListenerName
from service.domain.lease import LEAD_MOST_SECONDS, Lease
from service.domain.staffing import PATIENCE_SECONDS, missing, unattended

NOW = 1_900_000_000.0
MOST = 100
A, B = ListenerName("own_a"), ListenerName("own_b")


def held(shard: int, owner: ListenerName = A, *, links: int = 0, retires: float = 600) -> Lease:
    return Lease(
        shard=shard, owner=owner, expires_at=NOW + 10, retires_at=NOW + retires, links=links
    )


def retiring(shard: int, *, links: int) -> Lease:
    return held(shard, links=links, retires=LEAD_MOST_SECONDS - 1)


def lapsed(shard: int, *, ago: float = 1.0) -> Lease:
    return Lease(shard=shard, owner=B, expires_at=NOW - ago)


@pytest.mark.parametrize(("live", "count"), [(0, 0), (1, 1), (100, 1), (101, 2), (450, 5)])
def test_sessions_that_nobody_holds_want_as_many_as_it_takes(live: int, count: int) -> None:
    leases = [Lease(shard=0), Lease(shard=1)]

    assert missing(leases, {0: live, 1: 0}, max_links=MOST, now=NOW) == count


def test_small_shards_share_a_listener() -> None:
    leases = [Lease(shard=n) for n in range(4)]

    assert missing(leases, dict.fromkeys(range(4), 25), max_links=MOST, now=NOW) == 1


def test_what_is_held_wants_nobody() -> None:
    leases = [held(0, links=100), held(1, links=100)]

    assert missing(leases, {}, max_links=MOST, now=NOW) == 0


def test_a_lapsed_shard_is_left_to_a_listener_with_room_for_a_while() -> None:
    room, full = held(0, links=60), held(0, links=61)
    new, old = lapsed(1), lapsed(1, ago=PATIENCE_SECONDS + 1)

    assert missing([room, new], {1: 40}, max_links=MOST, now=NOW) == 0
    assert missing([full, new], {1: 40}, max_links=MOST, now=NOW) == 1
    assert missing([room, old], {1: 40}, max_links=MOST, now=NOW) == 1


def test_room_is_given_away_once() -> None:
    leases = [held(0, links=60), lapsed(1), lapsed(2)]

    assert missing(leases, {1: 40, 2: 40}, max_links=MOST, now=NOW) == 1


def test_who_retires_wants_a_successor_unless_somebody_stays_who_has_room() -> None:
    old = retiring(0, links=50)

    assert missing([old], {}, max_links=MOST, now=NOW) == 1
    assert missing([old, held(1, B, links=50)], {}, max_links=MOST, now=NOW) == 0
    assert missing([old, held(1, B, links=51)], {}, max_links=MOST, now=NOW) == 1
    assert missing([retiring(0, links=0)], {}, max_links=MOST, now=NOW) == 0
    assert missing([held(0, links=50)], {}, max_links=MOST, now=NOW) == 0


def test_a_shard_that_changes_hands_has_its_successor() -> None:
    asked = Lease(
        shard=0,
        owner=A,
        expires_at=NOW + 10,
        retires_at=NOW + 60,
        links=50,
        wanted_by=B,
        wanted_until=NOW + 5,
    )
    drained = Lease(
        shard=0,
        owner=A,
        expires_at=NOW + 10,
        retires_at=NOW + 60,
        links=50,
        drainer=B,
        drained_by=NOW + 5,
    )

    assert missing([asked], {}, max_links=MOST, now=NOW) == 0
    assert missing([drained], {}, max_links=MOST, now=NOW) == 0
    assert missing([asked], {}, max_links=MOST, now=NOW + 6) == 1


def test_a_shard_without_an_owner_is_one_that_nobody_took_in_time() -> None:
    late, soon = lapsed(1, ago=PATIENCE_SECONDS + 1), lapsed(2, ago=PATIENCE_SECONDS - 1)
    never, empty, taken = Lease(shard=3), Lease(shard=4), held(5)
    live = {1: 1, 2: 1, 3: 7, 4: 0, 5: 9}

    assert unattended([late, soon, never, empty, taken], live, now=NOW) == [1, 3]
