"""Links to the Guest API, on the asyncio client of `websockets`.

Moves text frames and reports closes. Must not parse a frame, retry, or log what is in one.
"""

import errno
import logging
import math
import socket
import ssl
from typing import Final, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.protocol import State
from websockets.typing import Origin

from service.adapters.genesys_http import (
    GENESYS_ONLY,
    NOT_ALLOWED,
    USER_AGENT,
    may_reach,
    retry_after_seconds,
)
from service.domain.deployment import Deployment
from service.domain.errors import ConfigurationError, LinkDeniedError, LinkLostError
from service.domain.region import Regions
from service.ports.system import Clock
from service.ports.wires import Link

LONGEST_HEARTBEAT_SECONDS: Final = 20.0
MAX_FRAME_BYTES: Final = 256 * 1024
"""Twice the 128 KB that API Gateway, which the service resembles, allows in one message."""
MAX_QUEUED_FRAMES: Final = 32
NO_CLOSE_FRAME: Final = 1006
CLOSED: Final = 1000
_NO_PONG: Final = "keepalive ping timeout"
"""How `websockets` words it when a pong did not come."""
_REFUSED: Final = f"[Errno {errno.ECONNREFUSED}]"
"""asyncio folds the failures of several addresses into one OSError that has only their text."""
_FAILURES: Final = (  # the first that fits; all but the first two are kinds of OSError
    (UnicodeError, "dns"),  # no name that could be looked up
    (EOFError, "reset"),
    (TimeoutError, "timeout"),
    (socket.gaierror, "dns"),
    (ssl.SSLError, "tls"),
    (ConnectionRefusedError, "refused"),
    (ConnectionError, "reset"),
    (OSError, "network"),
)


class Deadlines(NamedTuple):
    """Seconds after which the adapter stops waiting for a peer.

    Heartbeat (at most 20), pong and close together stay below 30: so soon a dead link is known.
    """

    open: float = 10.0
    pong: float = 8.0
    write: float = 8.0
    close_frame: float = 1.5
    close: float = 1.9


DEADLINES: Final = Deadlines()


class WebsocketGuestSockets:
    """Opens links: no proxy, no compression, no redirect; bounded sizes and waits."""

    def __init__(
        self,
        *,
        clock: Clock,
        tls: ssl.SSLContext,
        regions: Regions = GENESYS_ONLY,
        deadlines: Deadlines = DEADLINES,
    ) -> None:
        self._regions = regions
        self._clock = clock
        self._tls = tls
        self._deadlines = deadlines
        self._logger = logging.getLogger(f"{__name__}.wire")
        # At DEBUG the library writes every frame: chats and client ids.
        self._logger.setLevel(logging.ERROR)

    async def open(self, deployment: Deployment) -> Link:
        """Open the socket; close the link that comes back.

        Raises LinkDeniedError (an HTTP status came), LinkLostError with code 1006 and the class of
        the failure as its reason (`dns`, `refused`, `reset`, `timeout`, `tls`, `handshake`,
        `address`, `network`; `not_allowed`: nobody was asked), ConfigurationError for a heartbeat
        too slow to find a dead link.
        """
        if not may_reach(self._regions, deployment.domain):
            raise LinkLostError(code=NO_CLOSE_FRAME, reason=NOT_ALLOWED)
        opening = self._opening(deployment)
        try:
            connection = await opening
        except InvalidStatus as exc:
            raise self._denied(exc) from exc
        except (OSError, WebSocketException, UnicodeError) as exc:
            raise LinkLostError(code=NO_CLOSE_FRAME, reason=_failure_class(exc)) from exc
        _forget_handshake(connection)
        return WebsocketLink(connection, clock=self._clock, deadlines=self._deadlines)

    def _opening(self, deployment: Deployment) -> "_Direct":
        url = deployment.socket_url()
        try:
            return _Direct(
                url,
                origin=None if deployment.origin is None else Origin(deployment.origin),
                compression=None,
                user_agent_header=USER_AGENT,
                proxy=None,
                open_timeout=self._deadlines.open,
                ping_interval=_heartbeat(deployment),
                ping_timeout=self._deadlines.pong,
                close_timeout=self._deadlines.close_frame,
                max_size=MAX_FRAME_BYTES,
                max_queue=MAX_QUEUED_FRAMES,
                logger=self._logger,
                ssl=self._tls if url.startswith("wss:") else None,
            )
        except InvalidURI as exc:
            raise LinkLostError(code=NO_CLOSE_FRAME, reason="address") from exc

    def _denied(self, refusal: InvalidStatus) -> LinkDeniedError:
        answer = refusal.response
        wait = retry_after_seconds(answer.headers.get("Retry-After"), now=self._clock.now())
        return LinkDeniedError(status=answer.status_code, retry_after_seconds=wait)


