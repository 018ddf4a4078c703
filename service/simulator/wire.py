"""One TCP connection of the simulator: plain HTTP until somebody asks for a WebSocket.

It parses with h11 and with the protocol core of `websockets`, so that a connection can really be
reset, or really be left half-open. It must not know what requests and frames mean.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, Protocol, cast
from urllib.parse import parse_qsl

import h11
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Upgrade
from websockets.protocol import State
from websockets.server import ServerProtocol

from service.simulator.events import (
    ConnectionLost,
    ConnectionRequested,
    ConnId,
    Event,
    FrameReceived,
    HttpReply,
    HttpRequested,
    RequestId,
)
from service.simulator.shapes import encoded

RST_ON_CLOSE: Final = struct.pack("ii", 1, 0)
CLOSE_SECONDS: Final = 5.0


class Switchboard(Protocol):
    """What a TCP connection needs of the server it belongs to."""

    def feed(self, event: Event) -> None:
        """Let the world handle an event."""

    def number(self) -> int:
        """Return the next number for a connection or request."""

    def ask(self, wire: "Wire", request: HttpRequested) -> None:
        """Let the world answer a request of a wire."""

    def plug(self, wire: "Wire") -> None:
        """Note an open connection."""

    def unplug(self, wire: "Wire") -> None:
        """Note that a connection is gone."""


class Wire(asyncio.Protocol):
    """Bytes on one side, events and outputs of the world on the other."""

    def __init__(self, board: Switchboard, *, scheme: str) -> None:
        """Belong to a server that is reached by `http` or `https`."""
        self.id = ConnId(board.number())
        self._board = board
        self._scheme = scheme
        self._transport: asyncio.Transport | None = None
        self._http = h11.Connection(h11.SERVER)
        self._raw = b""
        self._request: h11.Request | None = None
        self._body = b""
        self._asked: RequestId | None = None
        self._socket: ServerProtocol | None = None
        self._upgrade: Upgrade | None = None
        self._parts: list[bytes] = []
        self._silent = False

    # Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # That of uvloop does not descend from asyncio's, so its class tells nothing.
        self._transport = cast("asyncio.Transport", transport)
        self._board.plug(self)

    def connection_lost(self, _: Exception | None) -> None:
        """Tell the world that the connection is gone."""
        self._board.unplug(self)
        self._board.feed(ConnectionLost(conn=self.id))

    def data_received(self, data: bytes) -> None:
        """Parse what came in."""
        if self._silent:
            return
        if self._socket is not None:
            self._read_socket(data)
            return
        self._raw += data
        try:
            self._http.receive_data(data)
            self._read_http()
        except h11.RemoteProtocolError:
            self.hang_up()

    # Outputs of the world.

    def accept(self) -> None:
        """Finish the upgrade."""
        self._answer_upgrade(HTTPStatus.SWITCHING_PROTOCOLS, {})

    def deny(self, status: int, headers: Mapping[str, str]) -> None:
        """Refuse the upgrade."""
        self._answer_upgrade(HTTPStatus(status), headers)

    def send(self, text: str) -> None:
        """Send a text frame."""
        if self._socket is not None and self._socket.state is State.OPEN:
            self._socket.send_text(encoded(text))
            self._flush()

    def close(self, code: int, reason: str) -> None:
        """Close with a close frame; cut the line when the client does not answer it."""
        if self._socket is not None and self._socket.state is State.OPEN:
            self._socket.send_close(code, reason)
            self._flush()
            asyncio.get_running_loop().call_later(CLOSE_SECONDS, self.abort)

    def reset(self) -> None:
        """Cut the line so that the client sees a TCP reset."""
        if self._transport is None or self._transport.is_closing():
            return
        with contextlib.suppress(OSError):
            handle = os.dup(self._transport.get_extra_info("socket").fileno())
            with socket.socket(fileno=handle) as same:
                same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
        self._transport.abort()

    def go_silent(self) -> None:
        """Read nothing and say nothing from now on, but keep TCP open."""
        self._silent = True
        if self._transport is not None:
            self._transport.pause_reading()

    def abort(self) -> None:
        """Cut the line."""
        if self._transport is not None:
            self._transport.abort()

    def hang_up(self) -> None:
        """Close the line once what is written has left; a silent line is cut."""
        if self._transport is not None and not self._silent:
            self._transport.close()
        else:
            self.abort()

    def reply(self, answer: HttpReply) -> None:
        """Answer the HTTP request that is waiting."""
        if answer.request != self._asked or self._transport is None:
            return
        self._asked = None
        headers = [*answer.headers.items(), ("content-length", str(len(answer.body)))]
        self._write(h11.Response(status_code=answer.status, headers=headers))
        if answer.body and not self._asked_for_head():
            self._write(h11.Data(data=answer.body))
        self._write(h11.EndOfMessage())
        if self._http.our_state is h11.MUST_CLOSE:
            self.hang_up()
            return
        self._http.start_next_cycle()
        self._read_http()

    # HTTP.

    def _asked_for_head(self) -> bool:
        return self._request is not None and self._request.method == b"HEAD"

    def _read_http(self) -> None:
        while self._asked is None and self._socket is None:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                self._begin(event)
            elif isinstance(event, h11.Data):
                self._body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._ask()
            else:
                if self._http.they_are_waiting_for_100_continue:
                    self._write(h11.InformationalResponse(status_code=100, headers=[]))
                return

    def _begin(self, request: h11.Request) -> None:
        self._request = request
        self._body = b""
        if _header(request, b"upgrade").lower() == "websocket":
            self._socket = ServerProtocol(max_size=None)
            raw, self._raw = self._raw, b""
            self._read_socket(raw)

    def _ask(self) -> None:
        request, self._raw = self._request, b""
        if request is None:
            return
        path, _, query = request.target.decode("ascii", "replace").partition("?")
        self._asked = RequestId(self._board.number())
        event = HttpRequested(
            request=self._asked,
            method=request.method.decode("ascii"),
            path=path,
            origin=f"{self._scheme}://{_header(request, b'host')}",
            query=dict(parse_qsl(query)),
            headers={name.decode(): value.decode("latin-1") for name, value in request.headers},
            body=self._body,
        )
        self._board.ask(self, event)

    def _write(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data and self._transport is not None:
            self._transport.write(data)

    # WebSocket.

    def _read_socket(self, data: bytes) -> None:
        if self._socket is None:
            return
        self._socket.receive_data(data)
        for event in self._socket.events_received():
            if isinstance(event, Upgrade):
                self._request_upgrade(event)
            elif isinstance(event, Frame):
                self._read_frame(event)
        if not self._silent:
            self._flush()

    def _request_upgrade(self, upgrade: Upgrade) -> None:
        self._upgrade = upgrade
        path, _, query = upgrade.path.partition("?")
        headers = {name.lower(): value for name, value in upgrade.headers.raw_items()}
        event = ConnectionRequested(
            conn=self.id,
            path=path,
            origin=f"{self._scheme}://{headers.get('host', '')}",
            query=dict(parse_qsl(query)),
            headers=headers,
        )
        self._board.feed(event)

    def _answer_upgrade(self, status: HTTPStatus, headers: Mapping[str, str]) -> None:
        if self._socket is None or self._upgrade is None:
            return
        if status is HTTPStatus.SWITCHING_PROTOCOLS:
            response = self._socket.accept(self._upgrade)
        else:
            response = self._socket.reject(status, f"{status.phrase}\n")
            response.headers.update(headers)
        self._socket.send_response(response)
        self._flush()

    def _read_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self._board.feed(ConnectionLost(conn=self.id))
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        self._parts.append(bytes(frame.data))
        if frame.fin:
            whole, self._parts = b"".join(self._parts), []
            self._board.feed(FrameReceived(conn=self.id, text=whole.decode("utf-8", "replace")))

    def _flush(self) -> None:
        if self._socket is None or self._transport is None:
            return
        for data in self._socket.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()


def _header(request: h11.Request, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in request.headers if key == name), "")
