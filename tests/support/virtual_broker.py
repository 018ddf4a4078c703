"""A whole broker on virtual time: embedded table, simulator in process, no socket, no thread."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from service.adapters.bell import InProcessBell
from service.adapters.cipher import AesCipher
from service.adapters.ed25519 import Ed25519Signer
from service.adapters.embedded import open_embedded
from service.adapters.embedded.driver import EmbeddedDriver
from service.adapters.embedded.hints import InProcessHints
from service.adapters.system import OwnListener
from service.bootstrap import Assembly, assemble
from service.config import LocalSettings
from service.domain.attachment import Upload
from service.domain.deployment import Deployment, PlatformCredentials
from service.domain.errors import (
    FileTransferError,
    HistoryUnavailableError,
    LinkDeniedError,
    LinkLostError,
    PlatformUnavailableError,
)
from service.ports import Link, Ports, WebhookAnswer
from service.simulator.in_process import (
    ConnectionEndedError,
    HandshakeDeniedError,
    InProcessConnection,
    InProcessSimulator,
)
from service.simulator.state import WorldConfig
from service.simulator.system import seeded
from service.simulator.world import World
from tests.support.simulated_login import SimulatedLogin
from tests.support.virtual_time import FakeIds, InlineExecutor, VirtualClock


@dataclass(frozen=True)
class SimulatedLink:
    """The Link port over a connection of the simulator."""

    connection: InProcessConnection

    async def send(self, text: str) -> None:
        try:
            await self.connection.send(text)
        except ConnectionEndedError as ended:
            raise LinkLostError(code=ended.code, reason=ended.reason) from ended

    async def receive(self) -> str:
        try:
            return await self.connection.recv()
        except ConnectionEndedError as ended:
            raise LinkLostError(code=ended.code, reason=ended.reason) from ended

    async def close(self) -> None:
        await self.connection.close()


@dataclass(frozen=True)
class SimulatedGenesys:
    """GuestSockets, GuestRest and Platform over the simulator."""

    simulator: InProcessSimulator

    async def open(self, deployment: Deployment) -> Link:
        try:
            connection = await self.simulator.connect(deployment.socket_url(), {})
        except HandshakeDeniedError as denied:
            told = denied.headers.get("retry-after")
            wait = None if told is None else float(told)
            raise LinkDeniedError(status=denied.status, retry_after_seconds=wait) from denied
        return SimulatedLink(connection)

    async def history(self, deployment: Deployment, *, jwt: str, page: int, page_size: int) -> str:
        path = f"/api/v2/webmessaging/messages?pageSize={page_size}&pageNumber={page}"
        status, headers, body = await self.simulator.http(
            "GET", deployment.rest_base() + path, {"Authorization": f"bearer {jwt}"}, b""
        )
        if status != 200:
            told = headers.get("retry-after")
            wait = None if told is None else float(told)
            raise HistoryUnavailableError(status=status, retry_after_seconds=wait)
        return body.decode()

    async def configuration(self, deployment: Deployment) -> str:
        return await self._public(deployment, "config.json")

    async def domains(self, deployment: Deployment) -> str:
        return await self._public(deployment, "domains.json")

    async def _public(self, deployment: Deployment, file: str) -> str:
        path = f"/webdeployments/v1/deployments/{deployment.deployment_id}/{file}"
        status, _, body = await self.simulator.http("GET", deployment.config_base() + path, {}, b"")
        if status != 200:
            raise PlatformUnavailableError(what="the configuration", status=status)
        return body.decode()

    async def put(
        self, deployment: Deployment, upload: Upload, *, file_type: str, body: bytes
    ) -> None:
        headers = {**upload.headers, "content-type": file_type}
        status, _, _ = await self.simulator.http("PUT", upload.url, headers, body)
        if status != 200:
            raise FileTransferError(status=status)

    async def copy(
        self, deployment: Deployment, source: str, upload: Upload, *, file_type: str, size: int
    ) -> None:
        status, _, body = await self.simulator.http("GET", source, {}, b"")
        if status != 200:
            raise FileTransferError(status=status)
        await self.put(deployment, upload, file_type=file_type, body=body)

    async def conversation_of(
        self,
        deployment: Deployment,
        credentials: PlatformCredentials,
        *,
        body_id: str,
        afresh: bool = False,
    ) -> tuple[str, str | None] | None:
        return None


@dataclass(frozen=True)
class Received:
    """What a caller's endpoint got: URL, headers, body of each POST, in order."""

    posts: "list[tuple[str, Mapping[str, str], bytes]]" = field(default_factory=list)

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> WebhookAnswer:
        self.posts.append((url, dict(headers), body))
        return WebhookAnswer(status=204)


@dataclass(frozen=True, kw_only=True)
class VirtualBroker:
    """Everything a story needs."""

    assembly: Assembly
    hints: InProcessHints
    simulator: InProcessSimulator
    received: Received
    clock: VirtualClock
    driver: EmbeddedDriver
    """Of the table that all processes share."""

    @property
    def ports(self) -> Ports:
        return self.assembly.ports


@asynccontextmanager
async def virtual_broker(
    config: WorldConfig | None = None, *, seed: int = 1
) -> AsyncIterator[VirtualBroker]:
    """A broker that lives on virtual time. Inside `run_virtual` only."""
    clock = VirtualClock()
    simulator = InProcessSimulator(World(config or WorldConfig(), seeded(seed)), clock)
    genesys = SimulatedGenesys(simulator)
    table = open_embedded(
        None, cipher=AesCipher(bytes(32)), clock_now=clock.now, executor=InlineExecutor()
    )
    hints = InProcessHints(clock)
    received = Received()
    ports = Ports(
        clock=clock,
        ids=FakeIds(seed, now=clock.now),
        sessions=table.sessions,
        shards=table.shards,
        lanes=table.lanes,
        tenants=table.tenants,
        budgets=table.budgets,
        healths=table.healths,
        attempts=table.attempts,
        timeline=table.timeline,
        tenant_log=table.tenant_log,
        replays=table.replays,
        drifts=table.drifts,
        attachments=table.attachments,
        hints=hints,
        bell=InProcessBell(clock),
        sockets=genesys,
        guest_rest=genesys,
        guest_files=genesys,
        platform=genesys,
        login=SimulatedLogin(simulator),
        signer=Ed25519Signer(),
        webhook_http=received,
        starter=OwnListener(),
    )
    assembly = assemble(LocalSettings(shards=4), ports)
    yield VirtualBroker(
        assembly=assembly,
        hints=hints,
        simulator=simulator,
        received=received,
        clock=clock,
        driver=table.driver,
    )
    await simulator.aclose()
    await table.close()
