"""From frames to what they mean for a session: domain events, things said, refusals.

It decides nothing about the session: policy and state are not known here. Never matches on a text
that Genesys might word differently tomorrow, only on classes and codes.
"""

from dataclasses import replace
from typing import Final

from service.domain import events as ev
from service.domain.media import MediaRules
from service.domain.message import Author, AuthorKind
from service.domain.said import Refusal, Said
from service.domain.session import Cause, EndedBy
from service.guest.body import StructuredBody
from service.guest.chat_events import Presence, PresenceType, Typing
from service.guest.codes import effective_code
from service.guest.messages import (
    ConnectionClosedEvent,
    ErrorFrame,
    LogoutEvent,
    ServerFrame,
    SessionClearedEvent,
    SessionExpiredEvent,
    SessionResponse,
    StructuredMessage,
    TooManyRequests,
)
from service.guest.normal_form import normal_body, raw_body

_EXPIRED: Final = frozenset({"4006", "session_expired", "session_has_expired"})
_NOT_FOUND: Final = frozenset({"4007", "session_not_found"})
_TRACE: Final = "t:"
_GUESTS_NO_MORE: Final = "4017"
_OK: Final = 200
"""The code of an envelope that has nothing to say."""
_DENIED: Final = frozenset({"401", "403"})
_UNKNOWN_DEPLOYMENT: Final = frozenset({"400", "404"})
_CERTAIN: Final = frozenset(
    {"400", "403", "409", "429", "4029", "4020"}
    | {str(code) for code in range(4006, 4014)}
    | _EXPIRED
    | _NOT_FOUND
)
"""Codes that prove that the request was not carried out.

408, 5xx, 5000 and unknown ones prove nothing.
"""


def attach_verdict(frame: ServerFrame, *, opened_before: bool) -> ev.Event | None:
    """What an answer to configure means; None when the frame is no answer to it.

    A deployment that Genesys does not know (400, 404) is a matter of configuration as long as the
    session was never opened; later it is trouble that may pass.
    """
    if isinstance(frame, SessionResponse):
        return _attached(frame)
    if isinstance(frame, TooManyRequests):
        return ev.LinkFailed(code="429", retry_after_seconds=frame.wait_seconds)
    if isinstance(frame, ErrorFrame):
        return _refused_attach(frame, opened_before=opened_before)
    return session_event(frame)


def session_event(frame: ServerFrame) -> ev.Event | None:
    """What a frame that may come at any time means for the session; None: nothing."""
    match frame:
        case SessionExpiredEvent():
            return ev.GuestSessionGone(cause=Cause.SESSION_EXPIRED, code="SessionExpiredEvent")
        case ConnectionClosedEvent(reason="signedIn"):
            return ev.ClientIdDead(code="signedIn")
        case ConnectionClosedEvent():
            return ev.Evicted()
        case LogoutEvent():
            return ev.ClientIdDead(code="LogoutEvent")
        case SessionClearedEvent():
            return ev.Cleared()
        case ErrorFrame():
            return _gone(error_code(frame))
        case StructuredMessage(body=body):
            return _chat_closed(body)
        case _:
            return None


def media_rules(frame: SessionResponse) -> MediaRules | None:
    """What files the deployment takes; None where the answer says nothing of it."""
    inbound = None if frame.allowed_media is None else frame.allowed_media.inbound
    if inbound is None and not frame.blocked_extensions:
        return None
    types = () if inbound is None else inbound.file_types
    return MediaRules(
        file_types=tuple(each.type for each in types if each.type),
        max_file_size_kb=None if inbound is None else inbound.max_file_size_kb,
        blocked_extensions=tuple(frame.blocked_extensions),
    )


def refusal(frame: ServerFrame) -> Refusal | None:
    """What an error frame says about a request; None when the frame is no error."""
    match frame:
        case TooManyRequests():
            return Refusal(
                code="4029",
                certain=True,
                tracing_id=frame.tracing_id,
                retry_after_seconds=frame.wait_seconds,
            )
        case SessionExpiredEvent():
            return Refusal(
                code="4006", certain=True, tracing_id=frame.tracing_id, session_gone=True
            )
        case ErrorFrame():
            code = error_code(frame)
            return Refusal(
                code=code,
                certain=code in _CERTAIN,
                tracing_id=frame.tracing_id,
                session_gone=code in _EXPIRED | _NOT_FOUND,
            )
        case _:
            return None


def error_code(frame: ErrorFrame) -> str:
    """The code to act on as text, wherever a gateway put it."""
    code = effective_code(frame)
    inner = frame.body_extras.get("code")
    is_ok = code is None or code == _OK
    if is_ok and isinstance(inner, str | int) and not isinstance(inner, bool):
        code = inner
    return "unknown" if code is None else str(code)


