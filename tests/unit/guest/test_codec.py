"""The codec as a whole: round trips, and what it refuses and how."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.errors import GuestProtocolError
from service.guest import messages, requests
from service.guest.codec import decode, encode
from tests.support.guest_strategies import ANY_MESSAGE, JSON, MESSAGE_TYPES, messages_of


@pytest.mark.parametrize("kind", MESSAGE_TYPES, ids=lambda kind: kind.__name__)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_message_survives_the_wire(kind: type[Any], data: st.DataObject) -> None:
    message = data.draw(messages_of(kind))

    assert decode(encode(message)) == message
