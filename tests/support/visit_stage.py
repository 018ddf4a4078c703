"""One session and those who visit it, on virtual time, with a simulator that answers.

Every port may be told to fail, or to let something happen just before its n-th call: so a lost race
is written down instead of hoped for.
"""

import functools
import json
from asyncio import Task, create_task
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from inspect import iscoroutinefunction
from typing import Any, Final, cast

from service.bootstrap import Assembly, assemble
from service.config import LocalSettings
from service.domain.budget import line_of, slot_of
from service.domain.deployment import Deployment, PlatformCredentials
from service.domain.drafts import Draft, accepted, received
from service.domain.errors import PlatformUnavailableError
from service.domain.ids import ClientId, DeploymentName, EventId, ListenerName, MessageId
from service.domain.log import LogEvent
from service.domain.message import Author, AuthorKind, Message, MessageStatus, SendBody
from service.domain.send import PendingSend
from service.domain.session import Lock, Session
from service.guest.codec import encode
from service.guest.outgoing import outgoing_message
from service.guest.requests import ConfigureSession
from service.ports import Link, Ports
from service.simulator.control import Control
from service.simulator.deployments import DEFAULT_DEPLOYMENT_ID, Bot
from service.simulator.deployments import Deployment as SimulatedDeployment
from service.simulator.knobs import Knobs
from service.simulator.state import WorldConfig
from service.usecases.claim_files import claims
from service.usecases.log_writer import open_writer
from service.usecases.visit import Inbox, LeaveAsked, Stay
from service.usecases.visit.desk import Desk
from tests.support.store_builders import TENANT, a_session
from tests.support.virtual_broker import VirtualBroker, virtual_broker
from tests.support.virtual_time import VirtualClock, run_virtual

LISTENER: Final = ListenerName("own_listener")
NAME: Final = DeploymentName("shop")

Happening = Callable[[], Awaitable[object]]


