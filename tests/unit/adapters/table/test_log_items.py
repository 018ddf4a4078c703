"""What is stored survives the way into an item and back, through DynamoDB's numbers too."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from service.adapters.table import schema
from service.adapters.table.log_items import (
    event_item,
    lane_item,
    read_event,
    read_lane,
    read_seen,
    read_send,
    send_item,
)
from service.domain.endpoint import Claim
from service.domain.log import EventType, seen
from tests.support.store_builders import (
    NOW,
    a_lane,
    a_send,
    a_session,
    an_event,
    through_dynamodb,
)

INSTANTS = st.floats(min_value=0, max_value=4e9)


@given(
    at=INSTANTS,
    channel_time=st.none() | INSTANTS,
    keys=st.frozensets(st.text()),
    sequence=st.integers(1, 10**12 - 1),
    text=st.text(st.characters()),
)
def test_an_event_comes_back_equal(
    at: float, channel_time: float | None, keys: frozenset[str], sequence: int, text: str
) -> None:
    event = an_event(
        a_session(),
        sequence,
        at=at,
        channel_time=channel_time,
        keys=keys,
        type=EventType.SESSION_ENDED,
        data={"text": text, "whole": 1.0},
    )

    item = through_dynamodb(event_item(event))

    assert read_event(item) == event
    assert read_seen(item) == seen(event)


@given(due_at=st.none() | INSTANTS, until=st.none() | INSTANTS)
def test_a_lane_comes_back_with_its_claim(due_at: float | None, until: float | None) -> None:
    claim = None if until is None else Claim(token="t", until=until)
    lane = a_lane(a_session(), due_at=due_at, claim=claim, gap=(1, 2), version=3)

    assert read_lane(through_dynamodb(lane_item(lane))) == lane


def test_a_send_comes_back_equal() -> None:
    send = a_send(a_session(), 3, retry_at=NOW, version=4)

    assert read_send(through_dynamodb(send_item(send))) == send


def test_a_plain_event_touches_no_index() -> None:
    item = event_item(an_event(a_session(), 1))

    assert not {name for index in schema.INDEXES for name in (index.pk, index.sk)} & set(item)


def test_a_healthy_lane_is_in_no_due_index() -> None:
    lane = a_lane(a_session())

    assert schema.DUE.pk not in lane_item(lane)
    assert schema.DUE.pk in lane_item(replace(lane, due_at=NOW))
