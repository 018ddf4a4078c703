"""Credentials in headers: shown redacted, kept when the redaction comes back."""

import pytest

from service.domain.errors import InvalidRequestError
from service.webhook.credentials import REDACTED, restored_headers, shown_headers
from service.webhook.headers import check_headers


@pytest.mark.parametrize(
    "name", ["Authorization", "authorization", "X-Api-Key", "x-auth-token", "X_SECRET", "x-jwt"]
)
def test_a_credential_is_not_shown(name: str) -> None:
    assert shown_headers({name: "Bearer abc", "x-shop": "7"}) == {name: REDACTED, "x-shop": "7"}


def test_a_redaction_that_comes_back_keeps_the_value() -> None:
    before = {"Authorization": "Bearer abc", "x-shop": "7", "x-api-key": "k"}

    after = restored_headers({"authorization": REDACTED, "x-shop": "8", "x-api-key": "new"}, before)

    assert after == {"authorization": "Bearer abc", "x-shop": "8", "x-api-key": "new"}


def test_a_redaction_of_nothing_is_refused_and_a_harmless_header_may_say_so() -> None:
    wanted = restored_headers({"authorization": REDACTED, "x-note": REDACTED}, {"x-note": "a"})

    with pytest.raises(InvalidRequestError) as refused:
        check_headers(wanted)

    assert [fault.pointer for fault in refused.value.faults] == ["/headers/authorization"]
    assert wanted["x-note"] == REDACTED
