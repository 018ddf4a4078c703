"""Custom attributes travel in one of two places."""

import pytest

from service.guest.body import Channel, ChannelMetadata, OutgoingMessage
from service.guest.requests import OnMessage

INNER = Channel(metadata=ChannelMetadata(custom_attributes={"at": "inner"}))
OUTER = Channel(metadata=ChannelMetadata(custom_attributes={"at": "outer"}))


@pytest.mark.parametrize(
    ("inner", "outer", "attributes"),
    [
        (INNER, OUTER, {"at": "inner"}),
        (None, OUTER, {"at": "outer"}),
        (Channel(), OUTER, {"at": "outer"}),
        (INNER, None, {"at": "inner"}),
        (None, None, {}),
    ],
)
def test_the_nested_place_wins(
    inner: Channel | None, outer: Channel | None, attributes: dict[str, str]
) -> None:
    request = OnMessage(token="t", message=OutgoingMessage(channel=inner), channel=outer)

    assert request.custom_attributes == attributes
