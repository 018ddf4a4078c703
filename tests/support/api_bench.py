"""The REST API over the embedded table in memory; visit and webhook receiver do as told.

Time jumps: whoever waits moves the clock.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Final, cast

import httpx2
from fastapi import FastAPI

from service.adapters.cipher import AesCipher
from service.adapters.ed25519 import Ed25519Signer
from service.adapters.embedded import EmbeddedTable, open_embedded
from service.bootstrap.requests import broker_of
from service.bootstrap.shared import Shared
from service.config import ListenerSettings
from service.domain.access import ApiKey
from service.domain.attachment import Upload
from service.domain.deployment import Deployment
from service.domain.drafts import Draft, confirmed, failed, received
from service.domain.errors import (
    BlockedTargetError,
    LinkLostError,
    NotFoundError,
    PlatformUnavailableError,
)
from service.domain.events import Event
from service.domain.given import Fresh, Given, SendIds
from service.domain.ids import (
    ClientId,
    DeploymentName,
    EndpointId,
    EventId,
    LogId,
    MessageId,
    ReplayId,
    SessionId,
    TenantName,
)
from service.domain.lifecycle import decide
from service.domain.log import EventType
from service.domain.message import Author, AuthorKind, Failure, Message, MessageStatus
from service.domain.send import PendingSend
from service.domain.session import Ended, EndedBy, EndMode, PublicState, Session, State
from service.domain.trace import Trace
from service.ports import Link, Ports, SendChange, WebhookAnswer
from service.usecases.attend import Attend
from service.usecases.authenticate import EnsureAdminKey
from service.usecases.broker import Broker
from service.usecases.change import ChangeSession
from service.usecases.create_session import CreateRequest
from service.usecases.facts import Facts
from service.usecases.idempotency import Ticket
from service.usecases.known_endpoints import KnownEndpoints
from service.usecases.logbook import Logbook
from service.usecases.note_drift import NoteDrift
from service.usecases.post_event import PostEvent
from service.usecases.waiting import Patience
from service.usecases.watch_clock import WatchClock
from tests.support.budgets import admitting
from tests.support.shared_app import application, serving
from tests.support.simulated_login import ScriptedLogin
from tests.support.virtual_time import FakeIds, InlineExecutor

EPOCH: Final = 1_900_000_000.0
ADMIN: Final = "the-admin-key-of-the-bench"
DEPLOYMENT: Final = "shop"
SHARDS: Final = 4


class JumpingClock:
    """Time that moves when somebody waits."""

    def __init__(self) -> None:
        self.at = EPOCH

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at - EPOCH

    async def sleep(self, seconds: float) -> None:
        self.at += seconds
        await asyncio.sleep(0)

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[Any]:
        return asyncio.timeout(None)


class JumpingBell:
    """A bell on that clock; `during_wait` is what happens while somebody waits."""

    def __init__(self, clock: JumpingClock) -> None:
        self.clock = clock
        self.rung: list[SessionId] = []
        self.typed: dict[SessionId, float] = {}
        self.during_wait: Callable[[], Awaitable[None]] | None = None

    def ring(self, session_id: SessionId) -> None:
        self.rung.append(session_id)

    async def wait(self, session_id: SessionId, seconds: float) -> None:
        await self.clock.sleep(seconds)
        if self.during_wait is not None:
            during, self.during_wait = self.during_wait, None
            await during()

    def typing(self, session_id: SessionId) -> None:
        self.typed[session_id] = self.clock.now()

    def last_typing(self, session_id: SessionId) -> float | None:
        return self.typed.get(session_id)


class KeptHints:
    """Hints that are only kept."""

    def __init__(self) -> None:
        self.sessions: list[SessionId] = []
        self.lanes: list[tuple[EndpointId, LogId, float]] = []
        self.replays: list[tuple[ReplayId, int, float]] = []

    async def session(self, session_id: SessionId, shard: int) -> None:
        self.sessions.append(session_id)

    async def typing(self, session_id: SessionId, shard: int, *, at: float) -> None: ...

    async def lane(
        self, endpoint_id: EndpointId, session_id: LogId, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        self.lanes.append((endpoint_id, session_id, delay))

    async def replay(
        self, replay_id: ReplayId, strand: int, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        self.replays.append((replay_id, strand, delay))


class KeptPosts:
    """A receiver of webhooks that answers as told."""

    def __init__(self) -> None:
        self.answer = WebhookAnswer(status=204, seconds=0.01)
        self.echoes = False
        """Whether a challenge comes back, on top of that answer."""
        self.posted: list[tuple[str, Mapping[str, str], bytes]] = []

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> WebhookAnswer:
        self.posted.append((url, headers, body))
        challenge = json.loads(body)["data"].get("challenge") if self.echoes else None
        return self.answer if challenge is None else replace(self.answer, body=challenge.encode())


class Visitor:
    """Attends to sessions as a visit would, from what it was told to do."""

    def __init__(self, bench: "Bench") -> None:
        self.bench = bench
        self.opens = True
        self.settles = True
        self.clears = True
        self.refuses_to_clear = False
        self.failure: Failure | None = None
        self.replies: list[str] = []
        self.typing_sent = True
        self.visits: list[tuple[SessionId, float]] = []
        self.before: Callable[[SessionId], Awaitable[None]] | None = None

    async def __call__(
        self, session_id: SessionId, *, until: float, satisfied: Callable[[], Awaitable[bool]]
    ) -> None:
        self.visits.append((session_id, until))
        if self.before is not None:
            await self.before(session_id)
        await self._visit(session_id)
        while not await satisfied() and self.bench.clock.monotonic() < until:
            await self.bench.clock.sleep(0.25)

    async def typing(self, session_id: SessionId, *, until: float) -> bool:
        return self.typing_sent

    async def _visit(self, session_id: SessionId) -> None:
        try:
            session = await self.bench.table.sessions.load(session_id)
        except NotFoundError:
            return
        if session.public is PublicState.OPENING and self.opens:
            session = await self.bench.move(session, State.LIVE, EventType.SESSION_OPENED)
        if session.state is State.CLEARING and self.refuses_to_clear:
            session = await self.bench.put(session.id, State.LIVE)
        if session.state is State.CLEARING and self.clears:
            session = await self.bench.move(session, State.LIVE, EventType.SESSION_REPLACED)
        if session.state is State.ENDING and self.clears:
            await self.bench.end(session, EndMode.CLEAR, verified=True)
        if self.settles:
            await self.settle(session)
        for text in self.replies:
            await self.bench.reply(session, text)
        self.replies = []

    async def settle(self, session: Session) -> None:
        """Bring every open send to its end."""
        for send in await self.bench.table.sessions.open_sends(session.id):
            message = self.bench.message_of(session, send)
            at = self.bench.clock.now()
            draft = (
                confirmed(message, occurred_at=at, keys=frozenset(), recovered=False)
                if self.failure is None
                else failed(message, self.failure)
            )
            await self.bench.append(session, draft, settles=send)


@dataclass(slots=True)
class Bench:
    """Everything a test may look at or turn."""

    table: EmbeddedTable
    clock: JumpingClock
    bell: JumpingBell
    ids: FakeIds
    hints: KeptHints = field(default_factory=KeptHints)
    posts: KeptPosts = field(default_factory=KeptPosts)
    watch: WatchClock = field(default_factory=WatchClock)
    logbook: Logbook = field(init=False)
    visitor: Visitor = field(init=False)
    broker: Broker = field(init=False)
    app: FastAPI = field(init=False)
    http: httpx2.AsyncClient = field(init=False)
    blocked: set[str] = field(default_factory=set)
    login: ScriptedLogin = field(default_factory=ScriptedLogin)

    async def change(
        self, session_id: SessionId, event: Event, *, trace: Trace | None = None
    ) -> Session:
        """Let an event happen by the real transition table."""
        session = await self.table.sessions.load(session_id)
        deployment = await self.table.tenants.deployment(session.tenant, session.deployment)
        ids = SendIds(message_id=MessageId("msg_j"), tracing_id="t", metadata_id="m")
        given = Given(
            now=self.clock.now(),
            deployment=deployment,
            fresh=Fresh(client_id=ClientId(self.ids.uuid()), join=ids, recap=ids),
            jitter=0.5,
        )
        decision = decide(replace(session, trace=trace or session.trace), event, given)
        first = await self._end_of(session_id) + 1
        events = [
            draft.at_place(
                decision.session,
                sequence=place,
                event_id=EventId(self.ids.ulid("evt")),
                at=self.clock.now(),
            )
            for place, draft in enumerate(decision.drafts, start=first)
        ]
        return await self.table.sessions.commit(session, decision.session, events=events)

    async def move(self, session: Session, state: State, kind: EventType) -> Session:
        """Put the session into a state, with an event of that type."""
        number = session.incarnation + (kind is EventType.SESSION_REPLACED)
        after = replace(
            session, state=state, incarnation=number, opened_at=self.clock.now(), joined=True
        )
        return await self._commit(session, after, kind)

    async def end(self, session: Session, mode: EndMode, *, verified: bool) -> Session:
        """End the session."""
        end = Ended(
            by=EndedBy.CALLER,
            resumable=False,
            at=self.clock.now(),
            mode=mode,
            verified=verified,
        )
        after = replace(session, state=State.ENDED, ended=end)
        return await self._commit(session, after, EventType.SESSION_ENDED)

    async def put(self, session_id: str, state: State, **changes: object) -> Session:
        """Put a session into a state, silently."""
        session = await self.table.sessions.load(SessionId(session_id))
        return await self.table.sessions.commit(session, _changed(session, state, changes))

    async def reply(
        self,
        session: Session,
        text: str,
        *,
        kind: AuthorKind = AuthorKind.AGENT,
        content: Sequence[Mapping[str, Any]] = (),
        body_id: str | None = None,
    ) -> MessageId:
        """Let the agent say something."""
        now = self.clock.now()
        message = Message(
            id=MessageId(self.ids.ulid("msg")),
            session_id=session.id,
            sequence=0,
            incarnation=session.incarnation,
            author=Author(kind=kind, name="Ann"),
            text=text,
            content=content,
            status=MessageStatus.CONFIRMED,
            occurred_at=now,
            created_at=now,
        )
        keys = frozenset() if body_id is None else frozenset({f"b:{body_id}", "c:another"})
        await self.append(session, received(message, keys=keys, channel_time=now))
        return message.id

    async def append(
        self, session: Session, draft: Draft, *, settles: PendingSend | None = None
    ) -> None:
        """One event at the log's end."""
        event = draft.at_place(
            session,
            sequence=await self._end_of(session.id) + 1,
            event_id=EventId(self.ids.ulid("evt")),
            at=self.clock.now(),
        )
        sends = [] if settles is None else [SendChange(before=settles, after=None)]
        await self.table.sessions.append(event, sends=sends)

    def message_of(self, session: Session, send: PendingSend) -> Message:
        """The message of an open send."""
        return Message(
            id=send.message_id,
            session_id=session.id,
            sequence=send.sequence,
            incarnation=session.incarnation,
            author=Author(kind=AuthorKind.GUEST),
            text=send.body.text,
            content=(),
            status=MessageStatus.ACCEPTED,
            occurred_at=send.accepted_at,
            created_at=send.accepted_at,
        )

    def check_url(self, url: str) -> object:
        """Block what a test named."""
        if url in self.blocked:
            raise BlockedTargetError(reason="private")
        return url

    async def key(self, *scopes: str, tenant: str | None = None) -> dict[str, str]:
        """Headers of a new key."""
        body: dict[str, Any] = {"name": "made by a test", "scopes": list(scopes)}
        if tenant is not None:
            body["tenant"] = tenant
        made = await self.http.post("/v1/api-keys", json=body)
        assert made.status_code == 201, made.text
        return {"authorization": f"Bearer {made.json()['key']}"}

    async def caller(self) -> ApiKey:
        """The admin key as the use cases get it."""
        return await self.broker.authenticate(ADMIN)

    def patience(self, seconds: float = 5.0) -> Patience:
        """Of a request that arrives now."""
        return Patience(arrived=self.clock.monotonic(), seconds=seconds)

    def ticket(self, key: str = "k", *, request_hash: str = "h") -> Ticket:
        """One use of an Idempotency-Key."""
        return Ticket(
            tenant=TenantName("default"), key=key, request_hash=request_hash, at=self.clock.now()
        )

    async def made(self, **wanted: Any) -> SessionId:  # noqa: ANN401 - fields of CreateRequest
        """A new session, without HTTP."""
        answer = await self.broker.create_session(await self.wish(**wanted))
        assert answer.body is not None
        return SessionId(answer.body["id"])

    async def wish(self, **wanted: Any) -> CreateRequest:  # noqa: ANN401 - fields of CreateRequest
        """A request for a new session."""
        fields: dict[str, Any] = {
            "key": await self.caller(),
            "deployment": DeploymentName(DEPLOYMENT),
            "patience": self.patience(),
        }
        return CreateRequest(**(fields | wanted))

    async def session(self, **body: object) -> dict[str, Any]:
        """A new session."""
        made = await self.http.post("/v1/sessions", json={"deployment": DEPLOYMENT, **body})
        assert made.status_code == 201, made.text
        answer: dict[str, Any] = made.json()
        return answer

    async def count_sessions(self) -> int:
        """How many sessions the table holds."""
        answer = await self.http.get("/v1/sessions?limit=200")
        return len(answer.json()["items"])

    async def log_length(self, session_id: str) -> int:
        """The log's end."""
        return await self._end_of(SessionId(session_id))

    async def _commit(self, before: Session, after: Session, kind: EventType) -> Session:
        event = Draft(type=kind).at_place(
            after,
            sequence=await self._end_of(before.id) + 1,
            event_id=EventId(self.ids.ulid("evt")),
            at=self.clock.now(),
        )
        return await self.table.sessions.commit(before, after, events=[event])

    async def _end_of(self, session_id: SessionId) -> int:
        last = await self.table.sessions.tail(session_id, limit=1)
        return last[-1].sequence if last else 0


