"""What goes into the simulated world and what comes out of it, as frozen values.

No behaviour lives here. A shell turns its sockets, clock and requests into events, and carries out
the outputs in the order in which they are given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NewType

ConnId = NewType("ConnId", int)
TimerId = NewType("TimerId", int)
RequestId = NewType("RequestId", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRequested:
    """A client asks for a WebSocket upgrade. Header names are lower case."""

    conn: ConnId
    path: str
    origin: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameReceived:
    """One text frame came in."""

    conn: ConnId
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLost:
    """The client has gone, cleanly or not."""

    conn: ConnId


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """A timer that the world started is due."""

    timer: TimerId


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequested:
    """A plain HTTP request. `origin` is the scheme and host by which the client reached us."""

    request: RequestId
    method: str
    path: str
    origin: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Event = ConnectionRequested | FrameReceived | ConnectionLost | TimerFired | HttpRequested


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """Answer the upgrade with 101."""

    conn: ConnId


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """Answer the upgrade with an HTTP status."""

    conn: ConnId
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFrame:
    """Send one text frame."""

    conn: ConnId
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseConnection:
    """Close with a close frame."""

    conn: ConnId
    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetConnection:
    """Cut the TCP connection without a close frame (RST)."""

    conn: ConnId


@dataclass(frozen=True, slots=True, kw_only=True)
class GoSilent:
    """Keep TCP open, but read nothing and answer nothing any more, pings included."""

    conn: ConnId


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTimer:
    """Feed `TimerFired(timer)` at that time (epoch seconds). Equal times fire in order of id."""

    timer: TimerId
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """Answer a request. It may come later than the request, on a timer."""

    request: RequestId
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Output = (
    Accept
    | Deny
    | SendFrame
    | CloseConnection
    | ResetConnection
    | GoSilent
    | StartTimer
    | HttpReply
)
