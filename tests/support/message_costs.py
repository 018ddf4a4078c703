"""What a broker asks of its table and queues in a conversation, counted as AWS would bill it.

On virtual time and the embedded table, which counts units by DynamoDB's rules, indexes and
transactions included. Each process is wired for itself, as functions are. All that goes on anyway
(leases, sweeps) is counted once without the thing in question and taken off.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx2

from service.adapters.bell import InProcessBell
from service.adapters.embedded.hints import InProcessHints
from service.bootstrap import Assembly, assemble
from service.config import LocalSettings
from service.domain.ids import DeploymentName, EndpointId, ListenerName, LogId, ReplayId, SessionId
from service.domain.lease import Term
from service.domain.media import MediaRules
from service.observability import JsonFormatter
from service.ports import Ports
from service.simulator.deployments import Bot, Deployment
from service.simulator.knobs import Knobs
from service.simulator.state import WorldConfig
from service.usecases.authenticate import DEFAULT_TENANT
from service.usecases.serve_hints import ServeHints
from service.usecases.serve_term import ServeTerm
from tests.simulation.test_replacement_story import KEY, furnish
from tests.support.shared_app import serving
from tests.support.virtual_broker import VirtualBroker, virtual_broker

SHARDS: Final = 64
"""Of a broker that is asked nothing; one session is counted where there is one shard."""
WORLD: Final = WorldConfig(
    deployments=(Deployment(bot=Bot.SILENT),),
    knobs=Knobs(idle_close_seconds=0, max_age_seconds=0),
)
WINDOW: Final = 120.0
"""What a message causes is over by then, the end of its work mark included."""
HOUR: Final = 3600.0
QUIET: Final = 1800.0
"""After so long a session is dormant."""
LIFE: Final = 840.0
LINE_OVERHEAD: Final = 26
"""Bytes that CloudWatch adds to each event of a log (API reference, PutLogEvents)."""
SOME: Final = 4
FEW: Final = 2
MANY: Final = 12
PAUSE: Final = 1.5
"""Between two messages: all of them lie within one work mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Units of the table, its calls, and requests to SQS and Lambda."""

    read_units: float = 0
    write_units: float = 0
    calls: float = 0
    """Of the table."""
    transactions: float = 0
    """Among those."""
    hints: float = 0
    """Messages that were put in a queue; each is received and deleted too."""
    couriers: float = 0
    """Invocations."""
    log_bytes: float = field(default=0, compare=False)
    """Of our lines, metrics included, as CloudWatch counts them. Numbers in them differ in length
    from run to run, so two bills are equal without it.
    """

    def __sub__(self, other: "Bill") -> "Bill":
        return Bill(**{name: getattr(self, name) - getattr(other, name) for name in FIELDS})

    def __truediv__(self, by: float) -> "Bill":
        return Bill(**{name: round(getattr(self, name) / by, 3) for name in FIELDS})


FIELDS: Final = tuple(Bill.__dataclass_fields__)


class CountedLog(logging.Handler):
    """Spells each line as functions do, and keeps nothing but its length."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(JsonFormatter("broker"))
        self.written = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.written += len(self.format(record).encode()) + LINE_OVERHEAD

    @classmethod
    @contextmanager
    def listening(cls) -> "Iterator[CountedLog]":
        """To all that our code says."""
        log, handler = logging.getLogger("service"), cls()
        level = log.level
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        try:
            yield handler
        finally:
            log.removeHandler(handler)
            log.setLevel(level)


