"""What the agent should know beside the words: which send carries it, and whether it arrived.

One send at a time carries the context of a guest session, the first there is; the others follow
without it. It is sent again until a send that carried it is proven, and once more when the guest
session is another or the caller changed the attributes.
"""

from dataclasses import replace
from typing import Final

from service.domain.carry_over import beside, merged
from service.domain.log import Window
from service.domain.message import SendBody
from service.domain.said import Refusal
from service.domain.send import PendingSend
from service.domain.session import Session
from service.usecases.visit.desk import Desk

_KNOWN: Final = "x:"
"""Key of an event in whose place the context was known; `Said` has none that begins so."""
_TOO_LARGE: Final = "4013"


def as_told(session: Session, window: Window) -> Session:
    """The session as the log's end tells whether its context is known.

    Kept with what is written of the session next: once enough was said the log's end has no such
    event any more.
    """
    if session.introduced == session.context or not _tells(window, session.context):
        return session
    return replace(session, introduced=session.context, carry={})


def carries_context(desk: Desk, send: PendingSend) -> bool:
    """Whether this send, which goes out now, carries the context."""
    name = desk.session.context
    if not _has_context(desk) or _is_known(desk):
        return False
    # What was put back carries it again; beside another one that carries it nobody need.
    return send.context == name or not any(s.context == name for s in desk.sends.values())


def with_context(desk: Desk, body: SendBody) -> SendBody:
    """The body with the session's attributes beside its own, and what is carried over beside both.

    The message's own go before the session's, these before the carried ones.
    """
    limit = desk.session.attribute_limit
    own = beside(body.custom_attributes, _attributes(desk), limit=limit)
    return replace(body, custom_attributes=merged(own, desk.session.carry, limit=limit))


def context_arrived(desk: Desk, send: PendingSend) -> None:
    """This send is proven: so is the context, if it carried that.

    Kept with the next decision; until then an event of the log says so, or a repeat does no harm.
    """
    if send.context is not None and send.context == desk.session.context:
        desk.session = replace(desk.session, introduced=send.context, carry={})


def context_refused(desk: Desk, send: PendingSend, refusal: Refusal) -> bool:
    """Whether Genesys finds the context too large that this send carried.

    It is given up then: no later message is to fail of what its caller did not send.
    """
    refused = refusal.code == _TOO_LARGE and send.context is not None
    if refused:
        context_arrived(desk, send)
    return refused


def known_keys(desk: Desk, send: PendingSend) -> frozenset[str]:
    """The keys by which the event of this send tells the next visitor that the context is known.

    One in a window of the log is enough.
    """
    name = desk.session.context
    if desk.session.introduced != name or _is_told(desk):
        return frozenset()
    return frozenset({f"{_KNOWN}{name}:{send.sequence}"})


def _has_context(desk: Desk) -> bool:
    return bool(_attributes(desk) or desk.session.carry)


def _attributes(desk: Desk) -> dict[str, str]:
    attributes = dict(desk.session.custom_attributes)
    if desk.deployment.locale is not None:
        # Behind the caller's own, which are not to give way to it.
        attributes.setdefault("locale", desk.deployment.locale)
    return attributes


def _is_known(desk: Desk) -> bool:
    return desk.session.introduced == desk.session.context or _is_told(desk)


def _is_told(desk: Desk) -> bool:
    return _tells(desk.writer.window, desk.session.context)


def _tells(window: Window, name: str) -> bool:
    begins = f"{_KNOWN}{name}:"
    return any(key.startswith(begins) for event in window.events for key in event.keys)