def _changed(session: Session, state: State, changes: Mapping[str, Any]) -> Session:
    return replace(session, state=state, **changes)


@asynccontextmanager
async def open_bench(*, allow_endpoint: bool = True, serving: bool = True) -> AsyncIterator[Bench]:
    """The API, ready, with the admin key and one deployment."""
    clock = JumpingClock()
    table = open_embedded(
        None, cipher=AesCipher(bytes(32)), clock_now=clock.now, executor=InlineExecutor()
    )
    bench = Bench(table=table, clock=clock, bell=JumpingBell(clock), ids=FakeIds(now=clock.now))
    bench.logbook = Logbook(timeline=table.timeline, clock=clock)
    bench.visitor = Visitor(bench)
    bench.broker = _broker(bench, allow_endpoint=allow_endpoint)
    await EnsureAdminKey(tenants=table.tenants, clock=clock)(ADMIN)
    await table.tenants.put_deployment(
        Deployment(
            tenant=TenantName("default"),
            name=DeploymentName(DEPLOYMENT),
            deployment_id="d-1",
            domain="example.com",
            created_at=EPOCH,
            updated_at=EPOCH,
        ),
        expected_version=None,
        idempotency=None,
    )
    try:
        if serving:
            async with _served(bench):
                yield bench
        else:
            yield bench
    finally:
        await table.close()