class CountedHints(InProcessHints):
    """Queues that know how many messages were put in them."""

    sent: int = 0

    async def session(self, session_id: SessionId, shard: int) -> None:
        self.sent += 1
        await super().session(session_id, shard)

    async def lane(
        self, endpoint_id: EndpointId, session_id: LogId, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        self.sent += 1
        await super().lane(endpoint_id, session_id, delay=delay, hops=hops)

    async def replay(
        self, replay_id: ReplayId, strand: int, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        self.sent += 1
        await super().replay(replay_id, strand, delay=delay, hops=hops)


@dataclass(kw_only=True)
class Town:
    """A broker's processes over one table and one contact centre."""

    broker: VirtualBroker
    hints: CountedHints
    settings: LocalSettings
    http: httpx2.AsyncClient
    log: CountedLog
    version: Callable[[Ports], Ports] | None = None
    """What the next processes have in the place of their ports."""
    couriers: int = 0
    members: int = 0
    tasks: "list[asyncio.Task[Any]]" = field(default_factory=list)

    def process(self) -> Assembly:
        """One more, which shares nothing but table and queues."""
        bell = InProcessBell(self.broker.clock)
        ports = replace(self.broker.ports, hints=self.hints, bell=bell)
        return informed(
            assemble(self.settings, ports if self.version is None else self.version(ports))
        )

    def bill(self) -> Bill:
        """So far."""
        meter = self.broker.driver.meter
        return Bill(
            read_units=meter.read_units,
            write_units=meter.write_units,
            calls=sum(meter.calls.values()),
            transactions=meter.calls.get("transact", 0),
            hints=self.hints.sent,
            couriers=self.couriers,
            log_bytes=self.log.written,
        )

    async def call(self, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        """One POST; it must succeed."""
        answer = await self.http.post(path, json=body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def open(self) -> str:
        """A session with its first message; its id."""
        hello = {"deployment": "help", "message": {"text": "Hello"}}
        return str((await self.call("/v1/sessions?wait=10", hello))["id"])

    async def hold(self, *, life: float | None = None) -> None:
        """Start a listener and wait until it has settled."""
        self.members += 1
        now = self.broker.clock.now()
        term = Term(
            name=ListenerName(f"own_{self.members}"),
            shards=self.settings.shards,
            max_links=800,
            generation_seconds=life,
            retires_at=None if life is None else now + life,
        )
        listener = self.process().listener(self.hints.mailboxes, term)
        serve = ServeTerm(clock=self.broker.clock, listener=listener)
        self.tasks.append(asyncio.create_task(serve(asyncio.Event())))
        await self.broker.clock.sleep(20)

    def ends_of(self, seconds: float) -> float:
        """So much later, on the monotonic clock."""
        return self.broker.clock.monotonic() + seconds

    async def until(self, ends: float) -> None:
        """Let time pass."""
        await self.broker.clock.sleep(ends - self.broker.clock.monotonic())

    async def deliver(self) -> None:
        """The queue's trigger, with one courier that stays warm."""
        made = self.process()
        serve = ServeHints(
            clock=self.broker.clock,
            hints=self.hints,
            deliver_lane=made.deliver_lane,
            run_replay=made.run_replay,
        )
        while True:
            if found := await self.hints.deliveries.receive():
                self.couriers += 1
                await serve(found, ends=self.broker.clock.monotonic() + 60)


def informed(made: Assembly) -> Assembly:
    """A process that knows what files are taken: its first session taught it, once in its life."""
    [there] = WORLD.deployments
    rules = MediaRules(
        file_types=there.file_types,
        max_file_size_kb=there.max_file_kb,
        blocked_extensions=there.blocked_extensions,
    )
    made.visit.tools.learn_media.known[DEFAULT_TENANT, DeploymentName("help"), there.id] = rules
    return made


def client(front: Assembly) -> httpx2.AsyncClient:
    """A caller at the door of a process."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=serving(front.broker)),
        base_url="http://broker.test",
        headers={"authorization": f"Bearer {KEY}"},
    )


@asynccontextmanager
async def town(
    *, endpoints: int = 0, dormant: float | None = None, shards: int = 1
) -> AsyncIterator[Town]:
    """A broker with a deployment and so many endpoints that take everything."""
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(virtual_broker(WORLD))
        await furnish(broker)
        hints = CountedHints(broker.clock)
        settings = LocalSettings(shards=shards, dormant_seconds=dormant)
        front = informed(assemble(settings, replace(broker.ports, hints=hints)))
        http = await stack.enter_async_context(client(front))
        log = stack.enter_context(CountedLog.listening())
        made = Town(broker=broker, hints=hints, settings=settings, http=http, log=log)
        for number in range(endpoints):
            url = f"http://127.0.0.1:{9000 + number}/hook"
            await made.call("/v1/webhooks", {"url": url, "eventTypes": ["*"]})
        made.tasks.append(asyncio.create_task(made.deliver()))
        yield made
        for task in made.tasks:
            task.cancel()
        await asyncio.gather(*made.tasks, return_exceptions=True)


async def _talk(count: int, *, outbound: bool, endpoints: int) -> Bill:
    """So many messages one way within one window, on a link that is held."""
    async with town(endpoints=endpoints) as made:
        await made.hold()
        session = await made.open()
        token = (await made.broker.ports.sessions.load(SessionId(session))).client_id
        await made.broker.clock.sleep(WINDOW)
        before, ends = made.bill(), made.ends_of(WINDOW)
        for number in range(count):
            if outbound:
                path = f"/v1/sessions/{session}/messages?wait=10"
                await made.call(path, {"text": f"line {number}"})
            else:
                made.broker.simulator.control.say(token, f"line {number}")
            await made.broker.clock.sleep(PAUSE)
        await made.until(ends)
        return made.bill() - before


async def _one_more(*, outbound: bool, endpoints: int) -> Bill:
    few = await _talk(FEW, outbound=outbound, endpoints=endpoints)
    many = await _talk(MANY, outbound=outbound, endpoints=endpoints)
    return (many - few) / (MANY - FEW)


async def _mark() -> Bill:
    """What messages add once for all of a busy half-minute."""
    few = await _talk(FEW, outbound=False, endpoints=0)
    none = await _talk(0, outbound=False, endpoints=0)
    one = await _one_more(outbound=False, endpoints=0)
    return (few - none - one - one) / 1


async def _open(*, held: bool, endpoints: int) -> Bill:
    """A session with its first message, until all is told."""
    bills = []
    for opens in (False, True):
        async with town(endpoints=endpoints) as made:
            if held:
                await made.hold()
            before, ends = made.bill(), made.ends_of(WINDOW)
            if opens:
                await made.open()
            await made.until(ends)
            bills.append(made.bill() - before)
    return (bills[1] - bills[0]) / 1


async def _end() -> Bill:
    bills = []
    for ends in (False, True):
        async with town(endpoints=1) as made:
            await made.hold()
            session = await made.open()
            await made.broker.clock.sleep(WINDOW)
            before, until = made.bill(), made.ends_of(WINDOW)
            if ends:
                await made.call(f"/v1/sessions/{session}/end?wait=10")
            await made.until(until)
            bills.append(made.bill() - before)
    return (bills[1] - bills[0]) / 1


async def _hour(sessions: int, *, held: bool, dormant: float | None) -> Bill:
    """An hour with a sweep a minute, some time after the last word."""
    async with town(dormant=dormant) as made:
        begins = made.ends_of(2 * QUIET)
        if held:
            await made.hold()
        for _ in range(sessions):
            await made.open()
        await _pass(made, begins)
        before = made.bill()
        await _pass(made, begins + HOUR)
        return made.bill() - before


async def _pass(made: Town, until: float) -> None:
    clock = made.broker.clock
    while clock.monotonic() < until:
        await made.process().sweep()
        await made.until(min(until, clock.monotonic() + 60))


async def _idle(*, dormant: float | None) -> Bill:
    some = await _hour(SOME, held=True, dormant=dormant)
    return (some - await _hour(0, held=True, dormant=dormant)) / SOME


async def _leases() -> Bill:
    """A listener of all shards for an hour, beside what sweeps cost then."""
    async with town(shards=SHARDS) as made:
        await made.hold()
        before = made.bill()
        await made.broker.clock.sleep(HOUR / 10)
        return (made.bill() - before) / 0.1


async def _sweep(*, held: bool) -> Bill:
    bills = []
    for sweeps in (False, True):
        async with town(shards=SHARDS) as made:
            if held:
                await made.hold()
            before, ends = made.bill(), made.ends_of(30)
            if sweeps:
                await made.process().sweep()
            await made.until(ends)
            bills.append(made.bill() - before)
    return (bills[1] - bills[0]) / 1


async def _change_hands(sessions: int) -> Bill:
    """A listener's whole life from its heir's first look on, until the heir has settled."""
    async with town() as made:
        ends = made.ends_of(LIFE - 60)
        await made.hold(life=LIFE)
        for _ in range(sessions):
            await made.open()
        await made.until(ends)
        before = made.bill()
        await made.hold(life=LIFE)
        await made.broker.clock.sleep(WINDOW)
        return made.bill() - before


async def _handed_over() -> Bill:
    """Of each session."""
    return (await _change_hands(SOME) - await _change_hands(0)) / SOME


CASES: Final[dict[str, Callable[[], Coroutine[Any, Any, Bill]]]] = {
    "a caller's message, accepted and proven": lambda: _one_more(outbound=True, endpoints=0),
    "the same, told to one endpoint": lambda: _one_more(outbound=True, endpoints=1),
    "an agent's message": lambda: _one_more(outbound=False, endpoints=0),
    "the same, delivered to one endpoint": lambda: _one_more(outbound=False, endpoints=1),
    "a busy half-minute of a session": _mark,
    "a session opened through a listener, told": lambda: _open(held=True, endpoints=1),
    "a session opened on demand, told": lambda: _open(held=False, endpoints=1),
    "a session ended, told": _end,
    "an hour of a quiet session, held": lambda: _idle(dormant=None),
    "an hour of a quiet session, dormant": lambda: _idle(dormant=QUIET),
    "a session handed over": _handed_over,
    "an hour of listeners, 64 shards": _leases,
    "a sweep while listeners are there": lambda: _sweep(held=True),
    "a sweep while there are none": lambda: _sweep(held=False),
}


COUNTED: Final[dict[str, Bill]] = {
    name: Bill(**dict(zip(FIELDS, row, strict=True)))
    for name, row in {
        # read units, write units, calls, transactions, hints, couriers, bytes of log
        "a caller's message, accepted and proven": (12.5, 9.1, 15.5, 2, 1, 0, 1390),
        "the same, told to one endpoint": (24.5, 14.1, 26.5, 2, 3, 2, 3281),
        "an agent's message": (1, 1, 2, 0, 0, 0, 556),
        "the same, delivered to one endpoint": (7, 4, 8, 0, 1, 1, 1483),
        "a busy half-minute of a session": (1, 4, 3, 0, 0, 0, 0),
        "a session opened through a listener, told": (37, 39, 43, 4, 4, 2, 5322),
        "a session opened on demand, told": (35, 46, 43, 5, 3, 2, 6393),
        "a session ended, told": (39, 19, 43, 1, 4, 2, 4599),
        "an hour of a quiet session, held": (0, 0, 0, 0, 0, 0, 0),
        "an hour of a quiet session, dormant": (64, 18, 74, 0, 4, 0, 6776),
        "a session handed over": (26.75, 5.75, 32.5, 0, 0, 0, 2235),
        "an hour of listeners, 64 shards": (57600, 46080, 69840, 0, 0, 0, 0),
        "a sweep while listeners are there": (88.5, 0, 50, 0, 0, 0, 719),
        "a sweep while there are none": (120.5, 0, 114, 0, 0, 0, 719),
    }.items()
}
"""What each case is known to cost; docs/cost.md prices it."""


def shown(counted: dict[str, Bill]) -> str:
    """As a table."""
    lines = ["".join([f"{'':42}", *(f"{name.replace('_', ' '):>13}" for name in FIELDS)])]
    for name, bill in counted.items():
        cells = "".join(f"{getattr(bill, field):13.2f}" for field in FIELDS)
        lines.append(f"{name:42}{cells}")
    return "\n".join(lines)
