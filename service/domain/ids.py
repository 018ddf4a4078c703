"""Names of things. Every id is opaque text with a prefix; this module never makes one."""

from typing import Final, NewType

SessionId = NewType("SessionId", str)
EventId = NewType("EventId", str)
MessageId = NewType("MessageId", str)
EndpointId = NewType("EndpointId", str)
ApiKeyId = NewType("ApiKeyId", str)
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
LINK: Final = "lnk"
LOCK: Final = "lck"
LISTENER: Final = "own"


def masked(secret: str) -> str:
    """The last four characters of a secret: enough to compare by eye, useless to a thief."""
    return f"…{secret[-4:]}"