@asynccontextmanager
async def _served(bench: Bench) -> AsyncIterator[None]:
    bench.app = application()
    transport = httpx2.ASGITransport(app=serving(bench.broker), raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {ADMIN}"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://broker", headers=headers
    ) as http:
        bench.http = http
        yield


def _broker(bench: Bench, *, allow_endpoint: bool) -> Broker:
    """What production wires, over what this bench has; a port that no test needs is not there."""
    table, clock = bench.table, bench.clock
    ports = cast("Ports", SimpleNamespace(**_table_of(table), **_outside_of(bench)))
    post_event = PostEvent(
        clock=clock, signer=Ed25519Signer(), webhook_http=bench.posts, watch=bench.watch
    )
    settings = SimpleNamespace(
        shards=SHARDS,
        allow_endpoint=allow_endpoint,
        allow_domains=("example.com", "example.org"),
        webhook_allow=(),
    )
    shared = Shared(
        settings=cast("ListenerSettings", settings),
        ports=ports,
        facts=cast("Facts", table.tenants),
        attend=cast("Attend", bench.visitor),
        change=cast("ChangeSession", bench.change),
        post_event=post_event,
        endpoints=KnownEndpoints(clock=clock, tenants=table.tenants),
        admit=admitting(clock, table.budgets),
        drift=NoteDrift(clock=clock, store=table.drifts),
        logbook=bench.logbook,
    )
    broker = broker_of(shared)
    return replace(broker, webhooks=replace(broker.webhooks, check_url=bench.check_url))


