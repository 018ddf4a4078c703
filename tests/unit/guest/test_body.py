"""The moment of a message, from whatever stands on the wire."""

import time as clock
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from service.guest.body import Channel, StructuredBody


@pytest.mark.parametrize(
    ("time", "moment"),
    [
        ("2032-02-03T04:05:06.007Z", datetime(2032, 2, 3, 4, 5, 6, 7000, tzinfo=UTC)),
        ("2032-02-03T06:05:06+02:00", datetime(2032, 2, 3, 4, 5, 6, tzinfo=UTC)),
        ("2032-02-03T04:05:06", datetime(2032, 2, 3, 4, 5, 6, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        ("9999-12-31T23:59:59-14:00", None),
        (None, None),
    ],
)
def test_the_time_is_read_as_utc_or_not_at_all(time: str | None, moment: datetime | None) -> None:
    channel = Channel(time=time)

    assert channel.at == moment
    assert channel.at is None or channel.at.utcoffset() == UTC.utcoffset(None)
    assert channel.time == time


@pytest.fixture
def _in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        clock.tzset()
        yield
    clock.tzset()


@pytest.mark.usefixtures("_in_tokyo")
def test_a_time_without_offset_is_utc_wherever_the_broker_runs() -> None:
    channel = Channel(time="2032-02-03T04:05:06")

    assert channel.at == datetime(2032, 2, 3, 4, 5, 6, tzinfo=UTC)


def test_a_message_was_sent_when_its_channel_says() -> None:
    channel = Channel(time="2032-02-03T04:05:06.007Z")

    assert StructuredBody(channel=channel).sent_at == channel.at
    assert StructuredBody().sent_at is None
