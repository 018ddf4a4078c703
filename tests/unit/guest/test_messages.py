"""What can be asked of a server frame."""

import pytest

from service.guest.body import StructuredBody
from service.guest.messages import PresignedUrlResponse, StructuredMessage, TooManyRequests


@pytest.mark.parametrize(("sort", "echo"), [("response", True), ("message", False), ("", False)])
def test_only_a_response_answers_an_echo(sort: str, *, echo: bool) -> None:
    assert StructuredMessage(type=sort, body=StructuredBody()).is_echo_answer is echo


@pytest.mark.parametrize(
    ("headers", "size", "download"),
    [({}, 1, True), ({}, None, False), ({"h": "v"}, 1, False), ({"h": "v"}, None, False)],
)
def test_an_address_is_for_download_when_it_needs_no_headers_and_the_size_is_known(
    headers: dict[str, str], size: int | None, *, download: bool
) -> None:
    frame = PresignedUrlResponse(attachment_id="a", url="u", headers=headers, file_size=size)

    assert frame.is_download is download


@pytest.mark.parametrize(
    ("told", "wait"),
    [(None, None), (1.5, 1.5), (-5, 0), (1e300, 86_400), (10**400, 86_400)],
)
def test_nobody_is_asked_to_wait_for_more_than_a_day(
    told: float | None, wait: float | None
) -> None:
    assert TooManyRequests(retry_after=told).wait_seconds == wait
