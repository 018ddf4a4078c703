"""What deliveries ask of the table and of the queue, counted call by call.

On the embedded table, which counts units by DynamoDB's rules, with names as long as they are.
"""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from service.adapters.table.driver import Meter
from service.domain.endpoint import Endpoint
from service.domain.ids import SessionId
from service.domain.log import EventType
from service.domain.session import Session
from service.ports import WebhookAnswer
from tests.support.lane_world import LaneWorld
from tests.support.virtual_time import run_virtual

RECEIVED: Final = EventType.MESSAGE_RECEIVED
ENDPOINT: Final = "whk_01JDM5X9ZK8W3V6Q2R7T4Y1N0B"
SESSION: Final = "ses_01JDM5X9ZK8W3V6Q2R7T4Y1N0B"
BACKLOG: Final = 20
REFUSED: Final = WebhookAnswer(status=500, body=b"no")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Calls of the table by kind, its units, and hints that couriers sent. By event: a mean."""

    gets: float = 0
    queries: float = 0
    """Of the table, and of indexes."""
    writes: float = 0
    transactions: float = 0
    read_units: float = 0
    write_units: float = 0
    hints: float = 0

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(**{name: getattr(self, name) - getattr(other, name) for name in FIELDS})

    def __truediv__(self, by: int) -> "Cost":
        return Cost(**{name: getattr(self, name) / by for name in FIELDS})


FIELDS: Final = tuple(Cost.__dataclass_fields__)


def _so_far(meter: Meter, hints: int) -> Cost:
    calls = meter.calls
    return Cost(
        gets=calls.get("get", 0) + calls.get("get_many", 0),
        queries=calls.get("query", 0) + calls.get("query_index", 0),
        writes=calls.get("write", 0) + calls.get("delete_many", 0),
        transactions=calls.get("transact", 0),
        read_units=meter.read_units,
        write_units=meter.write_units,
        hints=hints,
    )


@dataclass(slots=True)
class Counted:
    """A lane that delivered before, so that it exists, and its endpoint; a courier as it is kept.

    Setting up is not counted.
    """

    world: LaneWorld
    endpoint: Endpoint
    session: Session
    appended: int = 0
    courier: Callable[..., Awaitable[None]] = field(init=False)

    def __post_init__(self) -> None:
        self.courier = self.world.courier()

    async def append(self, count: int) -> None:
        await self.world.append(self.session, *[RECEIVED] * count, first=self.appended + 1)
        self.appended += count

    async def cost(self, *, later: float = 60.0) -> Cost:
        """Of one hint to the lane, so much later: nothing that was remembered is fresh."""
        await self.world.clock.sleep(later)
        before = self._now()
        await self.courier(self.endpoint.id, self.session.id)
        return self._now() - before

    def _now(self) -> Cost:
        return _so_far(self.world.table.driver.meter, len(self.world.hints.lanes))


async def _lane(*, delivered: int = 1) -> Counted:
    world = LaneWorld()
    endpoint = await world.endpoint(ENDPOINT)
    session = await world.session(SESSION)
    counted = Counted(world, endpoint, session)
    if delivered:
        await counted.append(delivered)
        await counted.courier(endpoint.id, session.id)
    return counted


async def _first() -> Cost:
    lane = await _lane(delivered=0)
    await lane.append(1)
    return await lane.cost()


async def _steady() -> Cost:
    lane = await _lane()
    await lane.append(1)
    return await lane.cost()


async def _at_once() -> Cost:
    """An event that comes a moment after another of its session."""
    lane = await _lane()
    await lane.append(1)
    await lane.cost()
    await lane.append(1)
    return await lane.cost(later=0.1)


async def _backlog() -> Cost:
    """What one more event of a backlog adds."""
    costs = []
    for count in (BACKLOG, 2 * BACKLOG):
        lane = await _lane()
        await lane.append(count)
        costs.append(await lane.cost())
    fewer, more = costs
    return (more - fewer) / BACKLOG


async def _failed() -> Cost:
    lane = await _lane()
    lane.world.receiver.reply = REFUSED
    await lane.append(1)
    return await lane.cost()


async def _failed_again() -> Cost:
    lane = await _lane()
    lane.world.receiver.reply = REFUSED
    await lane.append(1)
    await lane.cost()
    return await lane.cost()


async def _nothing() -> Cost:
    """A hint that comes too late: all is delivered."""
    return await (await _lane()).cost()


async def _early() -> Cost:
    """A hint that comes before the retry's time."""
    lane = await _lane()
    lane.world.receiver.reply = WebhookAnswer(status=500, retry_after="600")
    await lane.append(1)
    await lane.cost()
    return await lane.cost()


