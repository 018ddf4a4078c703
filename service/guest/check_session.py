"""The doctor's judgement of one test session, and of the Platform API. Pure."""

from collections.abc import Iterator
from http import HTTPStatus

from service.domain.finding import Finding
from service.guest.check_settings import Unread, media_words
from service.guest.check_words import found
from service.guest.codes import effective_code
from service.guest.messages import ErrorFrame, ServerFrame, SessionResponse, TooManyRequests
from service.guest.translate import error_code


def check_platform(outcome: Unread | None) -> Finding:
    """Whether the credentials may look up messages; None: a question was answered."""
    if outcome is None:
        return found("platform_works", "The OAuth client may look up messages.")
    if outcome.status == HTTPStatus.FORBIDDEN:
        return found("platform_forbidden", outcome.words)
    if outcome.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
        return found("platform_refused", outcome.words)
    return found("platform_unreachable", outcome.words)


def check_denied(status: int) -> Finding:
    """What an HTTP status instead of a WebSocket means."""
    words = Unread(status=status).words
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return found("session_throttled", words)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return found("session_unanswered", words)
    return found("session_denied", words)


def is_attach_answer(frame: ServerFrame) -> bool:
    """Whether a frame answers a configure: by its class, for gateways drop tracing ids."""
    return isinstance(frame, SessionResponse | TooManyRequests | ErrorFrame)


def check_attached(frame: ServerFrame) -> Iterator[Finding]:
    """What the answer to configure says."""
    match frame:
        case SessionResponse(connected=True):
            yield found("session_opened", _length(frame))
            yield _media(frame)
        case TooManyRequests():
            yield found("session_throttled", "Genesys said that there are too many requests.")
        case ErrorFrame():
            yield found("session_refused", f"Genesys answered with code {error_code(frame)[:32]}.")
        case _:
            code = effective_code(frame)
            yield found("session_refused", f"The session is not connected (code {code}).")


def _length(frame: SessionResponse) -> str:
    attributes = frame.max_custom_data_bytes
    seconds = frame.duration_seconds
    told = [
        *([f"it lasts {seconds} seconds"] if seconds is not None else []),
        *([f"custom attributes have {attributes} bytes"] if attributes is not None else []),
    ]
    return f"As Genesys says: {', '.join(told)}." if told else "Genesys says no more about it."


def _media(frame: SessionResponse) -> Finding:
    rules = frame.allowed_media.inbound if frame.allowed_media is not None else None
    if rules is None:
        return found("media_untold", "The answer names no allowed media.")
    types = [each.type for each in rules.file_types if each.type is not None]
    if not types:
        return found("media_none", "The supported-content profile lists no inbound type.")
    blocked = len(frame.blocked_extensions)
    words = media_words(types, rules.max_file_size_kb)
    return found("media_allowed", f"{words} {blocked} file extensions are blocked.")
