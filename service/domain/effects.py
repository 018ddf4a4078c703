"""What must be done about a decision. Plain values; whoever visits the session carries them out.

Every effect bears repetition: after a crash the next visit decides again from what the table and
Genesys say.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attach:
    """Open a socket and configure it with the session's client id, or the renewed one."""


@dataclass(frozen=True, slots=True)
class AttachAt:
    """Wait until then, and attach. Seconds since the epoch."""

    at: float


@dataclass(frozen=True, slots=True)
class DropLink:
    """Close the socket with 1000, if there is one."""


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Read history over the link and log what was missed."""


@dataclass(frozen=True, slots=True)
class AwaitFarewell:
    """Take in what arrives, and wait for the predecessor's last word before using it."""


@dataclass(frozen=True, slots=True)
class Flush:
    """Send what waits to be sent."""


@dataclass(frozen=True, slots=True)
class StartNew:
    """closeSession, then configure with startNew on the same socket."""


@dataclass(frozen=True, slots=True)
class SendClear:
    """Send Presence Clear."""


@dataclass(frozen=True, slots=True)
class Revoke:
    """Take the guest's login back at Genesys: no link is needed."""


@dataclass(frozen=True, slots=True)
class Leave:
    """There is nothing more to do here now."""


Effect = (
    Attach
    | AttachAt
    | DropLink
    | CatchUp
    | AwaitFarewell
    | Flush
    | StartNew
    | SendClear
    | Revoke
    | Leave
)