def on_virtual_time(story: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Make a plain test of a story."""

    @functools.wraps(story)
    def test(*arguments: object, **named: object) -> None:
        run_virtual(story(*arguments, **named))

    return test


class Watched:
    """A port that counts its calls, and lets things happen before some of them."""

    def __init__(self, port: object) -> None:
        self._port = port
        self._happenings: dict[tuple[str, int], Happening] = {}
        self.calls: Counter[str] = Counter()

    def before(self, name: str, happening: Happening, *, nth: int = 1) -> None:
        """Let it happen just before the n-th call from now."""
        self._happenings[name, self.calls[name] + nth] = happening

    def fail(self, name: str, *errors: Exception) -> None:
        """Raise these, one a call, from the next call on."""
        for nth, error in enumerate(errors, start=1):
            self.before(name, functools.partial(_raise, error), nth=nth)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method of any port
        method = getattr(self._port, name)
        if not iscoroutinefunction(method):
            return method

        async def watched(*arguments: object, **named: object) -> object:
            self.calls[name] += 1
            happening = self._happenings.pop((name, self.calls[name]), None)
            if happening is not None:
                await happening()
            return await method(*arguments, **named)

        return watched


async def _raise(error: Exception) -> None:
    raise error


@dataclass
class WatchedLink:
    """A link that remembers what was sent on it, and when."""

    link: Link
    clock: VirtualClock
    sent: list[tuple[float, dict[str, Any]]]
    fails: dict[str, Exception]
    heard: list[str] = field(default_factory=list)

    async def send(self, text: str) -> None:
        frame: dict[str, Any] = json.loads(text)
        self.sent.append((self.clock.now(), frame))
        error = self.fails.pop(frame["action"], None)
        if error is not None:
            await self.link.close()
            raise error
        await self.link.send(text)

    async def receive(self) -> str:
        text = await self.link.receive()
        self.heard.append(text)
        return text

    async def close(self) -> None:
        await self.link.close()


@dataclass
class WatchedSockets:
    """Opens links; `denied` are raised first, `fails` names actions whose write fails."""

    ports: Ports
    clock: VirtualClock
    sent: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)
    denied: deque[Exception] = field(default_factory=deque)
    opened: int = 0
    heard: list[str] = field(default_factory=list)
    """Every frame that came, on whichever link."""

    async def open(self, deployment: Deployment) -> Link:
        self.opened += 1
        if self.denied:
            raise self.denied.popleft()
        link = await self.ports.sockets.open(deployment)
        return WatchedLink(link, self.clock, self.sent, self.fails, self.heard)


@dataclass
class ScriptedPlatform:
    """Answers which conversation a message belongs to, one answer a question; then nothing."""

    clock: VirtualClock
    answers: deque[tuple[str, str | None] | PlatformUnavailableError | None] = field(
        default_factory=deque
    )
    asked: list[float] = field(default_factory=list)
    about: list[str] = field(default_factory=list)
    hangs: bool = False

    async def conversation_of(
        self,
        deployment: Deployment,
        credentials: PlatformCredentials,
        *,
        body_id: str,
        afresh: bool = False,
    ) -> tuple[str, str | None] | None:
        self.asked.append(self.clock.now())
        self.about.append(body_id)
        if self.hangs:
            await self.clock.sleep(3600)
        answer = self.answers.popleft() if self.answers else None
        if isinstance(answer, PlatformUnavailableError):
            raise answer
        return answer


@dataclass(kw_only=True)
class Stage:
    """Everything a story may look at or turn."""

    broker: VirtualBroker
    assembly: Assembly
    ports: Ports
    sessions: Watched
    lanes: Watched
    shards: Watched
    history: Watched
    budgets: Watched
    login: Watched
    wires: WatchedSockets
    platform: ScriptedPlatform

    @property
    def clock(self) -> VirtualClock:
        return self.broker.clock

    @property
    def control(self) -> Control:
        return self.broker.simulator.control

    @property
    def now(self) -> float:
        return self.broker.clock.now()

    async def deploy(self, **changes: Any) -> Deployment:  # noqa: ANN401 - fields of Deployment
        """The deployment with those changes; made where it is not there."""
        wanted = Deployment(
            tenant=TENANT,
            name=NAME,
            deployment_id=DEFAULT_DEPLOYMENT_ID,
            endpoint="http://genesys.test",
        )
        version = changes.pop("version", None)
        return await self.ports.tenants.put_deployment(
            replace(wanted, **changes), expected_version=version, idempotency=None
        )

    async def deploy_now(self) -> Deployment:
        """The deployment as it is."""
        return await self.ports.tenants.deployment(TENANT, NAME)

    async def made(self, **changes: Any) -> Session:  # noqa: ANN401 - fields of Session
        """A session that was just accepted."""
        fields: dict[str, Any] = {
            "shard": 0,
            "client_id": ClientId(self.ports.ids.uuid()),
            "created_at": self.now,
            "updated_at": self.now,
        }
        session = a_session(**(fields | changes))
        await self.ports.sessions.create(
            session, events=[], sends=[], idempotency=None, may_replace=None
        )
        return session

    async def load(self, session: Session) -> Session:
        return await self.ports.sessions.load(session.id)

    async def accept(self, session: Session, text: str, **changes: Any) -> PendingSend:  # noqa: ANN401 - fields of PendingSend
        """A caller's message, made durable by another process: nobody is hinted."""
        return await self.accept_body(session, SendBody(text=text), **changes)

    async def accept_body(self, session: Session, body: SendBody, **changes: Any) -> PendingSend:  # noqa: ANN401 - fields of PendingSend
        """The same of any message; its files are taken for it."""
        ids = self.ports.ids
        message_id = MessageId(ids.ulid("msg"))
        draft = accepted(session, message_id=message_id, body=body, at=self.now)
        event = await self._placed(session, draft)
        send = PendingSend(
            session_id=session.id,
            sequence=event.sequence,
            message_id=message_id,
            tracing_id=ids.uuid(),
            metadata_id=ids.uuid(),
            body=body,
            accepted_at=self.now,
        )
        send = replace(send, **changes)
        files = await claims(self.broker.ports.attachments, send, at=self.now)
        await self.broker.ports.sessions.accept(event, send, None, attachments=files)
        return send

    async def use_up(self, *, most: int, slots: int = 1) -> None:
        """Other processes open so many connections in this slot and the next ones."""
        line = line_of(await self.ports.tenants.deployment(TENANT, NAME))
        now = slot_of(self.now)
        for slot in range(now, now + slots):
            taken = await self.ports.budgets.take(line, slot, most, most=most)
            assert taken.granted, "somebody was faster"

    async def foreign(self, session: Session, text: str, *, key: str | None = None) -> None:
        """A message that another writer logs."""
        message = Message(
            id=MessageId(self.ports.ids.ulid("msg")),
            session_id=session.id,
            sequence=0,
            incarnation=session.incarnation,
            author=Author(kind=AuthorKind.AGENT),
            text=text,
            content=(),
            status=MessageStatus.CONFIRMED,
            occurred_at=self.now,
            created_at=self.now,
        )
        keys = frozenset({key or f"b:{text}"})
        draft = received(message, keys=keys, channel_time=self.now)
        await self.broker.ports.sessions.append(await self._placed(session, draft))

    async def _placed(self, session: Session, draft: Draft) -> LogEvent:
        tail = await self.broker.ports.sessions.tail(session.id, limit=1)
        return draft.at_place(
            session,
            sequence=tail[-1].sequence + 1 if tail else 1,
            event_id=EventId(self.ports.ids.ulid("evt")),
            at=self.now,
        )

    async def attend(self, session: Session, *, seconds: float = 25.0) -> None:
        """What a request does: until nothing waits to be sent any more."""

        async def satisfied() -> bool:
            return not await self.ports.sessions.open_sends(session.id)

        until = self.clock.monotonic() + seconds
        await self.assembly.attend(session.id, until=until, satisfied=satisfied)

    async def reconcile(self, session: Session, *, seconds: float = 30.0) -> None:
        """What the sweeper does."""
        until = self.clock.monotonic() + seconds
        await self.assembly.attend.reconcile(session.id, until=until)

    async def visit(self, session: Session, **stay: Any) -> None:  # noqa: ANN401 - fields of Stay
        """One visit under the lock, whatever comes of it."""
        lock = Lock(token="lck_test", until=self.now + 35)
        await self.ports.sessions.take_lock(await self.load(session), lock, now=self.now)
        until = self.clock.monotonic() + stay.pop("seconds", 20.0)
        wanted = Stay(writer=lock.token, listener=False, until=until, **stay)
        try:
            await self.assembly.visit(session.id, wanted, Inbox())
        finally:
            await self.ports.sessions.release_lock(session.id, lock.token)

    @asynccontextmanager
    async def held(self, session: Session, *, settle: float = 8.0) -> AsyncIterator[Inbox]:
        """A listener's visit under way; it lets go at the end."""
        inbox = Inbox()
        task = self.begin(session, inbox)
        await self.clock.sleep(settle)
        try:
            yield inbox
        finally:
            inbox.put(LeaveAsked())
            await task

    def begin(self, session: Session, inbox: Inbox, **stay: Any) -> "Task[None]":  # noqa: ANN401 - fields of Stay
        """A listener's visit as a task."""
        wanted = Stay(writer=LISTENER, listener=True, **stay)
        return create_task(self.assembly.visit(session.id, wanted, inbox))

    async def desk(self, session: Session) -> Desk:
        """A listener's desk before anything has happened: for a part of the visit alone."""
        stored = await self.load(session)
        tools = self.assembly.visit.tools
        return Desk(
            tools=tools,
            stay=Stay(writer=LISTENER, listener=True),
            inbox=Inbox(),
            session=stored,
            deployment=await tools.facts.deployment(stored.tenant, stored.deployment),
            writer=await open_writer(self.ports, stored),
            sends={},
            dormant_seconds=self.assembly.visit.dormant_seconds,
        )

    async def chatted(self, *texts: str, **changes: Any) -> Session:  # noqa: ANN401 - fields of Session
        """A session in which the guest said those things; let go, its guest session lives on."""
        session = await self.made(**changes)
        for text in texts or ("Hello",):
            await self.accept(session, text)
        await self.attend(session)
        self.wires.sent.clear()
        return await self.load(session)

    async def write_as_guest(self, session: Session, send: PendingSend) -> None:
        """Let the frame of that send arrive, on a link that nobody here knows of."""
        deployment = await self.ports.tenants.deployment(session.tenant, session.deployment)
        link = await self.broker.ports.sockets.open(deployment)
        token = session.client_id
        configure = ConfigureSession(token=token, deployment_id=deployment.deployment_id)
        message = outgoing_message(
            token=token, tracing_id=send.tracing_id, metadata_id=send.metadata_id, body=send.body
        )
        for request in (configure, message):
            await link.send(encode(request))
        await self.clock.sleep(0.1)
        await link.close()

    async def log(self, session: Session) -> list[LogEvent]:
        page = await self.ports.sessions.read_log(session.id, after=0, limit=5000)
        return list(page.events)

    async def types(self, session: Session) -> list[str]:
        return [event.type.value for event in await self.log(session)]

    async def texts(self, session: Session) -> list[str]:
        """What was received, in order."""
        return [
            event.data["message"]["text"]
            for event in await self.log(session)
            if event.type.value == "message.received"
        ]

    async def of(self, session: Session, kind: str) -> list[dict[str, Any]]:
        """The data of every event of that type."""
        return [dict(e.data) for e in await self.log(session) if e.type.value == kind]

    def frames(self, action: str) -> list[dict[str, Any]]:
        """What was written with that action, in order."""
        return [frame for _, frame in self.wires.sent if frame["action"] == action]

    def times(self, action: str) -> list[float]:
        """When it was written."""
        return [at for at, frame in self.wires.sent if frame["action"] == action]

    def arrived(self) -> list[str]:
        """The texts that reached Genesys, repeats included."""
        found = self.control.transcript()
        return [str(m["text"]) for m in found if m["direction"] == "Inbound" and m["text"]]

    def say(self, session: Session, text: str, **more: Any) -> None:  # noqa: ANN401 - as the verb
        """The agent speaks."""
        self.control.say(session.client_id, text, **more)


@functools.cache
def _settings(dormant_seconds: float | None) -> LocalSettings:
    return LocalSettings(shards=4, dormant_seconds=dormant_seconds)


@asynccontextmanager
async def staged(
    *,
    knobs: dict[str, Any] | None = None,
    simulated: dict[str, Any] | None = None,
    dormant_seconds: float | None = None,
    **deployment: Any,  # noqa: ANN401 - fields of Deployment
) -> AsyncIterator[Stage]:
    """A stage with a silent simulator and the deployment `shop`."""
    limits: dict[str, Any] = {"idle_close_seconds": 0, "max_age_seconds": 0} | (knobs or {})
    there: dict[str, Any] = {"bot": Bot.SILENT} | (simulated or {})
    config = WorldConfig(deployments=(SimulatedDeployment(**there),), knobs=Knobs(**limits))
    async with virtual_broker(config) as broker:
        sessions, lanes = Watched(broker.ports.sessions), Watched(broker.ports.lanes)
        shards, history = Watched(broker.ports.shards), Watched(broker.ports.guest_rest)
        budgets, login = Watched(broker.ports.budgets), Watched(broker.ports.login)
        wires = WatchedSockets(broker.ports, broker.clock)
        platform = ScriptedPlatform(broker.clock)
        ports = replace(
            broker.ports,
            sessions=cast("Any", sessions),
            lanes=cast("Any", lanes),
            shards=cast("Any", shards),
            guest_rest=cast("Any", history),
            budgets=cast("Any", budgets),
            login=cast("Any", login),
            sockets=wires,
            platform=platform,
        )
        stage = Stage(
            broker=broker,
            assembly=assemble(_settings(dormant_seconds), ports),
            ports=ports,
            sessions=sessions,
            lanes=lanes,
            shards=shards,
            history=history,
            budgets=budgets,
            login=login,
            wires=wires,
            platform=platform,
        )
        await stage.deploy(**deployment)
        yield stage
