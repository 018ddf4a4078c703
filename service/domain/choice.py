"""What a caller answers to a message that offered something, before it is looked up. Pure values.

A caller names the message by our id (`msg_…`) or by Genesys's own; a pressed button may do without.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from service.domain.message import ButtonReply


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """Which message is answered."""

    message_id: str | None = None
    originating_message_id: str | None = None

    @property
    def is_named(self) -> bool:
        """Whether it says which message it answers."""
        return self.message_id is not None or self.originating_message_id is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonChoice(_Choice):
    """A button or quick reply that was pressed."""

    button: ButtonReply

    @property
    def field(self) -> str:
        """Its name in a request."""
        return "buttonResponse"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChoice(_Choice):
    """Options of a list picker, by their ids."""

    item_ids: Sequence[str]

    @property
    def field(self) -> str:
        """Its name in a request."""
        return "listPicker"


@dataclass(frozen=True, slots=True, kw_only=True)
class DateChoice(_Choice):
    """A time of a date picker, ISO 8601."""

    date_time: str

    @property
    def field(self) -> str:
        """Its name in a request."""
        return "datePicker"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormChoice(_Choice):
    """The answers to a form by the ids of its components: text, or ids of options."""

    answers: Mapping[str, str | Sequence[str]]

    @property
    def field(self) -> str:
        """Its name in a request."""
        return "form"


Choice: TypeAlias = ButtonChoice | ListChoice | DateChoice | FormChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A message of the contact centre that offers something."""

    message_id: str
    body_id: str | None
    """Genesys's own id; None where it told none."""
    content: Sequence[Mapping[str, Any]]
    """In the normal form."""

    def is_meant_by(self, choice: Choice) -> bool:
        """Whether the choice names this message; both names where it has both."""
        ours = choice.message_id in {None, self.message_id}
        theirs = choice.originating_message_id in {None, self.body_id}
        return ours and theirs
