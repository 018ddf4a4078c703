"""A tap on the wire between a client of the Guest API and its server: what went over it, as said.

A TCP relay that reads along: frames of WebSockets with their close codes (RFC 6455, 5.2), and
requests for history. It asks nothing of either side, and knows nothing of the broker.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from tests.support.transcript import Line

HISTORY: Final = "/api/v2/webmessaging/messages"
_HEAD_END: Final = b"\r\n\r\n"
_CHUNK: Final = 65_536


@dataclass(slots=True, kw_only=True)
class Tap:
    """Where clients are to connect, and what was said so far."""

    origin: str = ""
    upstream: tuple[str, int] = ("", 0)
    said: "list[Line]" = field(default_factory=list)
    sockets: int = 0

    def lead_to(self, origin: str) -> None:
        """Relay to that server from now on."""
        host, _, port = origin.removeprefix("http://").partition(":")
        self.upstream = (host, int(port))

    def note(self, who: str, link: int, what: Any) -> None:  # noqa: ANN401 - JSON
        """Write down what was said."""
        self.said.append(Line(who=who, link=link, what=what))


@asynccontextmanager
async def tap() -> AsyncIterator[Tap]:
    """One on a free port of this machine; say `lead_to` before anybody connects."""
    made = Tap()
    relays: set[asyncio.Task[None]] = set()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relays.add(asyncio.current_task())  # type: ignore[arg-type]  # it is a task that runs
        # Streams complain of a handler that was cancelled.
        with suppress(asyncio.CancelledError):
            await _relay(made, reader, writer)

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    made.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        for each in relays:
            each.cancel()
        await asyncio.gather(*relays, return_exceptions=True)


async def _relay(made: Tap, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    onward = await asyncio.open_connection(*made.upstream)
    talk = _Talk(made)
    try:
        await asyncio.gather(
            _pump(reader, onward[1], talk.client), _pump(onward[0], writer, talk.server)
        )
    finally:
        writer.close()
        onward[1].close()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Callable[[bytes], None]
) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            heard(data)
            writer.write(data)
            await writer.drain()
        writer.write_eof()


class _Talk:
    """One TCP connection: HTTP first, then perhaps a WebSocket."""

    def __init__(self, made: Tap) -> None:
        self._tap = made
        self._link = 0
        self._asked = ""
        self._raw = {"C": b"", "S": b""}
        self._is_socket = {"C": False, "S": False}

    def client(self, data: bytes) -> None:
        self._hear("C", data)

    def server(self, data: bytes) -> None:
        self._hear("S", data)

    def _hear(self, who: str, data: bytes) -> None:
        self._raw[who] += data
        while self._frame(who) if self._is_socket[who] else self._message(who):
            pass

    def _message(self, who: str) -> bool:
        """Take one HTTP message off what came; whether it was whole."""
        head, end, rest = self._raw[who].partition(_HEAD_END)
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines[1:])}
        size = int(headers.get("content-length", "0"))
        if not end or len(rest) < size:
            return False
        self._raw[who] = rest[size:]
        if "upgrade" in headers:
            self._upgrade(who)
        elif who == "C":
            self._ask(lines[0].split(" "), headers)
        elif self._asked:
            self._tap.note("S", 0, [int(lines[0].split(" ")[1]), json.loads(rest[:size])])
        return True

    def _upgrade(self, who: str) -> None:
        if who == "C":
            self._tap.sockets += 1
            self._link = self._tap.sockets
        self._is_socket[who] = True

    def _ask(self, request: list[str], headers: dict[str, str]) -> None:
        self._asked = request[1] if request[1].startswith(HISTORY) else ""
        if self._asked:
            self._tap.note("C", 0, f"{request[0]} {request[1]} {headers['authorization']}")

    def _frame(self, who: str) -> bool:
        """Take one frame off what came; whether it was whole."""
        raw = self._raw[who]
        if len(raw) < 2:
            return False
        size, start = raw[1] & 0x7F, 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size, start = int.from_bytes(raw[2 : 2 + width]), 2 + width
        mask, start = (raw[start : start + 4], start + 4) if raw[1] & 0x80 else (bytes(4), start)
        if len(raw) < start + size:
            return False
        self._raw[who] = raw[start + size :]
        payload = bytes(b ^ mask[n % 4] for n, b in enumerate(raw[start : start + size]))
        match raw[0] & 0x0F:
            case 1:
                self._tap.note(who, self._link, json.loads(payload))
            case 8 if who == "C":
                self._tap.note(who, self._link, f"closes {int.from_bytes(payload[:2])}")
        return True
