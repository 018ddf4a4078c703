"""Values that no list of the vendor's has."""

import pytest

from service.guest.body import Channel, StructuredBody
from service.guest.odd_values import odd_values


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        (StructuredBody(), []),
        (StructuredBody(direction="Inbound", originating_entity="", type="Text"), []),
        (
            StructuredBody(
                direction="Outbound",
                originating_entity="Human",
                type="Event",
                channel=Channel(type="Private"),
            ),
            [],
        ),
        (StructuredBody(channel=Channel()), []),
        (StructuredBody(direction="Sideways"), ["value:body.direction.Sideways"]),
        (StructuredBody(originating_entity="Copilot"), ["value:body.originatingEntity.Copilot"]),
        (StructuredBody(originating_entity="Ann Müller"), ["value:body.originatingEntity.*"]),
        (StructuredBody(type="Poll"), ["value:body.type.Poll"]),
        (StructuredBody(channel=Channel(type="Secret")), ["value:body.channel.type.Secret"]),
    ],
)
def test_another_value_is_told_by_its_place(body: StructuredBody, labels: list[str]) -> None:
    assert list(odd_values(body, "body")) == labels
