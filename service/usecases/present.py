"""The visits of this process: by session, the inbox through which others reach it."""

from dataclasses import dataclass, field

from service.domain.ids import SessionId
from service.usecases.visit import Inbox


@dataclass(frozen=True, slots=True)
class PresentVisits:
    """Who is being visited here and now."""

    inboxes: "dict[SessionId, Inbox]" = field(default_factory=dict)

    def begin(self, session_id: SessionId) -> Inbox:
        """A new inbox for a visit that begins."""
        inbox = Inbox()
        self.inboxes[session_id] = inbox
        return inbox

    def end(self, session_id: SessionId, inbox: Inbox) -> None:
        """The visit with that inbox is over."""
        if self.inboxes.get(session_id) is inbox:
            del self.inboxes[session_id]

    def of(self, session_id: SessionId) -> Inbox | None:
        """The inbox of the visit that is under way, if any."""
        return self.inboxes.get(session_id)
