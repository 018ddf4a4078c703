"""`GET /healthz` on a port of its own: whether a supervisor should leave the process alone."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import h11

from service.domain.errors import ConfigurationError

SECONDS: Final = 5.0
"""How long a caller may take for one request."""
CHUNK: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """Whether the process does its work, and what it tells of itself."""

    alive: bool
    facts: Mapping[str, object]


@dataclass(slots=True, kw_only=True)
class Liveness:
    """Answers while the context lasts. 200 when alive, 503 when not."""

    host: str
    port: int
    pulse: Callable[[], Pulse]
    _server: asyncio.Server | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        """Listen. Raises ConfigurationError when that cannot be."""
        try:
            self._server = await asyncio.start_server(self._meet, self.host, self.port)
        except OSError as exc:
            fault = f"BROKER_LIVENESS_PORT: cannot listen on {self.host} port {self.port}: {exc}"
            raise ConfigurationError(fault) from exc
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    @property
    def address(self) -> str:
        """Where it answers."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            async with asyncio.timeout(SECONDS):
                request = await _request(connection, reader)
                if request is not None:
                    writer.write(self._answer(connection, request))
                    await writer.drain()
        except (TimeoutError, OSError, h11.RemoteProtocolError):
            # Too slow, gone, or no HTTP: there is nobody to tell.
            writer.transport.abort()
        finally:
            writer.close()

    def _answer(self, connection: h11.Connection, request: h11.Request) -> bytes:
        status, facts = self._found(request)
        body = json.dumps(facts, separators=(",", ":")).encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),
        ]
        parts: list[h11.Event] = [h11.Response(status_code=status, headers=headers)]
        if request.method != b"HEAD":
            parts.append(h11.Data(data=body))
        return b"".join(connection.send(part) or b"" for part in [*parts, h11.EndOfMessage()])

    def _found(self, request: h11.Request) -> tuple[int, Mapping[str, object]]:
        if request.target.partition(b"?")[0] != b"/healthz":
            return 404, {"status": "not found"}
        if request.method not in {b"GET", b"HEAD"}:
            return 405, {"status": "method not allowed"}
        pulse = self.pulse()
        status = "ok" if pulse.alive else "failing"
        return (200 if pulse.alive else 503), {"status": status, **pulse.facts}


async def _request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """The head of a request; None from who leaves without one. Raises RemoteProtocolError."""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(CHUNK))
            continue
        return event if isinstance(event, h11.Request) else None
