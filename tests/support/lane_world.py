"""A courier's world without a network: the embedded table, a scripted receiver, a box of hints.

Runs on the virtual clock. `crash_at` makes the n-th call of any port fail, before or after it has
had its effect.
"""

import json
import math
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from service.adapters.ed25519 import Ed25519Signer
from service.adapters.embedded.opening import EmbeddedTable, open_embedded
from service.domain.endpoint import Endpoint, Lane, SigningSecret
from service.domain.ids import (
    ClientId,
    DeploymentName,
    EndpointId,
    EventId,
    LogId,
    ReplayId,
    SessionId,
    TenantName,
)
from service.domain.log import EventType, LogEvent
from service.domain.notice import Notice, disabled
from service.domain.replay import Range, Replay, ReplayState, Tally, first_strands
from service.domain.session import Session, State
from service.ports import Hints, WebhookAnswer, WebhookHttp
from service.usecases.deliver_lane import DeliverLane
from service.usecases.disable_endpoint import DisableEndpoint
from service.usecases.endpoint_gate import EndpointGate
from service.usecases.keep_lane import KeepLane
from service.usecases.keep_strand import KeepStrand
from service.usecases.known_endpoints import KnownEndpoints
from service.usecases.logs import Logs
from service.usecases.moot_hints import MootHints
from service.usecases.post_event import PostEvent
from service.usecases.read_lane import ReadLane
from service.usecases.read_strand import ReadStrand
from service.usecases.record_attempt import RecordAttempt
from service.usecases.replay_gate import ReplayGate
from service.usecases.run_replay import RunReplay
from service.usecases.tell_owner import TellOwner
from service.usecases.wake_replays import WakeReplays
from service.usecases.weigh_failure import WeighFailure
from service.usecases.weigh_replay import WeighReplay
from tests.support.virtual_time import FakeIds, InlineExecutor, VirtualClock

TENANT: Final = TenantName("acme")
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OK: Final = WebhookAnswer(status=200)

Fields: TypeAlias = Any
"""Whatever the value has; the dataclass refuses a name that it does not know."""


class CrashError(Exception):
    """The process died here."""


class PlainCipher:
    """Keeps text as it is."""

    def encrypt(self, text: str, *, context: str) -> str:
        return text

    def decrypt(self, text: str, *, context: str) -> str:
        return text


@dataclass(slots=True)
class CrashPlan:
    """Counts calls of ports and fails at the n-th."""

    at: int | None = None
    after_effect: bool = False
    names: list[str] = field(default_factory=list)
    """Of the calls so far."""
    fired: bool = False

    def around(self, port: object) -> Any:  # noqa: ANN401 - stands for any port
        """The port, with every call counted."""
        return _Counted(port, self)

    async def call(self, name: str, action: Callable[[], Awaitable[object]]) -> object:
        if self.fired:
            raise CrashError  # the dead do nothing more
        self.names.append(name)
        if len(self.names) != self.at:
            return await action()
        self.fired = True
        if self.after_effect:
            await action()
        raise CrashError


class _Counted:
    def __init__(self, port: object, crashes: CrashPlan) -> None:
        self._port = port
        self._crashes = crashes

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method of any port
        method = getattr(self._port, name)

        async def counted(*args: object, **kwargs: object) -> object:
            return await self._crashes.call(name, lambda: method(*args, **kwargs))

        return counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """One request that reached the receiver."""

    at: float
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def sequence(self) -> int:
        return int(json.loads(self.body)["data"]["sequence"])


@dataclass(slots=True)
class Receiver:
    """Answers from the script, then with `reply`; keeps every request and whether it was taken."""

    clock: VirtualClock
    script: deque[WebhookAnswer] = field(default_factory=deque)
    reply: WebhookAnswer = OK
    takes: float = 0.0
    posts: list[Posted] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    on_post: Callable[[], Awaitable[object]] | None = None

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> WebhookAnswer:
        posted = Posted(at=self.clock.now(), url=url, headers=headers, body=body)
        self.posts.append(posted)
        if self.on_post is not None:
            await self.on_post()
        if self.takes:
            await self.clock.sleep(self.takes)
        answer = self.script.popleft() if self.script else self.reply
        if answer.status is not None and 200 <= answer.status < 300 and b"sequence" in body:
            self.taken.append(posted.sequence)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    endpoint_id: EndpointId
    session_id: LogId
    due: float
    delay: float
    hops: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StrandHint:
    replay_id: ReplayId
    strand: int
    due: float
    hops: int


