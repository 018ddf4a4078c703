"""Every error the broker raises, by whose fault it is.

The core carries no HTTP status: `service.api.errors` has that table.

    BrokerError
    ├── CallerError                     the caller asked for something that cannot be
    │   ├── UnauthorizedError           no key, or a key nobody knows
    │   ├── InsufficientScopeError      the key may not do this
    │   ├── NotFoundError               no such thing, or somebody else's
    │   ├── InvalidRequestError         a field is wrong; names the field and the limit
    │   ├── TextTooLongError
    │   ├── AttributesTooLargeError
    │   ├── UnknownDeploymentError
    │   ├── UnknownAttachmentError
    │   ├── BlockedTargetError          a webhook address nobody may reach
    │   ├── NameInUseError              also: a deployment that open sessions still use
    │   ├── ExternalIdInUseError
    │   ├── SessionReadOnlyError
    │   ├── SessionEndedError
    │   ├── SessionFailedError
    │   ├── IdempotencyMismatchError
    │   ├── IdempotencyInProgressError
    │   └── RateLimitedError
    ├── PeerError                       the contact centre or the network did it
    │   ├── GuestProtocolError          a frame that is none
    │   ├── LinkDeniedError             the upgrade was refused with a status
    │   ├── LinkLostError               the link is gone, with its close code
    │   ├── HistoryUnavailableError     the history could not be read
    │   ├── PlatformUnavailableError    the platform API could not answer
    │   ├── RejectedByGenesysError      a message was refused for good
    │   └── OutcomeUnknownError         a message's fate can never be proven
    ├── LostRaceError                   somebody else was first; reload and decide again
    │   ├── PlaceTakenError             another event has that sequence
    │   ├── VersionConflictError        the item changed since it was read
    │   ├── SupersededError             the session itself moved on under a visit
    │   └── LockHeldError               another visit is at work
    └── FaultError                      our own, or our infrastructure's
        ├── IllegalTransitionError      the transition table has no such row
        ├── UnavailableError            a store or queue did not answer
        ├── TooLargeError               an item or transaction past the table's limits
        └── ConfigurationError          settings that cannot work, all faults in one list
"""

from collections.abc import Sequence
from dataclasses import dataclass


class BrokerError(Exception):
    """Root of the tree; never raised itself."""


class CallerError(BrokerError):
    """The caller's fault: repeating the same request cannot help."""


class PeerError(BrokerError):
    """The contact centre's or the network's doing."""


class LostRaceError(BrokerError):
    """Another writer won. Nothing is broken: reload, see what happened, decide again."""


class FaultError(BrokerError):
    """Our own fault, or that of what we run on."""


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
        return "; ".join(f"{fault.pointer}: {fault.detail}" for fault in self.faults)


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
    """A message names an attachment that this session does not have."""

    def __init__(self, *, attachment_id: str) -> None:
        super().__init__(attachment_id)
        self.attachment_id = attachment_id

    def __str__(self) -> str:
        return f"this session has no attachment {self.attachment_id}"


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
    """An open session of this tenant has that externalId already."""

    def __init__(self, *, external_id: str, session_id: str) -> None:
        super().__init__(external_id, session_id)
        self.external_id = external_id
        self.session_id = session_id

    def __str__(self) -> str:
        return f"session {self.session_id} holds this externalId and has not ended"


class SessionReadOnlyError(CallerError):
    """The contact centre ended the chat and the deployment's policy is to refuse new messages."""

    def __init__(self, *, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return f"session {self.session_id} is read-only"


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


class GuestProtocolError(PeerError):
    """A frame that cannot be one. Names the place and the problem, never the content."""

    def __init__(self, *, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"at {self.path}: {self.problem}"


class LinkDeniedError(PeerError):
    """The WebSocket upgrade was answered with an HTTP status instead of 101."""

    def __init__(self, *, status: int, retry_after_seconds: float | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        return f"the upgrade was refused with HTTP {self.status}"


class LinkLostError(PeerError):
    """The link is gone. `code` is the WebSocket close code (RFC 6455, 7.4); 1006 where none came."""

    def __init__(self, *, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"the link closed with {self.code}"


class HistoryUnavailableError(PeerError):
    """The history could not be read now."""

    def __init__(self, *, status: int | None, retry_after_seconds: float | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        return f"history could not be read (HTTP {self.status})"


class PlatformUnavailableError(PeerError):
    """The platform API or the deployment's public configuration could not be read now."""

    def __init__(self, *, what: str, status: int | None) -> None:
        super().__init__(what, status)
        self.what = what
        self.status = status

    def __str__(self) -> str:
        return f"{self.what} could not be read (HTTP {self.status})"


class RejectedByGenesysError(PeerError):
    """Genesys refused a message for good."""

    def __init__(self, *, provider_code: str, detail: str) -> None:
        super().__init__(provider_code, detail)
        self.provider_code = provider_code
        self.detail = detail

    def __str__(self) -> str:
        return f"Genesys refused the message ({self.provider_code}): {self.detail}"


class OutcomeUnknownError(PeerError):
    """A message was written and whether it arrived can never be proven any more."""

    def __str__(self) -> str:
        return "the message was written, but whether it arrived can no longer be proven"


class PlaceTakenError(LostRaceError):
    """Another event has that place in the log."""

    def __init__(self, *, sequence: int) -> None:
        super().__init__(sequence)
        self.sequence = sequence

    def __str__(self) -> str:
        return f"sequence {self.sequence} is taken"


class VersionConflictError(LostRaceError):
    """The item changed since it was read, or the writer's authority over it is gone."""

    def __init__(self, *, item: str) -> None:
        super().__init__(item)
        self.item = item

    def __str__(self) -> str:
        return f"{self.item} changed meanwhile"


class SupersededError(LostRaceError):
    """Somebody else changed the session while a visit was at work: the visit must begin again."""

    def __init__(self, *, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return f"session {self.session_id} changed under this visit"


class LockHeldError(LostRaceError):
    """Another visit holds the session until then (seconds since the epoch)."""

    def __init__(self, *, until: float) -> None:
        super().__init__(until)
        self.until = until

    def __str__(self) -> str:
        return "another visit is at work on this session"


class IllegalTransitionError(FaultError):
    """The transition table has no row for this event in this state."""

    def __init__(self, *, state: str, event: str) -> None:
        super().__init__(state, event)
        self.state = state
        self.event = event

    def __str__(self) -> str:
        return f"{self.event} cannot happen in {self.state}"


class UnavailableError(FaultError):
    """A store or queue did not answer in time; the caller may try again."""

    def __init__(self, *, what: str, retry_after_seconds: int = 1) -> None:
        super().__init__(what)
        self.what = what
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        return f"{self.what} is not answering"


class TooLargeError(FaultError):
    """An item or a transaction is past the table's limits (DynamoDB: 400 KB, 100 items, 4 MB)."""

    def __init__(self, *, what: str, limit: int) -> None:
        super().__init__(what, limit)
        self.what = what
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.what} is past the limit of {self.limit}"


class ConfigurationError(FaultError):
    """The settings cannot work; every fault in one list."""

    def __init__(self, *faults: str) -> None:
        super().__init__(*faults)
        self.faults: Sequence[str] = faults

    def __str__(self) -> str:
        return "; ".join(self.faults)
