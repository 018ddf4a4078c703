"""A key is announced before it is used, and serves until the next one comes into use."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.data_keys import (
    ANNOUNCED_SECONDS,
    DAY,
    DataKey,
    KeyRing,
    begins,
    coming,
    is_due,
    named,
    usable,
    with_key,
)

NOW = 1_900_000_000.0
ROTATION = 30 * DAY


def a_key(name: str, used_from: float) -> DataKey:
    return DataKey(id=name, wrapped="", made_at=used_from, used_from=used_from)


def a_ring(*used_from: float) -> KeyRing:
    keys = tuple(a_key(str(number), at) for number, at in enumerate(used_from))
    return KeyRing(version=len(keys), keys=keys)


def test_the_first_key_is_used_at_once_where_nothing_else_could_encrypt() -> None:
    assert is_due(KeyRing(), NOW, rotation_seconds=ROTATION)
    assert begins(KeyRing(), NOW, may_wait=False) == NOW


def test_the_first_key_waits_where_a_file_still_serves() -> None:
    assert begins(KeyRing(), NOW, may_wait=True) == NOW + ANNOUNCED_SECONDS


def test_a_later_key_is_announced_first() -> None:
    assert begins(a_ring(NOW - ROTATION), NOW, may_wait=False) == NOW + ANNOUNCED_SECONDS


def test_the_next_key_is_made_so_that_the_newest_serves_its_whole_time() -> None:
    ring = a_ring(NOW - 2 * ROTATION, NOW)
    due = NOW + ROTATION - ANNOUNCED_SECONDS

    assert not is_due(ring, due - 1, rotation_seconds=ROTATION)
    assert is_due(ring, due, rotation_seconds=ROTATION)
    assert begins(ring, due, may_wait=False) == NOW + ROTATION


def test_an_announced_key_makes_no_other_due() -> None:
    ring = with_key(a_ring(NOW - 2 * ROTATION), a_key("next", NOW + ANNOUNCED_SECONDS))

    assert not is_due(ring, NOW, rotation_seconds=ROTATION)


def test_the_key_that_came_into_use_last_is_the_best() -> None:
    ring = a_ring(NOW - 20, NOW, NOW - 10, NOW + 1)

    assert [key.id for key in usable(ring, NOW, may_wait=False)] == ["1", "2", "0"]


def test_of_two_that_begin_together_the_later_one_is_the_best() -> None:
    ring = a_ring(NOW, NOW)

    assert [key.id for key in usable(ring, NOW, may_wait=False)] == ["1", "0"]
    assert [key.id for key in usable(ring, NOW - 1, may_wait=False)] == ["1"]


def test_where_none_has_begun_the_earliest_serves_unless_a_file_does() -> None:
    ring = a_ring(NOW + 20, NOW + 10, NOW + 30)

    assert [key.id for key in usable(ring, NOW, may_wait=False)] == ["1"]
    assert usable(ring, NOW, may_wait=True) == []
    assert usable(KeyRing(), NOW, may_wait=False) == []


def test_coming_is_what_comes_into_use_soon() -> None:
    ring = a_ring(NOW - 20, NOW, NOW + 60, NOW + 61)

    assert [key.id for key in coming(ring, NOW, ahead_seconds=60)] == ["2"]
    assert coming(KeyRing(), NOW, ahead_seconds=60) == []


def test_a_key_is_found_by_its_name() -> None:
    ring = a_ring(NOW, NOW + 1)

    assert named(ring, "1") == ring.keys[1]
    assert named(ring, "2") is None


@given(
    looks=st.lists(st.floats(min_value=1, max_value=90 * DAY), min_size=1, max_size=30),
    rotation=st.integers(min_value=7, max_value=60),
)
def test_however_rarely_one_looks_no_key_is_used_before_it_was_announced(
    looks: list[float], rotation: int
) -> None:
    """And from the first key on there is always one that may encrypt."""
    ring, now = KeyRing(), NOW
    for number, after in enumerate(looks):
        now += after
        if is_due(ring, now, rotation_seconds=rotation * DAY):
            begin = begins(ring, now, may_wait=False)
            ring = with_key(ring, DataKey(id=str(number), wrapped="", made_at=now, used_from=begin))
        assert usable(ring, now, may_wait=True)
    first, *others = ring.keys

    assert first.used_from == first.made_at
    assert all(key.used_from - key.made_at == ANNOUNCED_SECONDS for key in others)
    assert ring.version == len(ring.keys)
