"""What a visit knows of the files of its session, and what it asked about them."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

from service.domain.attachment import AT_WORK, Attachment, AttachmentStatus
from service.domain.ids import AttachmentId


class Ask(Enum):
    """What a link is asked about a file."""

    ADDRESS = auto()
    """Where to upload it: onAttachment."""
    LOOK = auto()
    """Whether it is there, and where: getAttachment."""
    LAST_LOOK = auto()
    """The same, once nobody may upload it any more."""
    FETCH = auto()
    """Where it is, for somebody who wants to fetch it: getAttachment."""
    DELETE = auto()


Asking: TypeAlias = tuple[AttachmentId, Ask]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question that is out on the link. Its answer brings the tracing id, or the guest id."""

    attachment_id: AttachmentId
    ask: Ask
    guest_id: str
    until: float


@dataclass(slots=True)
class Shelf:
    """Files by id. What was asked is forgotten with the link."""

    items: "dict[AttachmentId, Attachment]" = field(default_factory=dict)
    seen_at: float | None = None
    """`Session.attachments_at` when they were read."""
    link: str | None = None
    asked: "dict[str, Asked]" = field(default_factory=dict)
    """By tracing id."""
    tries: "dict[Asking, int]" = field(default_factory=dict)
    answered: "set[Asking]" = field(default_factory=set)
    not_before: float = 0.0
    """Genesys asked to wait."""
    carrying: "set[AttachmentId]" = field(default_factory=set)
    """Those whose bytes are on their way from here to Genesys."""

    carried: "dict[AttachmentId, bool]" = field(default_factory=dict)
    """Whether they arrived there, of those that were moved on this link."""

    def begin(self, link: str) -> None:
        """On a new link everything is asked anew."""
        if self.link != link:
            self.link = link
            self.asked, self.tries, self.answered = {}, {}, set()
            self.carried = {}

    def keep(self, attachment: Attachment) -> None:
        """As the table has it."""
        self.items[attachment.id] = attachment

    def is_asking(self, attachment_id: AttachmentId) -> bool:
        """Whether a question about it is out."""
        return any(asked.attachment_id == attachment_id for asked in self.asked.values())

    def of_guest(self, guest_id: str | None) -> Attachment | None:
        """The one that Genesys calls so."""
        if guest_id is None:
            return None
        return next((each for each in self.items.values() if each.guest_id == guest_id), None)

    @property
    def at_work(self) -> bool:
        """Whether something is still to come of one of them."""
        return any(each.at_work for each in self.items.values())

    @property
    def unasked(self) -> bool:
        """Whether a link is wanted for one of them now."""
        waits = AT_WORK - {AttachmentStatus.AWAITING_UPLOAD}
        return any(
            each.status in waits or each.wanted_at is not None for each in self.items.values()
        )