class WebsocketLink:
    """One live WebSocket. One task may receive while others send."""

    __slots__ = ("_clock", "_connection", "_deadlines")

    def __init__(self, connection: ClientConnection, *, clock: Clock, deadlines: Deadlines) -> None:
        self._connection = connection
        self._clock = clock
        self._deadlines = deadlines

    async def send(self, text: str) -> None:
        """Write one text frame. Raises LinkLostError.

        A peer that stops reading costs the link: `websockets` writes its pings behind what waits,
        so that otherwise nobody would notice. A cancelled send that was stuck ends it likewise.
        """
        sent = False
        try:
            async with self._clock.timeout(self._deadlines.write):
                await self._connection.send(text)
            sent = True
        except ConnectionClosed as exc:
            raise _lost(exc) from exc
        except TimeoutError as exc:
            raise LinkLostError(code=NO_CLOSE_FRAME, reason="write timeout") from exc
        finally:
            if not sent:
                self._cut()

    async def receive(self) -> str:
        """Return the next text frame; cancelling loses nothing. Raises LinkLostError.

        The protocol has no binary frames: one closes the link with 1003 (RFC 6455, 7.4.1).
        """
        try:
            frame = await self._connection.recv()
        except ConnectionClosed as exc:
            raise _lost(exc) from exc
        if isinstance(frame, str):
            return frame
        await self._close(1003, "text only")
        raise LinkLostError(code=1003, reason="binary frame")

    async def close(self) -> None:
        """Close with 1000; returns within two seconds whatever the peer does. Never raises."""
        await self._close(CLOSED, "")

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with self._clock.timeout(self._deadlines.close):
                await self._connection.close(code, reason)
        except TimeoutError:
            # Writing the close frame has no limit of its own: a peer that does not read stalls it.
            return
        finally:
            self._cut()

    def _cut(self) -> None:
        # asyncio's transports take abort() amiss once they are closed (seen in 3.11).
        if self._connection.state is not State.CLOSED:
            self._connection.transport.abort()


class _Direct(connect):
    """`connect` that goes nowhere but where it was told: a redirect is an answer like any other."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def _forget_handshake(connection: ClientConnection) -> None:
    """Drop the headers that the library keeps for as long as the link lives: 3 KiB a link.

    The response itself stays: its presence tells the library that the handshake is over.
    """
    connection.request = None
    if connection.response is not None:
        connection.response.headers.clear()


def _heartbeat(deployment: Deployment) -> float:
    seconds = deployment.heartbeat_seconds
    if math.isnan(seconds) or not 0 < seconds <= LONGEST_HEARTBEAT_SECONDS:
        limit = f"above 0 and at most {LONGEST_HEARTBEAT_SECONDS:g}"
        fault = f"heartbeatSeconds of {deployment.name} must be {limit}, not {seconds:g}"
        raise ConfigurationError(fault)
    return seconds


def _lost(closed: ConnectionClosed) -> LinkLostError:
    """Tell the code of who closed first; an unanswered ping is a loss like a cut cable."""
    theirs, ours = closed.rcvd, closed.sent
    if theirs is not None and (ours is None or closed.rcvd_then_sent):
        return LinkLostError(code=theirs.code, reason=theirs.reason)
    if ours is not None and theirs is None and ours.code == CLOSED:
        # Our farewell was not answered: what the peer sent before may not have arrived.
        return LinkLostError(code=NO_CLOSE_FRAME, reason="unanswered close")
    if ours is not None and ours.reason != _NO_PONG:
        return LinkLostError(code=ours.code, reason=ours.reason)
    return LinkLostError(code=NO_CLOSE_FRAME, reason="" if ours is None else _NO_PONG)


def _failure_class(failure: BaseException) -> str:
    if isinstance(failure, InvalidMessage) and failure.__cause__ is not None:
        # What broke off the answer says more than that it is none.
        return _failure_class(failure.__cause__)
    if _REFUSED in str(failure):
        return "refused"
    return next((name for kind, name in _FAILURES if isinstance(failure, kind)), "handshake")
