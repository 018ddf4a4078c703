"""Keys sort as the numbers in them, buckets never move, and no two kinds of item share a name."""

from hypothesis import given
from hypothesis import strategies as st

from service.adapters.table import index_keys, schema
from service.domain.ids import EndpointId, SessionId, TenantName
from service.domain.send import SendKind

PLACES = st.integers(1, 10**12 - 1)
SESSION = SessionId("ses_01J")


@given(PLACES, PLACES)
def test_places_sort_as_numbers(one: int, other: int) -> None:
    assert (schema.event_sort(one) < schema.event_sort(other)) is (one < other)
    assert schema.sequence_of(schema.event_sort(one)) == one


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_creation_times_sort_as_numbers(one: float, other: float) -> None:
    first, second = index_keys.created_sort(one, SESSION), index_keys.created_sort(other, SESSION)

    assert first <= second or round(one, 6) >= round(other, 6)


def test_sends_sort_by_place_and_then_by_kind() -> None:
    keys = [
        schema.send_key(SESSION, sequence, kind).sk
        for sequence in (2, 10)
        for kind in (SendKind.JOIN, SendKind.MESSAGE, SendKind.RECAP)
    ]

    assert keys == sorted(keys)


def test_a_name_stays_in_its_bucket() -> None:
    """If it moved, what is stored as due would be looked for elsewhere."""
    assert index_keys.bucket("ses_01J", 16) == 6
    assert {index_keys.bucket(f"s{number}", 16) for number in range(500)} == set(range(16))


def test_keys_say_what_they_name() -> None:
    lane = schema.lane_key(EndpointId("whk_1"), SESSION)

    assert schema.lane_of(lane.pk, lane.sk) == ("whk_1", SESSION)
    assert schema.session_of(lane.pk) == SESSION


def test_tenants_cannot_reach_each_other_through_their_names() -> None:
    """A tenant's name has no `#`, so the end of the name is where the next mark is."""
    one = schema.external_partition(TenantName("a"), "x")
    other = schema.external_partition(TenantName("a-b"), "x")

    assert not one.startswith(schema.tenant_partition(TenantName("a-b")))
    assert not other.startswith(f"{schema.tenant_partition(TenantName('a'))}#")
