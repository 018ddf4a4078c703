"""A whole delivery on virtual time: receivers with minds, couriers fed by hints, the sweeper.

What the receivers saw and what the table has goes to `delivery_checker` afterwards.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Final, TypeAlias, cast

from service.domain.endpoint import Endpoint, EndpointState
from service.domain.health import Stamp, forgotten
from service.domain.ids import EndpointId, LogId, ReplayId, SessionId, log_of
from service.domain.log import EventType, LogEvent
from service.domain.session import Session
from service.domain.told import Stage, with_told
from service.ports import DuePage, Ports, WebhookAnswer
from service.usecases.attend import Attend
from service.usecases.follow_notices import FollowNotices
from service.usecases.start_listeners import StartListeners
from service.usecases.sweep import Sweep
from service.webhook.envelope import event_bytes
from tests.support.delivery_checker import Attempt, Case, Lane, Logged, Pair, Standing, findings
from tests.support.delivery_checker import Endpoint as Promised
from tests.support.lane_world import OK, SECRET, TENANT, CrashError, CrashPlan, Fields, LaneWorld

RECEIVED: Final = EventType.MESSAGE_RECEIVED
SWEEP_SECONDS: Final = 60.0

Fate: TypeAlias = Callable[[], Sequence[float]]
"""Draws what becomes of a hint: how much later than wished it comes, once, twice or never."""


def promptly() -> Sequence[float]:
    return (0.0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How a receiver answers, and how long it takes."""

    answer: WebhookAnswer = OK
    takes: float = 0.0


Mind: TypeAlias = Callable[[float], Reply]
"""What a receiver does with a request, given the seconds since the story began."""
WELL: Final = Reply()


def scripted(*answers: WebhookAnswer, then: Reply = WELL) -> Mind:
    """Answers one after the other, then always the same."""
    waiting = iter(answers)

    def mind(_: float) -> Reply:
        answer = next(waiting, None)
        return then if answer is None else Reply(answer=answer, takes=then.takes)

    return mind


async def _nothing() -> None:
    """Nobody watches."""


class _NoListeners:
    """Nobody starts listeners here."""

    staff = None

    async def __call__(self) -> int:
        return 0


