"""Which code counts, and which are documented."""

import pytest

from service.guest.body import StructuredBody
from service.guest.codes import effective_code, is_known_code
from service.guest.messages import (
    ErrorFrame,
    GenerateUrlError,
    ServerFrame,
    SessionResponse,
    StructuredMessage,
    TooManyRequests,
    Unknown,
)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (ErrorFrame(raw_class="string", code=4007, text="gone"), 4007),
        (ErrorFrame(raw_class="string", code="4007", text="gone"), 4007),
        (ErrorFrame(raw_class=None, code="session_not_found"), "session_not_found"),
        (ErrorFrame(raw_class="Error", code=404, error_code=4007), 4007),
        (ErrorFrame(raw_class="Error", code=404, error_code="4007"), 4007),
        (GenerateUrlError(code=200, error_code=4004), 4004),
        (TooManyRequests(code=429, error_code=4029), 4029),
        (TooManyRequests(code=429), 429),
        (SessionResponse(code=200, connected=True), 200),
        (SessionResponse(code=200, connected=True, body_extras={"errorCode": 4006}), 4006),
        (SessionResponse(code=200, connected=True, body_extras={"errorCode": True}), 200),
        (SessionResponse(code=200, connected=True, body_extras={"errorCode": [1]}), 200),
        (StructuredMessage(code=200, body=StructuredBody(extras={"errorCode": 409})), 409),
        (Unknown(raw_class="New", code=200, body={"errorCode": 4020}), 4020),
        (Unknown(raw_class="New", code=200, body="text"), 200),
        (Unknown(raw_class="New"), None),
        (ErrorFrame(raw_class="string", code="²"), "²"),
        (ErrorFrame(raw_class="string", code="1" * 5000), "1" * 5000),
    ],
    ids=range(18),
)
def test_the_code_of_the_body_wins(frame: ServerFrame, code: int | str | None) -> None:
    assert effective_code(frame) == code


@pytest.mark.parametrize("code", [200, 302, 400, 409, 429, 503, 4000, 4011, 4013, 4017, 5000])
def test_a_documented_code_is_known(code: int) -> None:
    assert is_known_code(code)


@pytest.mark.parametrize("code", [0, 299, 402, 600, 4012, 4999, "session_not_found"])
def test_another_code_is_not(code: int | str) -> None:
    assert not is_known_code(code)