async def _down() -> Counted:
    """A lane with a new event, whose endpoint others found down."""
    lane = await _lane()
    lane.world.receiver.reply = REFUSED
    for number in range(5):
        await lane.world.clock.sleep(0.1)
        other = await lane.world.session(f"{SESSION[:-1]}{number}")
        await lane.world.append(other, RECEIVED)
        await lane.courier(lane.endpoint.id, SessionId(other.id))
    await lane.append(1)
    return lane


async def _outside() -> Cost:
    lane = await _down()
    posts = len(lane.world.receiver.posts)
    cost = await lane.cost(later=0.1)
    assert len(lane.world.receiver.posts) == posts
    return cost


async def _outside_again() -> Cost:
    """The third hint to it within a second: the second one found it waiting."""
    lane = await _down()
    for _ in range(2):
        await lane.cost(later=0.1)
    return await lane.cost(later=0.1)


CASES: Final[dict[str, Callable[[], Coroutine[Any, Any, Cost]]]] = {
    "an event of a lane that rests": _steady,
    "an event just after another": _at_once,
    "one more event of a backlog": _backlog,
    "a session's first event": _first,
    "an attempt that failed": _failed,
    "one that failed again": _failed_again,
    "a hint with nothing to do": _nothing,
    "a hint before its time": _early,
    "a hint while the endpoint is down": _outside,
    "the third of them within a second": _outside_again,
}

COUNTED: Final[dict[str, Cost]] = {
    name: Cost(**dict(zip(FIELDS, row, strict=True)))
    for name, row in {
        # gets, queries, writes, transactions, read units, write units, hints
        "an event of a lane that rests": (1, 2, 3, 0, 6, 3, 0),
        "an event just after another": (1, 2, 3, 0, 6, 3, 0),
        "one more event of a backlog": (0, 0, 2, 0, 0.05, 2, 0),
        "a session's first event": (2, 2, 2, 1, 7, 8, 0),
        "an attempt that failed": (1, 1, 4, 0, 5, 7, 1),
        "one that failed again": (1, 1, 4, 0, 5, 8, 1),
        "a hint with nothing to do": (1, 2, 0, 0, 6, 0, 0),
        "a hint before its time": (1, 0, 0, 0, 4, 0, 0),
        "a hint while the endpoint is down": (1, 1, 2, 0, 5, 4, 1),
        "the third of them within a second": (0, 0, 0, 0, 0, 0, 0),
    }.items()
}
"""What each case is known to cost; docs/performance.md has the same table."""


def costs() -> dict[str, Cost]:
    """Of each case. Costs no time: the clock is virtual."""
    return {name: run_virtual(case()) for name, case in CASES.items()}


def shown(counted: dict[str, Cost]) -> str:
    """As a table."""
    lines = ["".join([f"{'':36}", *(f"{name.replace('_', ' '):>13}" for name in FIELDS)])]
    for name, cost in counted.items():
        cells = "".join(f"{getattr(cost, field):13.2f}" for field in FIELDS)
        lines.append(f"{name:36}{cells}")
    return "\n".join(lines)
