"""Facts that several reactions share: what is owed, what started an outage, when it expires."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from service.domain import events as happened
from service.domain.given import Given, NewSend
from service.domain.message import ATTRIBUTE_BYTES_MAX, SendBody
from service.domain.send import SendKind
from service.domain.session import Cause, Outage, Session

PAST_MOST: Final = 50
"""Of each kind of past a session remembers so much: each change of it writes it all (0064)."""
FORGOTTEN_AT_ONCE: Final = 2

T = TypeVar("T")


def join(given: Given, *, of: int | None) -> tuple[NewSend, ...]:
    """The Join that this deployment owes to a new guest session, if it starts by itself.

    One that waits since the guest session before serves as well: that did not live to get it.
    """
    waits = any(send.kind is SendKind.JOIN and send.written is None for send in given.sends)
    if waits or not given.deployment.auto_start:
        return ()
    return (NewSend(kind=SendKind.JOIN, of=of, ids=given.fresh.join, body=SendBody()),)


def is_join_settled(given: Given) -> bool:
    """Whether it is known if a Join is owed; it is not while the configuration cannot be read."""
    return given.deployment.auto_start is not None


def outage_of(session: Session, cause: Cause, code: str | None) -> Outage:
    """The outage that is under way, or one that begins now.

    The cause is what started it: whatever follows while the outage lasts does not rename it.
    """
    if session.outage is not None:
        return session.outage
    last_good = session.last_good_at or session.opened_at or session.created_at
    return Outage(cause=cause, code=code, last_good_at=last_good)


def with_expiry(session: Session, event: happened.Event) -> Session:
    """The session with what that answer tells of its expiry and limits; what it does not, stays."""
    facts: dict[str, Any] = {}
    duration = getattr(event, "duration_seconds", None)
    expires = getattr(event, "expires_at", None)
    if duration is not None:
        facts["duration_seconds"] = duration
    if expires is not None:
        facts["expires_at"] = expires
    limit = getattr(event, "max_custom_data_bytes", None)
    if limit is not None:
        # The usual one is not worth a write.
        facts["max_custom_data_bytes"] = limit if limit != ATTRIBUTE_BYTES_MAX else None
    return replace(session, **facts) if facts else session


def latest(past: Sequence[T], new: T) -> tuple[T, ...]:
    """The past with what is new to it, the oldest forgotten where there is too much.

    Little at once: what finds a session by it goes in the same transaction.
    """
    whole = (*past, new)
    too_much = max(0, len(whole) - PAST_MOST)
    return whole[min(too_much, FORGOTTEN_AT_ONCE) :]
