"""A signed address says until when it works; where it does not, that is assumed."""

import pytest

from service.guest.addresses import expires_at

SIGNED = "https://up.test/a?X-Amz-Date=19700101T001000Z&X-Amz-Expires={}&X-Amz-Signature=s"


def test_the_signature_says_it() -> None:
    assert expires_at(SIGNED.format(120), now=5.0, otherwise=600.0) == 720.0


@pytest.mark.parametrize(
    "url",
    [
        "https://up.test/a",
        "https://up.test/a?X-Amz-Expires=10",
        SIGNED.format("soon"),
        SIGNED.format(0),
        SIGNED.format(604_801),
        "https://[up.test/a",
        "https://up.test/a?X-Amz-Date=yesterday&X-Amz-Expires=10",
    ],
)
def test_what_is_not_said_is_assumed(url: str) -> None:
    assert expires_at(url, now=5.0, otherwise=600.0) == 605.0
