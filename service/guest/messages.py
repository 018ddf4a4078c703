"""What the service answers or pushes: one frozen value per message class.

Dispatch on the Python class, never on ``type``: the vendor's own material shows some classes as
``response`` and as ``message``. Nothing here decides what a message means for a session.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from service.guest.body import StructuredBody
from service.guest.requests import Request
from service.guest.values import JsonObject, kept

LONGEST_WAIT_SECONDS: Final = 86_400.0
"""As with a Retry-After header: at most a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """The envelope. ``extras`` are its unknown fields, ``body_extras`` those of the body."""

    type: str = ""
    code: int | str | None = None
    tracing_id: str | None = None
    extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileType:
    """A MIME type or a wildcard."""

    type: str | None = None
    extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRules:
    """What may be uploaded; a kilobyte is 1000 bytes in the official clients."""

    file_types: tuple[FileType, ...] = ()
    max_file_size_kb: int | None = None
    extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedMedia:
    """The supported-content profile of the deployment."""

    inbound: MediaRules | None = None
    extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionResponse(_Frame):
    """The answer to configure and close. Dates are epoch seconds, lengths seconds and bytes."""

    connected: bool
    new_session: bool = False
    read_only: bool = False
    cleared_existing_session: bool = False
    auto_started: bool | None = None
    allowed_media: AllowedMedia | None = None
    blocked_extensions: tuple[str, ...] = ()
    max_custom_data_bytes: int | None = None
    duration_seconds: int | None = None
    expiration_date: int | None = None
    body_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuredMessage(_Frame):
    """A chat message or event, either direction, or the answer to an echo."""

    body: StructuredBody

    @property
    def is_echo_answer(self) -> bool:
        """Whether this answers a health check: the only chat-shaped frame of type response."""
        return self.type == "response"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresignedUrlResponse(_Frame):
    """Where to upload, or where to download afresh. The headers are part of the signature."""

    attachment_id: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = kept()
    file_name: str | None = field(default=None, repr=False)
    file_size: int | None = None
    file_type: str | None = None
    body_extras: JsonObject = kept()

    @property
    def is_download(self) -> bool:
        """Whether it answers getAttachment: no headers to send, and the file's size is known."""
        return not self.headers and self.file_size is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentDeletedResponse(_Frame):
    """The file is gone."""

    attachment_id: str
    body_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFailureEvent(_Frame):
    """The uploaded file was refused."""

    attachment_id: str
    error_code: int | str | None = None
    error_message: str | None = None
    timestamp: str | None = None
    body_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSuccessEvent(_Frame):
    """The uploaded file may be sent."""

    attachment_id: str
    download_url: str | None = field(default=None, repr=False)
    timestamp: str | None = None
    body_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionClosedEvent(_Frame):
    """This socket no longer belongs to the session. Known reason: ``signedIn``."""

    reason: str | None = None
    body_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutEvent(_Frame):
    """The guest was signed out; the token is dead."""

    body_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionExpiredEvent(_Frame):
    """The guest session has expired."""

    body_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClearedEvent(_Frame):
    """The guest's conversation was erased."""

    body_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtResponse(_Frame):
    """The bearer for history; ``exp`` is epoch seconds, about a minute ahead."""

    jwt: str = field(repr=False)
    exp: int | None = None
    body_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class GetConfigurationResponse(_Frame):
    """The deployment's messaging settings."""

    allowed_media: AllowedMedia | None = None
    blocked_extensions: tuple[str, ...] = ()
    max_custom_data_bytes: int | None = None
    message_routing_enabled: bool | None = None
    session_duration_seconds: int | None = None
    body_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateUrlError(_Frame):
    """No upload address; the envelope's code may still say 200."""

    attachment_id: str | None = None
    error_code: int | str | None = None
    error_message: str | None = None
    timestamp: str | None = None
    name: str | None = None
    message: str | None = None
    body_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyRequests(_Frame):
    """The request with this tracing id was not processed; ``retry_after`` is in seconds."""

    retry_after: float | None = None
    error_code: int | str | None = None
    error_message: str | None = None
    name: str | None = None
    message: str | None = None
    body_extras: JsonObject = kept()

    @property
    def wait_seconds(self) -> float | None:
        """How long to wait: who heeded what no clock can tell would wait for ever."""
        told = self.retry_after
        return None if told is None else min(max(0.0, told), LONGEST_WAIT_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeTokenResponse(_Frame):
    """In the published schema, used by no official client."""

    resume_token: str = field(repr=False)
    exp: int | None = None
    body_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorFrame(_Frame):
    """A refusal.

    ``raw_class`` is ``string``, ``Error`` or ``ErrorMessage``; None is a frame with nothing but a
    code, as gateways in between write it. ``text`` is the body when that is a plain string, and
    then the body's fields are empty.
    """

    raw_class: str | None
    text: str | None = None
    error_code: int | str | None = None
    error_message: str | None = None
    name: str | None = None
    message: str | None = None
    body_extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(_Frame):
    """A message class this code does not know; ``body`` is its JSON as it came."""

    raw_class: str
    body: object = field(default=None, repr=False, hash=False)


ServerFrame: TypeAlias = (
    SessionResponse
    | StructuredMessage
    | PresignedUrlResponse
    | AttachmentDeletedResponse
    | UploadFailureEvent
    | UploadSuccessEvent
    | ConnectionClosedEvent
    | LogoutEvent
    | SessionExpiredEvent
    | SessionClearedEvent
    | JwtResponse
    | GetConfigurationResponse
    | GenerateUrlError
    | TooManyRequests
    | ResumeTokenResponse
    | ErrorFrame
    | Unknown
)

Message: TypeAlias = Request | ServerFrame
