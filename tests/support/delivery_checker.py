"""Judges a delivery by what receivers saw and by what the table has; believes no courier.

Knows the promises and nothing of how they are kept: it takes requests, logs and standings as plain
values, and has its own copy of the schedule and its own signature. Each finding is one sentence.
"""

import base64
import hashlib
import hmac
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

SCHEDULE: Final = (
    5.0,
    30.0,
    120.0,
    300.0,
    900.0,
    1800.0,
    3600.0,
    7200.0,
    14400.0,
    28800.0,
    43200.0,
)
"""Seconds after the n-th failed attempt; the last one for ever."""
LEAST: Final = SCHEDULE[0]
"""A probe waits no less than this."""
RETRY_AFTER_MOST: Final = 86400.0
FRESH: Final = 2.0
HAIR: Final = 0.001
"""Sums of floats: a due time may be missed by less than this."""

Pair = tuple[str, str]
"""Endpoint and session: one lane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request at the receiver: from when to when, and how it was answered.

    `retry_after`: seconds that the answer asked for.
    """

    endpoint: str
    session: str
    at: float
    ended: float
    headers: Mapping[str, str]
    body: bytes
    status: int | None
    retry_after: float | None = None

    @property
    def lane(self) -> Pair:
        return self.endpoint, self.session

    @property
    def sequence(self) -> int:
        return int(json.loads(self.body)["data"]["sequence"])

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status <= 299

    @property
    def gap(self) -> range:
        """The sequences that it says were skipped."""
        first, _, last = self.headers.get("broker-gap", "1-0").partition("-")
        return range(int(first), int(last) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One event of the log that the endpoint wants."""

    sequence: int
    id: str
    body: bytes
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the table has of a lane: how far it is, and why what is left will be looked at.

    `looked_after`: a work mark stands, so the sweeper comes. `reason`: why the endpoint is closed.
    """

    cursor: int = 0
    gap: tuple[int, int] | None = None
    due_at: float | None = None
    looked_after: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What should come out of a lane. `deaths`: when a courier died that served it."""

    events: Sequence[Logged]
    standing: Standing
    deaths: Sequence[float] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What was promised to a receiver. `changed`: when its owner opened or changed it."""

    secret: str
    rate: int | None = None
    places: int | None = None
    changed: Sequence[float] = ()
    within: float | None = None
    """It was well all the time: so late an event may arrive at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything there is to judge. `over`: there was time enough to deliver everything.

    `alone`: no endpoint was ever found down, so the whole schedule holds, not only its first step.
    """

    endpoints: Mapping[str, Endpoint]
    lanes: Mapping[Pair, Lane]
    attempts: Sequence[Attempt]
    scale: float = 1.0
    over: bool = True
    alone: bool = False


def findings(case: Case) -> list[str]:
    """Everything that is wrong."""
    by_lane: dict[Pair, list[Attempt]] = defaultdict(list)
    by_endpoint: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in case.attempts:
        by_lane[attempt.lane].append(attempt)
        by_endpoint[attempt.endpoint].append(attempt)
    found = [f"{pair} was never asked for" for pair in by_lane if pair not in case.lanes]
    for pair, lane in case.lanes.items():
        endpoint = case.endpoints[pair[0]]
        tries = by_lane[pair]
        wrong = [
            *_ends(lane, tries, over=case.over),
            *_order(lane, tries),
            *_same(lane, tries, endpoint.secret),
            *_overlaps(lane, tries),
            *_spacing(lane, tries, endpoint, case),
            *_late(lane, tries, endpoint),
        ]
        found += [f"{' '.join(pair)}: {each}" for each in wrong]
    for name, tries in by_endpoint.items():
        deaths = [
            death for pair, lane in case.lanes.items() if pair[0] == name for death in lane.deaths
        ]
        found += [f"{name}: {each}" for each in _limits(case.endpoints[name], tries, deaths)]
    return found


def _ends(lane: Lane, tries: Sequence[Attempt], *, over: bool) -> Iterator[str]:
    """Delivered, pending with a next time, or parked with a reason: there is no fourth state."""
    taken = {attempt.sequence for attempt in tries if attempt.taken}
    told = {number for attempt in tries if attempt.taken for number in attempt.gap}
    known = {each.sequence for each in tries if each.taken and not _died(lane, each, each.ended)}
    standing = lane.standing
    untold = range(standing.gap[0], standing.gap[1] + 1) if standing.gap else range(0)
    for event in lane.events:
        number = event.sequence
        if number in told and number in known:
            yield f"{number} is told to be skipped and was taken"
        if number <= standing.cursor:
            if number not in taken and number not in told and number not in untold:
                yield f"{number} is passed and was neither taken nor told to be skipped"
        elif standing.reason is None and over:
            yield f"{number} is not delivered, and there was time"
        elif standing.reason is None and standing.due_at is None and not standing.looked_after:
            yield f"{number} waits and nobody will come for it"


def _order(lane: Lane, tries: Sequence[Attempt]) -> Iterator[str]:
    """No attempt before all that comes before it is taken or told to be skipped."""
    done: dict[int, float] = {}
    told: set[int] = set()
    furthest = 0
    for attempt in tries:
        number = attempt.sequence
        said = told | set(attempt.gap)
        for event in lane.events:
            if event.sequence >= number:
                break
            if event.sequence not in said and done.get(event.sequence, attempt.at + 1) > attempt.at:
                yield f"{number} was tried before {event.sequence} was done"
        if number < furthest:
            yield f"{number} was tried after {furthest}"
        furthest = max(furthest, number)
        if attempt.taken:
            done.setdefault(number, attempt.ended)
            told |= set(attempt.gap)


def _same(lane: Lane, tries: Sequence[Attempt], secret: str) -> Iterator[str]:
    """Id, bytes and number are the event's own on every attempt; time and signature are its own."""
    places = {event.sequence: (place, event) for place, event in enumerate(lane.events, start=1)}
    for attempt in tries:
        number = attempt.sequence
        if number not in places:
            yield f"{number} was not asked for"
            continue
        place, event = places[number]
        name, stamp = attempt.headers["webhook-id"], attempt.headers["webhook-timestamp"]
        if (name, attempt.body) != (event.id, event.body):
            yield f"{number} came as something else"
        if attempt.headers["broker-lane-sequence"] != str(place):
            yield f"{number} came as {attempt.headers['broker-lane-sequence']}, not {place}"
        if not 0 <= attempt.at - int(stamp) <= FRESH:
            yield f"{number} came with the time {stamp} at {attempt.at}"
        signed = b".".join([name.encode(), stamp.encode(), attempt.body])
        key = base64.b64decode(secret.removeprefix("whsec_"))
        mark = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        if f"v1,{mark}" not in attempt.headers["webhook-signature"].split(" "):
            yield f"{number} came with a signature of something else"


def _overlaps(lane: Lane, tries: Sequence[Attempt]) -> Iterator[str]:
    """One at a time, but for one whose courier died."""
    for before, after in pairwise(tries):
        if after.at < before.ended and not _died(lane, before, after.at):
            yield f"{after.sequence} was tried while {before.sequence} was under way"


def _spacing(lane: Lane, tries: Sequence[Attempt], endpoint: Endpoint, case: Case) -> Iterator[str]:
    """As long as the schedule says and the receiver asked for, unless its owner stepped in."""
    failures: Counter[int] = Counter()
    for before, after in pairwise(tries):
        number = before.sequence
        if before.taken or after.sequence != number:
            continue
        if any(before.at <= change <= after.at for change in endpoint.changed):
            failures[number] = 0
            continue
        if _died(lane, before, after.at):
            continue  # nobody lived to tell what came of it
        # 410 is asked once more at its own time: it says that there is no later.
        asked = 0.0 if before.status == 410 else min(before.retry_after or 0.0, RETRY_AFTER_MOST)
        base = _base(before, failures[number], asked, case)
        failures[number] += 0 if before.status in {429, 503} else 1
        waited = after.at - before.ended
        if waited < max(base * case.scale, asked) - HAIR:
            yield f"{number} was tried again after {waited:.3f} s, {before.status}, asked {asked}"


def _base(before: Attempt, failures: int, asked: float, case: Case) -> float:
    if before.status == 410:
        return 15.0
    if not case.alone:
        return LEAST
    return SCHEDULE[min(failures, len(SCHEDULE) - 1)]


def _late(lane: Lane, tries: Sequence[Attempt], endpoint: Endpoint) -> Iterator[str]:
    """A receiver that is well waits for nobody else's."""
    if endpoint.within is None:
        return
    first: dict[int, float] = {}
    for attempt in tries:
        if attempt.taken:
            first.setdefault(attempt.sequence, attempt.at)
    for event in lane.events:
        waited = first.get(event.sequence, event.at) - event.at
        if waited > endpoint.within:
            yield f"{event.sequence} arrived {waited:.1f} s late"


def _limits(endpoint: Endpoint, tries: Sequence[Attempt], deaths: Sequence[float]) -> Iterator[str]:
    """No more a second and no more at a time than the receiver takes."""
    if endpoint.rate is not None:
        for second, count in Counter(int(attempt.at) for attempt in tries).items():
            if count > endpoint.rate:
                yield f"{count} requests in the second {second}"
    if endpoint.places is not None and not deaths:
        for attempt in tries:
            beside = sum(other.at <= attempt.at < other.ended for other in tries)
            if beside > endpoint.places:
                yield f"{beside} requests at a time at {attempt.at}"


def _died(lane: Lane, before: Attempt, until: float) -> bool:
    return any(before.at <= death <= until for death in lane.deaths)
