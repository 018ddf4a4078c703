"""What an error says about trying again."""

import pytest

from service.domain.said import Refusal


@pytest.mark.parametrize(("code", "throttled"), [("429", True), ("4029", True), ("4011", False)])
def test_only_too_many_requests_is_throttled(code: str, *, throttled: bool) -> None:
    assert Refusal(code=code, certain=True).throttled is throttled
