"""What a receiver may ask for in the `webhook-delivery` header of its answer. Pure.

Sources: https://docs.svix.com/receiving/delivery-control, proposed for Standard Webhooks at
https://github.com/standard-webhooks/standard-webhooks/pull/291.
"""

from enum import StrEnum
from typing import Final


class Directive(StrEnum):
    """A wish of the receiver, beside the status."""

    DISABLE = "disable"
    """Send nothing more to this endpoint."""
    ABORT_MESSAGE = "abort-message"
    """Do not try this message again."""


_KNOWN: Final = {directive.value: directive for directive in Directive}


def parse_directive(text: str | None) -> Directive | None:
    """The one wish that the header names; None for none, several, and what we do not know."""
    return None if text is None else _KNOWN.get(text.strip().lower())
