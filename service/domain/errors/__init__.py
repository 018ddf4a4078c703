"""Every error the broker raises, by whose fault it is.

The core carries no HTTP status: `service.api.errors` has that table.

    BrokerError
    ├── CallerError                     the caller asked for something that cannot be
    │   ├── UnauthorizedError           no key, or a key nobody knows
    │   ├── InsufficientScopeError      the key may not do this
    │   ├── NotFoundError               no such thing, or somebody else's
    │   ├── InvalidRequestError         a field is wrong; names the field and the limit
    │   ├── AuthenticationFailedError   a guest's login was refused
    │   ├── TextTooLongError
    │   ├── AttributesTooLargeError
    │   ├── UnknownDeploymentError
    │   ├── UnknownAttachmentError
    │   ├── UnknownMessageError
    │   ├── OptionNotOfferedError
    │   ├── AttachmentTypeNotAllowedError
    │   ├── AttachmentTooLargeError
    │   ├── TooManyAttachmentsError     not sent, of one session
    │   ├── AttachmentStateError        a file is not as far, or too far
    │   ├── AttachmentGoneError         Genesys does not have the file any more
    │   ├── BlockedTargetError          a webhook address nobody may reach
    │   ├── NameInUseError              also: a deployment that open sessions still use
    │   ├── ExternalIdInUseError
    │   ├── SessionReadOnlyError
    │   ├── SessionEndedError
    │   ├── SessionFailedError
    │   ├── NotSignedInError            nobody to sign out
    │   ├── EventNotWantedError         a webhook's filter leaves it out
    │   ├── EndpointUnverifiedError     a webhook has not proved itself yet
    │   ├── IdempotencyMismatchError
    │   ├── IdempotencyInProgressError
    │   └── RateLimitedError
    ├── PeerError                       the contact centre or the network did it
    │   ├── GuestProtocolError          a frame that is none
    │   ├── LinkDeniedError             the upgrade was refused with a status
    │   ├── LinkLostError               the link is gone, with its close code
    │   ├── HistoryUnavailableError     the history could not be read
    │   ├── PlatformUnavailableError    the platform API could not answer
    │   ├── FileTransferError           a file could not be moved to or from Genesys
    │   ├── RejectedByGenesysError      a message was refused for good
    │   ├── LoginUnavailableError       a guest's login could not be asked about
    │   ├── StepUpRefusedError          an anonymous session may not become a signed-in one
    │   ├── ClearRefusedError           the guest's history may not be cleared
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

from service.domain.errors.caller import (
    AttributesTooLargeError,
    BlockedTargetError,
    EndpointUnverifiedError,
    EventNotWantedError,
    ExternalIdInUseError,
    FieldFault,
    IdempotencyInProgressError,
    IdempotencyMismatchError,
    InsufficientScopeError,
    InvalidRequestError,
    NameInUseError,
    NotFoundError,
    OptionNotOfferedError,
    RateLimitedError,
    SessionEndedError,
    SessionFailedError,
    SessionReadOnlyError,
    TextTooLongError,
    UnauthorizedError,
    UnknownAttachmentError,
    UnknownDeploymentError,
    UnknownMessageError,
)
from service.domain.errors.fault import (
    ConfigurationError,
    IllegalTransitionError,
    TooLargeError,
    UnavailableError,
)
from service.domain.errors.files import (
    AttachmentGoneError,
    AttachmentStateError,
    AttachmentTooLargeError,
    AttachmentTypeNotAllowedError,
    TooManyAttachmentsError,
)
from service.domain.errors.login import (
    AuthenticationFailedError,
    LoginUnavailableError,
    NotSignedInError,
    StepUpRefusedError,
)
from service.domain.errors.peer import (
    ClearRefusedError,
    FileTransferError,
    GuestProtocolError,
    HistoryUnavailableError,
    LinkDeniedError,
    LinkLostError,
    OutcomeUnknownError,
    PlatformUnavailableError,
    RejectedByGenesysError,
)
from service.domain.errors.race import (
    LockHeldError,
    PlaceTakenError,
    SupersededError,
    VersionConflictError,
)
from service.domain.errors.roots import (
    BrokerError,
    CallerError,
    FaultError,
    LostRaceError,
    PeerError,
)

__all__ = [
    "AttachmentGoneError",
    "AttachmentStateError",
    "AttachmentTooLargeError",
    "AttachmentTypeNotAllowedError",
    "AttributesTooLargeError",
    "AuthenticationFailedError",
    "BlockedTargetError",
    "BrokerError",
    "CallerError",
    "ClearRefusedError",
    "ConfigurationError",
    "EndpointUnverifiedError",
    "EventNotWantedError",
    "ExternalIdInUseError",
    "FaultError",
    "FieldFault",
    "FileTransferError",
    "GuestProtocolError",
    "HistoryUnavailableError",
    "IdempotencyInProgressError",
    "IdempotencyMismatchError",
    "IllegalTransitionError",
    "InsufficientScopeError",
    "InvalidRequestError",
    "LinkDeniedError",
    "LinkLostError",
    "LockHeldError",
    "LoginUnavailableError",
    "LostRaceError",
    "NameInUseError",
    "NotFoundError",
    "NotSignedInError",
    "OptionNotOfferedError",
    "OutcomeUnknownError",
    "PeerError",
    "PlaceTakenError",
    "PlatformUnavailableError",
    "RateLimitedError",
    "RejectedByGenesysError",
    "SessionEndedError",
    "SessionFailedError",
    "SessionReadOnlyError",
    "StepUpRefusedError",
    "SupersededError",
    "TextTooLongError",
    "TooLargeError",
    "TooManyAttachmentsError",
    "UnauthorizedError",
    "UnavailableError",
    "UnknownAttachmentError",
    "UnknownDeploymentError",
    "UnknownMessageError",
    "VersionConflictError",
]