def said(frame: ServerFrame) -> Said | None:
    """What somebody said: a chat message, or the guest's Join; None for any other frame."""
    if not isinstance(frame, StructuredMessage) or frame.is_echo_answer:
        return None
    return said_in(frame.body, tracing_id=frame.tracing_id)


def said_in(body: StructuredBody, *, tracing_id: str | None = None) -> Said | None:
    """The same for a body, as history has it."""
    is_join = body.direction != "Outbound" and any(
        isinstance(event, Presence) and event.type == PresenceType.JOIN for event in body.events
    )
    ended_by = None if closed_by(body) is not None else _disconnected_by(body)
    if body.type in {"Event", "Receipt"} and not is_join and ended_by is None:
        return None
    from_guest = body.direction == "Inbound"
    moment = body.sent_at
    normal = normal_body(body)
    return Said(
        keys=_keys(body, tracing_id),
        from_guest=from_guest,
        author=_author(body, from_guest=from_guest),
        text=normal.text,
        content=normal.content,
        raw=raw_body(body),
        channel_time=None if moment is None else moment.timestamp(),
        tracing_id=tracing_id,
        metadata_id=body.metadata.get("id") or body.metadata.get("customMessageId"),
        body_id=body.id,
        is_join=is_join,
        ended_by=ended_by,
    )


def is_typing(frame: ServerFrame) -> bool:
    """Whether the agent or bot is typing."""
    if not isinstance(frame, StructuredMessage) or frame.body.direction == "Inbound":
        return False
    return any(isinstance(event, Typing) and event.is_on for event in frame.body.events)


def _attached(frame: SessionResponse) -> ev.Event | None:
    if not frame.connected:
        return None
    facts: dict[str, int | None] = {
        "duration_seconds": frame.duration_seconds,
        "expires_at": frame.expiration_date,
        "max_custom_data_bytes": frame.max_custom_data_bytes,
    }
    if frame.read_only:
        return ev.GuestSessionReadOnly(**facts)
    if frame.new_session:
        return ev.GuestSessionOpened(**facts)
    return ev.GuestSessionResumed(**facts)


def _refused_attach(frame: ErrorFrame, *, opened_before: bool) -> ev.Event:
    code = error_code(frame)
    gone = _gone(code)
    if gone is not None:
        return gone
    unknown = code in _UNKNOWN_DEPLOYMENT and not opened_before
    if code in _DENIED or unknown:
        return ev.Denied(
            code="denied",
            detail=(
                f"Genesys refused the deployment (code {code}): check its id, that it is active, "
                "its feature toggles and its allowed domains"
            ),
        )
    return ev.LinkFailed(code=code)


def _gone(code: str) -> ev.Event | None:
    if code in _EXPIRED:
        return ev.GuestSessionGone(cause=Cause.SESSION_EXPIRED, code=code)
    if code in _NOT_FOUND:
        return ev.GuestSessionGone(cause=Cause.SESSION_NOT_FOUND, code=code)
    return ev.ClientIdDead(code=code) if code == _GUESTS_NO_MORE else None


def _chat_closed(body: StructuredBody) -> ev.Event | None:
    by = closed_by(body)
    return None if by is None else ev.ChatClosed(by=by)


_ENDED_BY: Final = {"Human": EndedBy.AGENT, "Bot": EndedBy.BOT}


def closed_by(body: StructuredBody) -> EndedBy | None:
    """Who ended the chat, if this says so and that nothing can be sent any more."""
    read_only = body.metadata.get("readOnly", "").lower() == "true"
    return _disconnected_by(body) if read_only else None


def _disconnected_by(body: StructuredBody) -> EndedBy | None:
    """Who ended the conversation, if this says so."""
    ends = body.direction != "Inbound" and any(
        isinstance(event, Presence) and event.type == PresenceType.DISCONNECT
        for event in body.events
    )
    return _ENDED_BY.get(body.originating_entity or "", EndedBy.UNKNOWN) if ends else None


def trace_keys(tracing_id: str) -> frozenset[str]:
    """The key by which a log has what was sent under that tracing id."""
    return frozenset({_TRACE + tracing_id})


def _keys(body: StructuredBody, tracing_id: str | None) -> frozenset[str]:
    names = {"b:": body.id, _TRACE: tracing_id}
    if body.channel is not None:
        names["c:"] = body.channel.message_id
    return frozenset(prefix + name for prefix, name in names.items() if name)


def _author(body: StructuredBody, *, from_guest: bool) -> Author:
    if from_guest:
        return Author(kind=AuthorKind.GUEST)
    sender = body.channel.from_ if body.channel else None
    kind = AuthorKind.BOT if body.originating_entity == "Bot" else AuthorKind.AGENT
    author = Author(kind=kind)
    if sender is not None:
        author = replace(author, name=sender.nickname or sender.first_name, image=sender.image)
    return author
