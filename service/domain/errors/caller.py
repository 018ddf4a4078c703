"""What the caller asked for and cannot have. Knows no HTTP status."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.errors.roots import CallerError


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFault:
    """One wrong field: where (a JSON pointer, RFC 6901) and what is the matter."""

    pointer: str
    detail: str


class UnauthorizedError(CallerError):
    """The request carries no API key, or one that is unknown, expired or revoked."""

    def __str__(self) -> str:
        return "a valid API key is needed: Authorization: Bearer <key>"


class InsufficientScopeError(CallerError):
    """The key is good but may not do this."""

    def __init__(self, *, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope

    def __str__(self) -> str:
        return f"this needs the scope {self.scope}"


class NotFoundError(CallerError):
    """There is no such thing, or it belongs to another tenant (which is the same answer)."""

    def __init__(self, *, kind: str, name: str) -> None:
        super().__init__(kind, name)
        self.kind = kind
        self.name = name

    def __str__(self) -> str:
        return f"no such {self.kind}: {self.name}"


class InvalidRequestError(CallerError):
    """One or more fields are wrong."""

    def __init__(self, *faults: FieldFault) -> None:
        super().__init__(*faults)
        self.faults: Sequence[FieldFault] = faults

    def __str__(self) -> str:
        return "; ".join(_sentence(fault) for fault in self.faults)


def _sentence(fault: FieldFault) -> str:
    """An empty pointer is the whole body: there is no field to name."""
    return f"{fault.pointer}: {fault.detail}" if fault.pointer else fault.detail


class TextTooLongError(CallerError):
    """More text than the Guest API takes in one message."""

    def __init__(self, *, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return f"text is {self.size} bytes of UTF-8; the limit is {self.limit}"


class AttributesTooLargeError(CallerError):
    """More custom attributes than the Guest API takes with one message."""

    def __init__(self, *, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return (
            f"customAttributes are {self.size} bytes (keys and values); the limit is {self.limit}"
        )


class UnknownDeploymentError(CallerError):
    """The tenant has no deployment of that name."""

    def __init__(self, *, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"no deployment is named {self.name}"


class UnknownAttachmentError(CallerError):
    """A message names an attachment that this session does not have, or that is not uploaded."""

    def __init__(self, *, attachment_id: str, status: str | None = None) -> None:
        super().__init__(attachment_id, status)
        self.attachment_id = attachment_id
        self.status = status

    def __str__(self) -> str:
        if self.status is None:
            return f"this session has no attachment {self.attachment_id}"
        return (
            f"attachment {self.attachment_id} is {self.status}; only one that is uploaded is sent"
        )


class UnknownMessageError(CallerError):
    """An answer names a message that offers nothing now."""

    def __init__(self, *, pointer: str, name: str) -> None:
        super().__init__(pointer, name)
        self.pointer = pointer
        self.name = name

    def __str__(self) -> str:
        return f"{self.name} is no message of this guest session that lately offered anything"


class OptionNotOfferedError(CallerError):
    """An answer that was not offered. `offered` are the payloads that were, as far as they fit."""

    def __init__(self, *, pointer: str, detail: str, offered: Sequence[str]) -> None:
        super().__init__(pointer, detail)
        self.pointer = pointer
        self.detail = detail
        self.offered = offered

    def __str__(self) -> str:
        return f"{self.pointer}: {self.detail}"


class BlockedTargetError(CallerError):
    """A webhook address that may not be reached."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"this webhook target is not allowed: {self.reason}"


class NameInUseError(CallerError):
    """A name is taken, or what it names is still used."""

    def __init__(self, *, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


class ExternalIdInUseError(CallerError):
    """Another session of this tenant has that externalId."""

    def __init__(self, *, external_id: str, session_id: str) -> None:
        super().__init__(external_id, session_id)
        self.external_id = external_id
        self.session_id = session_id

    def __str__(self) -> str:
        return f"session {self.session_id} holds this externalId"


class SessionReadOnlyError(CallerError):
    """The contact centre ended the chat, and messages that say nothing else are refused then."""

    def __init__(self, *, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return (
            f"session {self.session_id} is read-only: the contact centre ended the chat; "
            "a message with onReadOnly startNew begins another"
        )


class SessionEndedError(CallerError):
    """The session has ended."""

    def __init__(self, *, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return f"session {self.session_id} has ended"


class SessionFailedError(CallerError):
    """The session failed for good; /resume tries once more."""

    def __init__(self, *, session_id: str, detail: str) -> None:
        super().__init__(session_id, detail)
        self.session_id = session_id
        self.detail = detail

    def __str__(self) -> str:
        return f"session {self.session_id} has failed: {self.detail}"


class EventNotWantedError(CallerError):
    """The webhook takes no events of that type."""

    def __init__(self, *, event_type: str) -> None:
        super().__init__(event_type)
        self.event_type = event_type

    def __str__(self) -> str:
        return f"this webhook does not take {self.event_type}; its eventTypes say what it takes"


class EndpointUnverifiedError(CallerError):
    """The webhook must send a challenge back before it gets anything."""

    def __init__(self, *, endpoint_id: str) -> None:
        super().__init__(endpoint_id)
        self.endpoint_id = endpoint_id

    def __str__(self) -> str:
        return f"webhook {self.endpoint_id} has not proved itself yet: see /verify"


class IdempotencyMismatchError(CallerError):
    """The Idempotency-Key was used before with another body."""

    def __str__(self) -> str:
        return "this Idempotency-Key was used with a different request"


class IdempotencyInProgressError(CallerError):
    """The first request with this Idempotency-Key is still running."""

    def __str__(self) -> str:
        return "the first request with this Idempotency-Key is still being handled"


class RateLimitedError(CallerError):
    """Too many requests; wait."""

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        return f"too many requests; wait {self.retry_after_seconds} s"
