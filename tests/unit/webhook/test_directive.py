"""What a receiver may ask for beside its status."""

import pytest

from service.webhook.directive import Directive, parse_directive


@pytest.mark.parametrize(
    ("text", "directive"),
    [
        ("disable", Directive.DISABLE),
        (" Disable ", Directive.DISABLE),
        ("abort-message", Directive.ABORT_MESSAGE),
        *[(text, None) for text in (None, "", "disabled", "abort", "enable", "disable, disable")],
        ("\u0130disable", None),
    ],
)
def test_the_receivers_wish_is_one_of_those_we_know_or_none(
    text: str | None, directive: Directive | None
) -> None:
    assert parse_directive(text) is directive