@dataclass(slots=True)
class HintBox:
    """Keeps hints instead of sending them."""

    clock: VirtualClock
    lanes: list[Hint] = field(default_factory=list)
    replays: list[StrandHint] = field(default_factory=list)

    async def session(self, session_id: SessionId, shard: int) -> None:
        pass

    async def typing(self, session_id: SessionId, shard: int, *, at: float) -> None:
        pass

    async def lane(
        self, endpoint_id: EndpointId, session_id: LogId, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        due = self.clock.now() + delay
        self.lanes.append(
            Hint(endpoint_id=endpoint_id, session_id=session_id, due=due, delay=delay, hops=hops)
        )

    async def replay(
        self, replay_id: ReplayId, strand: int, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        due = self.clock.now() + delay
        self.replays.append(StrandHint(replay_id=replay_id, strand=strand, due=due, hops=hops))


class LaneWorld:
    """One tenant, one session with events 1..n, and endpoints as a test wants them."""

    def __init__(self, *, retry_scale: float = 1.0, seed: int = 0) -> None:
        self.clock = VirtualClock()
        self.ids = FakeIds(seed, now=self.clock.now)
        self.table: EmbeddedTable = open_embedded(
            None, cipher=PlainCipher(), clock_now=self.clock.now, executor=InlineExecutor()
        )
        self.receiver = Receiver(self.clock)
        self.hints = HintBox(self.clock)
        self.wire: WebhookHttp = self.receiver
        self.hint_line: Hints = self.hints
        self.retry_scale = retry_scale

    def courier(self, crashes: CrashPlan | None = None) -> DeliverLane:
        """A courier whose ports fail as planned."""
        plan = crashes or CrashPlan()
        lanes, tenants = plan.around(self.table.lanes), plan.around(self.table.tenants)
        hints = plan.around(self.hint_line)
        gate = self._gate(plan)
        tell_owner = self.tell_owner(plan)
        return DeliverLane(
            clock=self.clock,
            ids=self.ids,
            lanes=lanes,
            tenants=tenants,
            keep=KeepLane(clock=self.clock, ids=self.ids, lanes=lanes, hints=hints),
            reader=ReadLane(
                clock=self.clock,
                logs=Logs(
                    sessions=plan.around(self.table.sessions),
                    tenant_log=plan.around(self.table.tenant_log),
                ),
                lanes=lanes,
                moot=MootHints(clock=self.clock),
            ),
            post_event=PostEvent(
                clock=self.clock, signer=Ed25519Signer(), webhook_http=plan.around(self.wire)
            ),
            record=RecordAttempt(
                clock=self.clock, ids=self.ids, attempts=plan.around(self.table.attempts)
            ),
            gate=gate,
            weigh_failure=WeighFailure(
                clock=self.clock, gate=gate, tell_owner=tell_owner, retry_scale=self.retry_scale
            ),
            tell_owner=tell_owner,
            retry_scale=self.retry_scale,
        )

    def replayer(self, crashes: CrashPlan | None = None) -> RunReplay:
        """The same for strands of replays."""
        plan, scale = crashes or CrashPlan(), self.retry_scale
        replays, tenants = plan.around(self.table.replays), plan.around(self.table.tenants)
        gate = self._gate(plan)
        return RunReplay(
            clock=self.clock,
            replays=replays,
            reader=ReadStrand(
                clock=self.clock,
                sessions=plan.around(self.table.sessions),
                replays=replays,
                tenants=tenants,
                healths=plan.around(self.table.healths),
            ),
            keep=KeepStrand(
                clock=self.clock, ids=self.ids, replays=replays, hints=plan.around(self.hint_line)
            ),
            gate=ReplayGate(clock=self.clock, gate=gate, scale=scale),
            post_event=PostEvent(
                clock=self.clock, signer=Ed25519Signer(), webhook_http=plan.around(self.wire)
            ),
            record=RecordAttempt(
                clock=self.clock, ids=self.ids, attempts=plan.around(self.table.attempts)
            ),
            weigh=WeighReplay(clock=self.clock, gate=gate, scale=scale),
            disable=DisableEndpoint(
                clock=self.clock, tenants=tenants, tell_owner=self.tell_owner(plan)
            ),
        )

    def tell_owner(self, crashes: CrashPlan | None = None) -> TellOwner:
        """Who tells of endpoints, through ports that fail as planned."""
        plan = crashes or CrashPlan()
        tenants = plan.around(self.table.tenants)
        return TellOwner(
            clock=self.clock,
            ids=self.ids,
            healths=plan.around(self.table.healths),
            endpoints=KnownEndpoints(clock=self.clock, tenants=tenants),
            hints=plan.around(self.hint_line),
        )

    def _gate(self, plan: CrashPlan) -> EndpointGate:
        hints = plan.around(self.hint_line)
        wake = WakeReplays(replays=plan.around(self.table.replays), hints=hints)
        return EndpointGate(
            clock=self.clock,
            ids=self.ids,
            healths=plan.around(self.table.healths),
            lanes=plan.around(self.table.lanes),
            hints=hints,
            probe_scale=self.retry_scale,
            also_wake=wake.after_ramp,
        )

    async def replay(
        self, endpoint: Endpoint, *, strands: int = 2, due: float = 0.0, **wanted: Fields
    ) -> Replay:
        """A new replay of everything, unless told otherwise, each strand due then."""
        now = self.clock.now()
        asked = Range(**{"until": now, **wanted})
        made = Replay(
            id=ReplayId(self.ids.ulid("rpl")),
            endpoint_id=endpoint.id,
            tenant=TENANT,
            range=asked,
            strands=1 if asked.session_id else strands,
            unfinished=1 if asked.session_id else strands,
            created_at=now,
            updated_at=now,
        )
        first = first_strands(made, due_at=now + due)
        return await self.table.replays.create(made, first, idempotency=None)

    async def replay_now(self, made: Replay) -> Replay:
        """The replay as the table has it."""
        found = await self.table.replays.replay(made.endpoint_id, made.id)
        assert found is not None
        return found

    async def tally(self, made: Replay) -> Tally:
        """What its strands counted."""
        total = Tally()
        for strand in await self.table.replays.strands_of(made.id):
            total = total.plus(strand.tally)
        return total

    async def follow_strands(self, made: Replay, *, most: int = 1000) -> Replay:
        """Serve the hints for its strands, each when it is due, until it is over.

        What is left to the sweeper is looked at when it is due.
        """
        replayer = self.replayer()
        while (now := await self.replay_now(made)).state is ReplayState.OPEN and most:
            most -= 1
            if not self.hints.replays:
                due = (await self.table.replays.due_strands(before=math.inf, limit=100)).items
                for one in due:
                    delay = max(0.0, one.due_at - self.clock.now())
                    await self.hints.replay(one.replay_id, one.number, delay=delay)
            hint = min(self.hints.replays, key=lambda each: each.due)
            self.hints.replays.remove(hint)
            await self.clock.sleep(max(0.0, hint.due - self.clock.now()))
            await replayer(hint.replay_id, hint.strand, hops=hint.hops)
        return now

    async def endpoint(self, name: str = "whk_1", **fields: Fields) -> Endpoint:
        """A new endpoint that takes everything, unless told otherwise."""
        now = self.clock.now()
        made = Endpoint(
            id=EndpointId(name),
            tenant=TENANT,
            url="https://receiver.example/hook",
            event_types=("*",),
            secrets=(SigningSecret(secret=SECRET),),
            created_at=now,
            updated_at=now,
        )
        return await self.table.tenants.put_endpoint(
            replace(made, **fields), expected_version=None, idempotency=None
        )

    async def change(self, endpoint_id: EndpointId, **fields: Fields) -> Endpoint:
        """Change an endpoint as the API does."""
        now = await self.table.tenants.endpoint(endpoint_id)
        return await self.table.tenants.put_endpoint(
            replace(now, updated_at=self.clock.now(), **fields),
            expected_version=now.version,
            idempotency=None,
        )

    async def session(self, name: str = "ses_1", **fields: Fields) -> Session:
        """A new session with an empty log."""
        now = self.clock.now()
        made = Session(
            id=SessionId(name),
            tenant=TENANT,
            deployment=DeploymentName("main"),
            external_id=None,
            shard=0,
            state=State.LIVE,
            version=1,
            incarnation=1,
            client_id=ClientId("b7f6c1de-0000-4000-8000-000000000000"),
            created_at=now,
            updated_at=now,
        )
        session = replace(made, **fields)
        await self.table.sessions.create(
            session, events=(), sends=(), idempotency=None, may_replace=None
        )
        return session

    async def append(
        self, session: Session, *kinds: EventType, first: int = 1
    ) -> Sequence[LogEvent]:
        """Append events of those types, from that place on."""
        events = [self.event(session, sequence, kind) for sequence, kind in enumerate(kinds, first)]
        for event in events:
            await self.table.sessions.append(event)
        return events

    def event(self, session: Session, sequence: int, kind: EventType) -> LogEvent:
        return LogEvent(
            id=EventId(self.ids.ulid("evt")),
            session_id=session.id,
            sequence=sequence,
            type=kind,
            at=self.clock.now(),
            incarnation=1,
            data={"sessionId": session.id, "sequence": sequence, "text": f"n {sequence} é"},
        )

    async def tell(self, endpoint: Endpoint) -> Notice:
        """Append to the tenant's log that an endpoint was disabled, and say nothing to anybody."""
        notice = disabled(EventId(self.ids.ulid("evt")), endpoint, at=self.clock.now())
        health = await self.table.healths.health(endpoint.id)
        after = replace(health, version=health.version + 1, by=notice.id)
        await self.table.healths.change_health(endpoint.id, health, after, notice=notice)
        return notice

    async def notices(self) -> Sequence[LogEvent]:
        """What was told so far, in order."""
        return (await self.table.tenant_log.read(TENANT, after=0, limit=100)).events

    async def lane(self, endpoint: Endpoint, session: Session) -> Lane:
        """The lane as the table has it."""
        found = await self.table.lanes.lane(endpoint.id, session.id)
        assert found is not None
        return found

    async def follow_hints(self, *, most: int = 100) -> None:
        """Serve the hints that were left, each when it is due, until there is none."""
        courier = self.courier()
        while self.hints.lanes and most:
            most -= 1
            hint = min(self.hints.lanes, key=lambda each: each.due)
            self.hints.lanes.remove(hint)
            await self.clock.sleep(max(0.0, hint.due - self.clock.now()))
            await courier(hint.endpoint_id, hint.session_id, hops=hint.hops)
