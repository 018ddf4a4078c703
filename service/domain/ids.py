"""Names of things. Every id is opaque text with a prefix; this module never makes one."""

from typing import Final, NewType, TypeAlias

SessionId = NewType("SessionId", str)
EventId = NewType("EventId", str)
MessageId = NewType("MessageId", str)
EndpointId = NewType("EndpointId", str)
ApiKeyId = NewType("ApiKeyId", str)
AttemptId = NewType("AttemptId", str)
ReplayId = NewType("ReplayId", str)
AttachmentId = NewType("AttachmentId", str)
ClientId = NewType("ClientId", str)
"""The guest token: a bearer secret. Whoever has it reads and writes the chat."""

TenantName = NewType("TenantName", str)
DeploymentName = NewType("DeploymentName", str)
ListenerName = NewType("ListenerName", str)
"""One process that holds links, for as long as it lives: no two ever have the same."""

TenantLogId = NewType("TenantLogId", str)
LogId: TypeAlias = SessionId | TenantLogId
"""Whose log it is, by its spelling: a session's, or that of a tenant about its own webhooks."""

SESSION: Final = "ses"
EVENT: Final = "evt"
MESSAGE: Final = "msg"
ENDPOINT: Final = "whk"
API_KEY: Final = "key"
ATTEMPT: Final = "try"
REPLAY: Final = "rpl"
ATTACHMENT: Final = "att"
LINK: Final = "lnk"
LOCK: Final = "lck"
LISTENER: Final = "own"
TENANT_LOG: Final = "ten"


def masked(secret: str) -> str:
    """The last four characters of a secret: enough to compare by eye, useless to a thief."""
    return f"…{secret[-4:]}"


def log_of(tenant: TenantName) -> TenantLogId:
    """The log of a tenant."""
    return TenantLogId(f"{TENANT_LOG}_{tenant}")


def tenant_of(log_id: LogId) -> TenantName | None:
    """The tenant whose log it is; None for a session's."""
    kind, _, name = log_id.partition("_")
    return TenantName(name) if kind == TENANT_LOG else None


def log_named(name: str) -> LogId:
    """The log of that name, as a queue or a table spells it."""
    return TenantLogId(name) if name.startswith(f"{TENANT_LOG}_") else SessionId(name)


_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32, as ULIDs are spelled."""
_ULID_LENGTH: Final = 26
_TIME_LENGTH: Final = 10
_LATEST: Final = 2**48


def born_at(name: str) -> float | None:
    """When a prefixed ULID was made, in seconds since the epoch; None where it is none."""
    ulid = name.rpartition("_")[2]
    if len(ulid) != _ULID_LENGTH or not set(ulid) <= set(_DIGITS):
        return None
    milliseconds = 0
    for digit in ulid[:_TIME_LENGTH]:
        milliseconds = milliseconds * len(_DIGITS) + _DIGITS.index(digit)
    return milliseconds / 1000 if milliseconds < _LATEST else None
