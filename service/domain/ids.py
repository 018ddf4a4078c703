"""Names of things. Every id is opaque text with a prefix; this module never makes one."""

from typing import Final, NewType

SessionId = NewType("SessionId", str)
EventId = NewType("EventId", str)
MessageId = NewType("MessageId", str)
EndpointId = NewType("EndpointId", str)
ApiKeyId = NewType("ApiKeyId", str)
AttemptId = NewType("AttemptId", str)
ClientId = NewType("ClientId", str)
"""The guest token: a bearer secret. Whoever has it reads and writes the chat."""

TenantName = NewType("TenantName", str)
DeploymentName = NewType("DeploymentName", str)
ListenerName = NewType("ListenerName", str)
"""One process that holds links, for as long as it lives: no two ever have the same."""

SESSION: Final = "ses"
EVENT: Final = "evt"
MESSAGE: Final = "msg"
ENDPOINT: Final = "whk"
API_KEY: Final = "key"
ATTEMPT: Final = "try"
LINK: Final = "lnk"
LOCK: Final = "lck"
LISTENER: Final = "own"


def masked(secret: str) -> str:
    """The last four characters of a secret: enough to compare by eye, useless to a thief."""
    return f"…{secret[-4:]}"


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