class HintLine:
    """Hints on their way to the couriers."""

    def __init__(self, fate: Fate) -> None:
        self._fate = fate
        self._timers: set[asyncio.TimerHandle] = set()
        self.arrived: asyncio.Queue[tuple[EndpointId, LogId, int]] = asyncio.Queue()
        self.replays: asyncio.Queue[tuple[ReplayId, int, int]] = asyncio.Queue()

    async def session(self, session_id: SessionId, shard: int) -> None:
        pass

    async def typing(self, session_id: SessionId, shard: int, *, at: float) -> None:
        pass

    async def lane(
        self, endpoint_id: EndpointId, session_id: LogId, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        loop = asyncio.get_running_loop()
        for more in self._fate():
            hint = (endpoint_id, session_id, hops)
            self._timers.add(loop.call_later(delay + more, self.arrived.put_nowait, hint))
        self._timers = {timer for timer in self._timers if timer.when() >= loop.time()}

    async def replay(
        self, replay_id: ReplayId, strand: int, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        loop = asyncio.get_running_loop()
        hint = (replay_id, strand, hops)
        self._timers.add(loop.call_later(delay, self.replays.put_nowait, hint))

    def lose_all(self) -> None:
        """As the process dies that kept them."""
        for timer in self._timers:
            timer.cancel()
        while not self.arrived.empty():
            self.arrived.get_nowait()
        while not self.replays.empty():
            self.replays.get_nowait()


@dataclass(slots=True, kw_only=True)
class Yard:
    """One world with its couriers. `plans`: how each of the first couriers dies."""

    world: LaneWorld
    line: HintLine
    couriers: int = 1
    plans: list[CrashPlan] = field(default_factory=list)
    one_process: bool = False
    """Hints die with the courier."""
    refuses: Callable[[str], WebhookAnswer | None] = lambda _: None
    """How every receiver answers to that one event, if not as it would."""
    watch: Callable[[], Awaitable[None]] = _nothing
    """Called as each request arrives."""
    minds: dict[str, Mind] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    heard: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    """What each endpoint was told about others and took."""
    replayers: int = 0
    replayed: list[Attempt] = field(default_factory=list)
    """What came with a replay. Of those who run them the first die by plans, and no courier."""
    taken: set[tuple[str, str]] = field(default_factory=set)
    """Endpoint and event, of each that was answered with 2xx."""
    deaths: dict[Pair, list[float]] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    promised: dict[str, Promised] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    logs: dict[str, list[LogEvent]] = field(default_factory=dict)

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> WebhookAnswer:
        """The receivers' end of the wire."""
        name = url.rpartition("/")[2]
        await self.watch()
        begun = self.world.clock.now()
        reply = self.minds[name](self.world.clock.monotonic())
        if reply.takes:
            await self.world.clock.sleep(min(reply.takes, timeout_seconds))
        answer = self.refuses(headers["webhook-id"]) or reply.answer
        if reply.takes > timeout_seconds:
            answer = WebhookAnswer(status=None, error="timeout")
        if not self._is_logged(headers["webhook-id"]):
            if answer.status is not None and 200 <= answer.status <= 299:
                self.heard.setdefault(name, []).append(json.loads(body))
            return answer
        asked = answer.retry_after
        if answer.status is not None and 200 <= answer.status <= 299:
            self.taken.add((name, headers["webhook-id"]))
        asked = answer.retry_after
        seen = self.replayed if "broker-replay" in headers else self.attempts
        seen.append(
            Attempt(
                endpoint=name,
                session=self._session_of(headers["webhook-id"]),
                at=begun,
                ended=self.world.clock.now(),
                headers=headers,
                body=body,
                status=answer.status,
                retry_after=None if asked is None else float(asked),
            )
        )
        return answer

    def _session_of(self, event_id: str) -> str:
        return next(
            name for name, log in self.logs.items() for event in log if event.id == event_id
        )

    def _is_logged(self, event_id: str) -> bool:
        """Whether it is an event of a session."""
        return any(event.id == event_id for log in self.logs.values() for event in log)

    async def endpoint(
        self, name: str, mind: Mind, *, within: float | None = None, **fields: Fields
    ) -> Endpoint:
        """A receiver and its endpoint."""
        self.minds[name] = mind
        url = f"https://receiver.example/{name}"
        made = await self.world.endpoint(name, url=url, **fields)
        self.endpoints[name] = made
        self.promised[name] = Promised(
            secret=SECRET, rate=made.rate_limit, places=made.max_concurrency, within=within
        )
        return made

    async def session(self, name: str, *, events: int = 0) -> Session:
        """A chat in which so much was said already."""
        made = await self.world.session(name)
        self.sessions[name], self.logs[name] = made, []
        for _ in range(events):
            await self.say(name)
        return made

    async def say(self, name: str) -> None:
        """One event more, and the hints that follow it."""
        log = self.logs[name]
        log += await self.world.append(self.sessions[name], RECEIVED, first=len(log) + 1)
        for endpoint in self.endpoints.values():
            now = await self.world.table.tenants.endpoint(endpoint.id)
            if now.state is EndpointState.ACTIVE:
                await self.line.lane(endpoint.id, self.sessions[name].id)

    async def open(self, name: str) -> None:
        """Its owner enables an endpoint, whatever closed it."""
        closed = await self.world.table.tenants.endpoint(EndpointId(name))
        health = await self.world.table.healths.health(EndpointId(name))
        now = self.world.clock.now()
        told = with_told(health.told, Stage.DISABLED, log=None, now=now)
        anew = forgotten(health, Stamp(by=f"owner-{health.version}", at=now), told)
        if anew is not None:
            await self.world.table.healths.change_health(EndpointId(name), health, anew)
        await self.world.change(
            closed.id,
            state=EndpointState.ACTIVE,
            disabled_reason=None,
            openings=closed.openings + 1,
        )
        self._changed(name)
        for session in self.sessions.values():
            await self.line.lane(EndpointId(name), session.id)

    def _changed(self, name: str) -> None:
        before = self.promised[name]
        self.promised[name] = replace(before, changed=(*before.changed, self.world.clock.now()))

    async def finish(self, *, within: float) -> None:
        """Wait until nothing is left to deliver, at most so long."""
        ends = self.world.clock.monotonic() + within
        while self.world.clock.monotonic() < ends and (
            await self._behind() or await self._behind_notices()
        ):
            # The table is asked no more often than the sweeper asks it: stories are told often.
            soon = self.world.clock.monotonic() + SWEEP_SECONDS
            while self.world.clock.monotonic() < soon and not self._all_taken():
                await self.world.clock.sleep(5)
            await self.world.clock.sleep(1)

    def _all_taken(self) -> bool:
        return len(self.taken) == len(self.endpoints) * sum(map(len, self.logs.values()))

    async def _behind(self) -> list[Pair]:
        """Lanes of open endpoints that are not at the end of their log."""
        found = []
        for endpoint_id in self.endpoints:
            now = await self.world.table.tenants.endpoint(EndpointId(endpoint_id))
            for name, log in self.logs.items():
                lane = await self.world.table.lanes.lane(now.id, SessionId(name))
                if now.state is EndpointState.ACTIVE and (lane.cursor if lane else 0) < len(log):
                    found.append((endpoint_id, name))
        return found

    async def _behind_notices(self) -> Sequence[str]:
        """Open endpoints that do not know all they asked to be told."""
        end = (await self.world.table.tenant_log.read(TENANT, after=0, limit=1)).last_sequence
        found = []
        for endpoint in self.endpoints.values():
            lane = await self.world.table.lanes.lane(endpoint.id, log_of(TENANT))
            now = await self.world.table.tenants.endpoint(endpoint.id)
            listens = now.state is EndpointState.ACTIVE and now.wants(EventType.WEBHOOK_FAILING)
            if listens and (lane.cursor if lane else 0) < end:
                found.append(endpoint.id)
        return found

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Couriers and the sweeper."""
        tasks = [asyncio.create_task(self._courier(number)) for number in range(self.couriers)]
        tasks += [asyncio.create_task(self._replayer(number)) for number in range(self.replayers)]
        tasks.append(asyncio.create_task(self._sweeper()))
        try:
            yield
            for task in tasks:
                if task.done():
                    await task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _courier(self, number: int) -> None:
        mortal = not self.replayers and number < len(self.plans)
        plan = self.plans[number] if mortal else CrashPlan()
        while True:
            endpoint_id, session_id, hops = await self.line.arrived.get()
            try:
                await self.world.courier(plan)(endpoint_id, session_id, hops=hops)
            except CrashError:
                now = self.world.clock.now()
                self.deaths.setdefault((endpoint_id, str(session_id)), []).append(now)
                plan = CrashPlan()
                if self.one_process:
                    self.line.lose_all()

    async def _replayer(self, number: int) -> None:
        plan = self.plans[number] if number < len(self.plans) else CrashPlan()
        while True:
            replay_id, strand, hops = await self.line.replays.get()
            try:
                await self.world.replayer(plan)(replay_id, strand, hops=hops)
            except CrashError:
                plan = CrashPlan()
                self.line.lose_all()

    async def _sweeper(self) -> None:
        """The broker's own for due lanes; and as the visit of a marked session does."""
        sweep = Sweep(
            ports=cast(
                "Ports",
                SimpleNamespace(
                    clock=self.world.clock,
                    lanes=self.world.table.lanes,
                    replays=self.world.table.replays,
                    hints=self.line,
                    sessions=_NoSessions(),
                ),
            ),
            attend=cast("Attend", None),
            start_listeners=cast("StartListeners", _NoListeners()),
            follow_notices=FollowNotices(
                tenant_log=self.world.table.tenant_log,
                tenants=self.world.table.tenants,
                lanes=self.world.table.lanes,
                hints=self.line,
            ),
        )
        while True:
            await self.world.clock.sleep(SWEEP_SECONDS)
            await sweep()
            for endpoint_id, session_id in await self._behind():
                await self.line.lane(EndpointId(endpoint_id), SessionId(session_id))

    async def case(self, **more: Any) -> Case:  # noqa: ANN401 - fields of Case
        """What the checker judges."""
        lanes: dict[Pair, Lane] = {}
        for endpoint in self.endpoints.values():
            now = await self.world.table.tenants.endpoint(endpoint.id)
            for name, session in self.sessions.items():
                lane = await self.world.table.lanes.lane(endpoint.id, session.id)
                lanes[endpoint.id, name] = Lane(
                    events=[
                        Logged(
                            sequence=event.sequence,
                            id=event.id,
                            body=event_bytes(event),
                            at=event.at,
                        )
                        for event in self.logs[name]
                        if endpoint.wants(event.type)
                    ],
                    standing=Standing(
                        cursor=lane.cursor if lane else 0,
                        gap=lane.gap if lane else None,
                        due_at=lane.due_at if lane else None,
                        looked_after=now.state is EndpointState.ACTIVE,
                        reason=now.disabled_reason,
                    ),
                    deaths=self.deaths.get((endpoint.id, name), ()),
                )
        return Case(
            endpoints=self.promised,
            lanes=lanes,
            attempts=sorted(self.attempts, key=lambda attempt: attempt.at),
            scale=self.world.retry_scale,
            **more,
        )

    async def judged(self, **more: Any) -> list[str]:  # noqa: ANN401 - fields of Case
        """What is wrong."""
        return findings(await self.case(**more))


class _NoSessions:
    """No session is due: `_sweeper` stands for their visits."""

    async def due_sessions(
        self, *, before: float, limit: int, after: object | None = None
    ) -> DuePage[tuple[SessionId, int]]:
        return DuePage(items=(), rest=None)


def yard(*, seed: int = 0, scale: float = 1.0, fate: Fate = promptly, **fields: Fields) -> Yard:
    """An empty one."""
    world, line = LaneWorld(retry_scale=scale, seed=seed), HintLine(fate)
    made = Yard(world=world, line=line, **fields)
    world.wire, world.hint_line = made, line
    return made
