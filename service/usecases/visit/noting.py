"""What a visit notes for the timeline."""

from service.domain.ids import MessageId
from service.domain.send import PendingSend, SendKind
from service.domain.timeline import Fact, Kind, Note, facts_of
from service.guest.frame_facts import frame_facts, name_of
from service.guest.messages import Message
from service.guest.requests import Request
from service.usecases.visit.desk import Desk
from service.usecases.visit.inbox import FrameArrived


def note(
    desk: Desk,
    kind: Kind,
    what: str,
    message_id: MessageId | None = None,
    /,
    **facts: Fact | None,
) -> None:
    """Remember it. Facts that are None are not known."""
    taken = Note(at=desk.now, kind=kind, what=what, message_id=message_id, facts=facts_of(facts))
    desk.tools.logbook.note(desk.session.id, desk.stay.writer, taken)


def note_send(desk: Desk, send: PendingSend, what: str, **facts: Fact | None) -> None:
    """Something became of a send."""
    note(
        desk,
        Kind.SEND,
        what,
        _message(send),
        kind=send.kind.value,
        tracingId=send.tracing_id,
        attempt=send.attempt,
        **facts,
    )


def note_sent(desk: Desk, link: str, request: Request, size: int) -> None:
    """A request of ours was written; `size` is in characters."""
    _note_frame(desk, request, "sent", link=link, size=size)


def note_received(desk: Desk, message: Message, arrived: FrameArrived) -> None:
    """A frame came in."""
    _note_frame(desk, message, "received", link=arrived.link, size=len(arrived.text))


def _note_frame(desk: Desk, message: Message, what: str, *, link: str, size: int) -> None:
    facts = frame_facts(message)
    sends = (send for send in desk.sends.values() if send.tracing_id == facts["tracingId"])
    note(
        desk,
        Kind.FRAME,
        what,
        next((_message(send) for send in sends), None),
        name=name_of(message),
        size=size,
        link=link,
        **facts,
    )


def note_lease(desk: Desk, what: str, **facts: Fact | None) -> None:
    """Who answers for the session. The token of a lock is nobody's name."""
    owner = desk.stay.writer if desk.stay.listener else "request"
    note(desk, Kind.LEASE, what, owner=owner, fence=desk.stay.fence, **facts)


def _message(send: PendingSend) -> MessageId | None:
    return None if send.kind is SendKind.JOIN else send.message_id
