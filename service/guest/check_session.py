"""The doctor's judgement of one test session, and of the Platform API. Pure."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from service.domain import events as ev
from service.domain.deployment import PLATFORM_LOGIN
from service.domain.finding import Finding
from service.guest.check_settings import Unread, cut, media_words
from service.guest.check_words import found
from service.guest.codes import effective_code
from service.guest.messages import (
    AllowedMedia,
    ErrorFrame,
    GetConfigurationResponse,
    ServerFrame,
    SessionResponse,
    TooManyRequests,
)
from service.guest.translate import attach_verdict, error_code

_CODE_SHOWN: Final = 32
_THROTTLED: Final = frozenset({"429", "4029"})


def check_platform(outcome: Unread | None) -> Finding:
    """Whether the credentials may look up messages; None: a question was answered."""
    if outcome is None:
        return found("platform_works", "The OAuth client may look up messages.")
    refused = outcome.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}
    forbidden = outcome.status == HTTPStatus.FORBIDDEN
    if refused or (forbidden and outcome.what == PLATFORM_LOGIN):
        return found("platform_refused", outcome.words)
    if forbidden:
        return found("platform_forbidden", outcome.words)
    return found("platform_unreachable", outcome.words)


def check_denied(status: int) -> Finding:
    """What an HTTP status instead of a WebSocket means."""
    words = Unread(status=status).words
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return found("session_throttled", words)
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return found("session_failed", words)
    return found("session_denied", words)


def is_attach_answer(frame: ServerFrame) -> bool:
    """Whether a frame answers a configure: by its class, for gateways drop tracing ids."""
    return isinstance(frame, SessionResponse | TooManyRequests | ErrorFrame)


def is_configuration_answer(frame: ServerFrame) -> bool:
    """Whether a frame answers a getConfiguration, by its class too."""
    return isinstance(frame, GetConfigurationResponse | TooManyRequests | ErrorFrame)


def check_told(frame: ServerFrame | None) -> Finding:
    """What the answer to getConfiguration says; None: none came.

    No official client asks, so silence and refusal are no trouble: the answer to configure says
    what counts.
    """
    match frame:
        case GetConfigurationResponse(message_routing_enabled=False):
            return found("routing_off", "messageRoutingEnabled is false. " + _limits(frame))
        case GetConfigurationResponse():
            return found("limits_told", _limits(frame))
        case TooManyRequests():
            return found("limits_untold", "Genesys said that there are too many requests.")
        case ErrorFrame():
            return found(
                "limits_untold", f"Genesys answered with code {_short(error_code(frame))}."
            )
        case _:
            return found("limits_untold", "No answer to getConfiguration came.")


def check_attached(frame: ServerFrame) -> Iterator[Finding]:
    """What the answer to configure says."""
    match frame:
        case SessionResponse(connected=True):
            yield found("session_opened", _length(frame))
            yield _media(frame)
        case TooManyRequests():
            yield found("session_throttled", "Genesys said that there are too many requests.")
        case ErrorFrame():
            yield _refused(frame)
        case _:
            code = _short(str(effective_code(frame)))
            yield found("session_refused", f"The session is not connected (code {code}).")


def _refused(frame: ErrorFrame) -> Finding:
    """Judged as a visit judges it, which tries again where the trouble may pass."""
    code = error_code(frame)
    words = f"Genesys answered with code {_short(code)}."
    if code in _THROTTLED:
        return found("session_throttled", words)
    denied = isinstance(attach_verdict(frame, opened_before=False), ev.Denied)
    return found("session_refused" if denied else "session_failed", words)


def _short(code: str) -> str:
    """A code may be any text."""
    return cut(code, _CODE_SHOWN)


def _length(frame: SessionResponse) -> str:
    return _as_told(frame.duration_seconds, frame.max_custom_data_bytes)


def _limits(frame: GetConfigurationResponse) -> str:
    told = _as_told(frame.session_duration_seconds, frame.max_custom_data_bytes)
    types, max_kb = _inbound(frame.allowed_media)
    return f"{told} {media_words(types, max_kb)}" if types else told


def _as_told(seconds: int | None, attributes: int | None) -> str:
    told = [
        *([f"it lasts {seconds} seconds"] if seconds is not None else []),
        *([f"custom attributes have {attributes} bytes"] if attributes is not None else []),
    ]
    return f"As Genesys says: {', '.join(told)}." if told else "Genesys says no more about it."


def _media(frame: SessionResponse) -> Finding:
    if frame.allowed_media is None or frame.allowed_media.inbound is None:
        return found("media_untold", "The answer names no allowed media.")
    types, max_kb = _inbound(frame.allowed_media)
    if not types:
        return found("media_none", "The supported-content profile lists no inbound type.")
    blocked = len(frame.blocked_extensions)
    return found(
        "media_allowed", f"{media_words(types, max_kb)} {blocked} file extensions are blocked."
    )


def _inbound(media: AllowedMedia | None) -> tuple[list[str], int | None]:
    """The types that a guest may send, and the largest size in KB."""
    if media is None or media.inbound is None:
        return [], None
    types = [each.type for each in media.inbound.file_types if each.type is not None]
    return types, media.inbound.max_file_size_kb