def _table_of(table: EmbeddedTable) -> dict[str, object]:
    stores = ("sessions", "tenants", "attachments", "lanes", "attempts", "healths", "replays")
    others = ("shards", "budgets", "drifts", "timeline")
    return {name: getattr(table, name) for name in (*stores, *others)}


def _outside_of(bench: Bench) -> dict[str, object]:
    return {
        "clock": bench.clock,
        "ids": bench.ids,
        "bell": bench.bell,
        "hints": bench.hints,
        "guest_rest": NoGenesys(),
        "sockets": NoGenesys(),
        "guest_files": KeptFiles(),
        "platform": None,
        "login": bench.login,
    }


class KeptFiles:
    """Uploads that arrive nowhere."""

    async def put(
        self, deployment: Deployment, upload: Upload, *, file_type: str, body: bytes
    ) -> None:
        pass

    async def copy(
        self, deployment: Deployment, source: str, upload: Upload, *, file_type: str, size: int
    ) -> None:
        pass


class NoGenesys:
    """Public files of a domain that does not exist."""

    async def configuration(self, deployment: Deployment) -> str:
        raise PlatformUnavailableError(what="the configuration", status=None, failure="dns")

    async def domains(self, deployment: Deployment) -> str:
        raise PlatformUnavailableError(what="the domains", status=None, failure="dns")

    async def open(self, deployment: Deployment) -> Link:
        raise LinkLostError(code=1006, reason="dns")
