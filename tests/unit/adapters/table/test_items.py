"""What is stored survives the way into an item and back, through DynamoDB's numbers too."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from service.adapters.cipher import AesCipher
from service.adapters.dynamodb.expressions import plain_item, typed_item
from service.adapters.table import schema
from service.adapters.table.conditions import Item
from service.adapters.table.log_items import (
    event_item,
    lane_item,
    read_event,
    read_lane,
    read_seen,
    read_send,
    send_item,
)
from service.adapters.table.session_items import read_session, session_item
from service.domain.endpoint import Claim
from service.domain.log import EventType, seen
from service.domain.session import Lock, State
from tests.support.store_builders import CLIENT_ID, NOW, a_lane, a_send, a_session, an_event

CIPHER = AesCipher(bytes(32))
INSTANTS = st.floats(min_value=0, max_value=4e9)


def through_dynamodb(item: Item) -> Item:
    """As it comes back from there: a number without a fraction is spelled without one."""
    typed = typed_item(item)
    spelled = {
        name: {"N": value["N"].removesuffix(".0")} if "N" in value else value
        for name, value in typed.items()
    }
    return plain_item(spelled)


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


@given(
    look_at=st.none() | INSTANTS,
    wake_at=st.none() | INSTANTS,
    until=st.none() | INSTANTS,
    state=st.sampled_from(State),
)
def test_a_session_comes_back_with_its_lock_mark_and_schedule(
    look_at: float | None, wake_at: float | None, until: float | None, state: State
) -> None:
    lock = None if until is None else Lock(token="lck", until=until)
    session = a_session(look_at=look_at, wake_at=wake_at, lock=lock, state=state, version=7)

    item = through_dynamodb(session_item(session, CIPHER))

    assert read_session(item, CIPHER) == session
    assert CLIENT_ID not in str(item)


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
