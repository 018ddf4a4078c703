"""The simulator as a server: one port for the socket, REST, the public files and the control API.

It must not decide anything: it carries events to the world and outputs to the wires.
"""

import asyncio
import ssl
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from service.simulator.control import Control
from service.simulator.events import (
    Accept,
    CloseConnection,
    Deny,
    Event,
    GoSilent,
    HttpReply,
    HttpRequested,
    Output,
    RequestId,
    ResetConnection,
    SendFrame,
    StartTimer,
)
from service.simulator.pump import Pump
from service.simulator.state import WorldConfig
from service.simulator.system import SystemClock, seeded
from service.simulator.wire import Wire
from service.simulator.world import World

LEAVING: Final = 1001
BACKLOG: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Files of a TLS certificate and its key."""

    chain: Path
    key: Path


class SimulatorServer:
    """A running simulator: `async with SimulatorServer() as sim: sim.ws_url, sim.control`."""

    def __init__(
        self,
        config: WorldConfig | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        """Prepare a world; port 0 takes a free port when the server starts.

        Without a seed every run makes other ids, so that a client which keeps its data over a
        restart of the simulator never meets the id of another message.
        """
        clock = SystemClock()
        world = World(config or WorldConfig(), seeded(seed))
        self._pump = Pump(world, now=clock.now, wake_at=self._wake_at, carry_out=self._carry_out)
        self._clock = clock
        self._host, self._port = host, port
        self._certificate = certificate
        self._numbers = count(1)
        self._wires: dict[int, Wire] = {}
        self._asking: dict[RequestId, Wire] = {}
        self._server: asyncio.Server | None = None
        self._waker: asyncio.TimerHandle | None = None
        self.control = Control(self._pump.order)

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        context = _tls(self._certificate)
        scheme = "https" if context else "http"
        self._server = await loop.create_server(
            lambda: Wire(self, scheme=scheme),
            self._host,
            self._port,
            ssl=context,
            backlog=BACKLOG,
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every socket with 1001, and stop listening."""
        if self._waker is not None:
            self._waker.cancel()
        if self._server is not None:
            self._server.close()
        for wire in tuple(self._wires.values()):
            wire.close(LEAVING, "Going away")
        await self._clock.sleep(0)
        for wire in tuple(self._wires.values()):
            wire.hang_up()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    @property
    def origin(self) -> str:
        """The address for HTTP, without a path: `http://127.0.0.1:PORT`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._certificate else 'http'}://{host}:{self._port}"

    @property
    def ws_url(self) -> str:
        """The address of the socket, without a query: `ws://127.0.0.1:PORT/v1`."""
        return self.origin.replace("http", "ws", 1) + "/v1"

    def feed(self, event: Event) -> None:
        """Let the world handle an event (for the wires)."""
        self._pump.feed(event)

    def ask(self, wire: Wire, request: HttpRequested) -> None:
        """Let the world answer a request (for the wires)."""
        self._asking[request.request] = wire
        self._pump.feed(request)

    def number(self) -> int:
        """Return the next number (for the wires)."""
        return next(self._numbers)

    def plug(self, wire: Wire) -> None:
        """Note an open connection (for the wires)."""
        self._wires[wire.id] = wire

    def unplug(self, wire: Wire) -> None:
        """Note a lost connection (for the wires)."""
        self._wires.pop(wire.id, None)

    def _wake_at(self, at: float) -> None:
        if self._waker is not None:
            self._waker.cancel()
        wait = max(0.0, at - self._clock.now())
        self._waker = asyncio.get_running_loop().call_later(wait, self._pump.fire_due)

    def _carry_out(self, output: Output) -> None:
        if isinstance(output, HttpReply):
            self._asking.pop(output.request).reply(output)
        elif not isinstance(output, StartTimer) and output.conn in self._wires:
            _do(self._wires[output.conn], output)


def _do(
    wire: Wire,
    output: Accept | Deny | SendFrame | CloseConnection | ResetConnection | GoSilent,
) -> None:
    match output:
        case Accept():
            wire.accept()
        case Deny(status=status, headers=headers):
            wire.deny(status, headers)
        case SendFrame(text=text):
            wire.send(text)
        case CloseConnection(code=code, reason=reason):
            wire.close(code, reason)
        case ResetConnection():
            wire.reset()
        case GoSilent():
            wire.go_silent()


def _tls(certificate: Certificate | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    return context
