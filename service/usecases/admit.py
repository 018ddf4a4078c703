"""Says who may open a connection now, and tells the others when to ask again.

One for the whole process. It asks the table once for several connections, and not at all about
Genesys's health while connections succeed. It never waits for a turn: a visit that is refused goes
on listening to everybody until its time comes.
"""

import logging
from asyncio import Lock
from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from service.domain.budget import (
    Allowance,
    Breaker,
    Purse,
    Streak,
    closed,
    line_of,
    probing,
    slot_end,
    slot_of,
    throttled,
    tripped,
)
from service.domain.deployment import Deployment
from service.domain.ids import SessionId
from service.ports import Ports

_log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0
"""How often a process looks whether another one was let in, while anybody of its own waits."""

Turn = tuple[bool, float, SessionId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bid:
    """A session that wants a link, when anybody last spoke in it, and whether a caller waits."""

    session_id: SessionId
    last_active: float
    urgent: bool = False

    @property
    def turn(self) -> Turn:
        """Sorts: whom a caller waits for, then the most recently active."""
        return not self.urgent, -self.last_active, self.session_id


@dataclass(slots=True)
class WaitingLine:
    """Who waits, in the order in which they should be let in."""

    turns: list[Turn] = field(default_factory=list)
    of: dict[SessionId, Turn] = field(default_factory=dict)

    def place(self, bid: Bid) -> None:
        """Take a place, or take it again as active as one is now."""
        self.leave(bid.session_id)
        insort(self.turns, bid.turn)
        self.of[bid.session_id] = bid.turn

    def before(self, bid: Bid) -> int:
        """How many should be let in before it."""
        return bisect_left(self.turns, bid.turn)

    def leave(self, session_id: SessionId) -> None:
        """It does not wait any more, if it did."""
        turn = self.of.pop(session_id, None)
        if turn is not None:
            del self.turns[bisect_left(self.turns, turn)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand with a deployment."""

    left: int
    """Connections that may still be opened in this slot."""
    limit: int
    """What a slot has."""
    retry_at: float | None
    """Genesys does not let us in; tried again then. None: all is well."""
    trips: int
    waiting: int
    """Sessions of this process that wait for their turn."""


@dataclass(slots=True)
class _Line:
    """One deployment, as this process knows it."""

    name: str
    lock: Lock = field(default_factory=Lock)
    purse: Purse = field(default_factory=Purse)
    breaker: Breaker = field(default_factory=Breaker)
    look_at: float = 0.0
    """When to look at an open breaker again."""
    probe: tuple[SessionId, str] | None = None
    """Whose connection is the probe, and the change of the breaker that made it one."""
    streak: Streak = field(default_factory=Streak)
    waiting: WaitingLine = field(default_factory=WaitingLine)
    spent: int | None = None
    """The last slot of which it was said that nothing is left of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    """Lets visits open connections within budget and breaker of their deployment.

    Who was let in opens at once and reports what came of it; who does not want to any more leaves.
    """

    ports: Ports
    allowance: Allowance
    lines: dict[str, _Line] = field(default_factory=dict)

    async def __call__(self, deployment: Deployment, bid: Bid) -> float | None:
        """None: connect now. Else when to ask again, in seconds since the epoch.

        Raises UnavailableError: what the table does not grant is not there.
        """
        line = self._line(deployment)
        line.waiting.place(bid)
        # One at a time: whoever comes while permits are fetched finds them here.
        async with line.lock:
            rank = line.waiting.before(bid)
            shut_until = await self._shut_until(line)
            if shut_until is not None:
                return shut_until + rank * self.allowance.spacing
            if not await self._spent(line, bid, rank):
                self._tell_spent(line)
                ahead = rank - line.purse.room(self.allowance, urgent=bid.urgent)
                return slot_end(line.purse.slot) + max(0, ahead) * self.allowance.spacing
            if not await self._may_try(line, bid.session_id):
                return line.look_at
            line.waiting.leave(bid.session_id)
            return None

    def leave(self, deployment: Deployment, session_id: SessionId) -> None:
        """Its visit is over: nobody waits for it any more."""
        line = self.lines.get(line_of(deployment))
        if line is not None:
            line.waiting.leave(session_id)

    async def answered(self, deployment: Deployment, session_id: SessionId) -> None:
        """Genesys answered whoever was let in: with a link, or with a plain no."""
        line = self._line(deployment)
        line.streak, probe = Streak(), _probe_of(line, session_id)

        def change(breaker: Breaker, by: str) -> Breaker | None:
            # What came through before others were told to wait does not end their waiting.
            known = breaker.trips > 0 or breaker.by == probe
            return closed(breaker, by=by) if known else None

        await self._change(line, change)

    async def throttled(
        self, deployment: Deployment, session_id: SessionId, seconds: float
    ) -> None:
        """Genesys counts too many connections of this deployment: that is everybody's matter."""
        until = self.ports.clock.now() + seconds
        line = self._line(deployment)
        probe = _probe_of(line, session_id)

        def change(breaker: Breaker, by: str) -> Breaker | None:
            return throttled(breaker, by=by, until=until, probed=breaker.by == probe)

        await self._change(line, change)

    async def failed(self, deployment: Deployment, session_id: SessionId) -> None:
        """Whoever was let in got no answer, or that Genesys is ill."""
        line = self._line(deployment)
        probe = _probe_of(line, session_id)
        if line.breaker.retry_at is None:
            line.streak = line.streak.longer(self.ports.clock.now())
            if not line.streak.is_trouble:
                # Others may have found out.
                await self._look(line)
                return
            line.streak = Streak()

        def change(breaker: Breaker, by: str) -> Breaker | None:
            # What was on its way when that was found out is no news.
            news = breaker.retry_at is None or breaker.by == probe
            return self._tripped(breaker, by) if news else None

        await self._change(line, change)

    def is_shut(self, deployment: Deployment) -> bool:
        """Whether this process knows that Genesys lets nobody in for the moment."""
        line = self.lines.get(line_of(deployment))
        return line is not None and _is_shut(line, self.ports.clock.now())

    async def standing(self, deployment: Deployment) -> Standing:
        """How things stand, by the table."""
        name, limit = line_of(deployment), self.allowance.most(urgent=True)
        used = await self.ports.budgets.taken(name, slot_of(self.ports.clock.now()))
        breaker = await self.ports.budgets.breaker(name)
        known = self.lines.get(name)
        return Standing(
            left=max(0, limit - used),
            limit=limit,
            retry_at=breaker.retry_at,
            trips=breaker.trips,
            waiting=0 if known is None else len(known.waiting.turns),
        )

    def _line(self, deployment: Deployment) -> _Line:
        name = line_of(deployment)
        return self.lines.setdefault(name, _Line(name))

    async def _spent(self, line: _Line, bid: Bid, rank: int) -> bool:
        """Whether a permit of this very moment was there for it, and those before it have theirs.

        One taken a moment ago is of no use once its slot is over.
        """
        urgent = bid.urgent
        while True:
            line.purse = purse = line.purse.at(slot_of(self.ports.clock.now()))
            if rank >= purse.room(self.allowance, urgent=urgent):
                return False
            rest = purse.spend(urgent=urgent)
            if rest is not None:
                line.purse = rest
                return True
            waiting = len(line.waiting.turns)
            wish = purse.wish(self.allowance, urgent=urgent, waiting=waiting)
            most = self.allowance.most(urgent=urgent)
            taken = await self.ports.budgets.take(line.name, purse.slot, wish, most=most)
            line.purse = purse.filled(taken, urgent=urgent)

    def _tell_spent(self, line: _Line) -> None:
        """Connections of this slot are used up and somebody waits: said once a slot."""
        if line.spent != line.purse.slot:
            line.spent = line.purse.slot
            facts = {"line": line.name, "waiting": len(line.waiting.turns)}
            _log.info("deployment.budget_spent", extra=facts)

    async def _shut_until(self, line: _Line) -> float | None:
        """Until when an open breaker keeps everybody out; None also where it is time to try."""
        now = self.ports.clock.now()
        if _is_shut(line, now) and now >= line.look_at:
            await self._look(line)
        retry_at = line.breaker.retry_at
        return min(retry_at, line.look_at) if retry_at is not None and now < retry_at else None

    async def _may_try(self, line: _Line, session_id: SessionId) -> bool:
        """Whether the line is open, or this is the one connection that tries whether it is."""
        if line.breaker.retry_at is None:
            return True
        wanted = probing(line.breaker, by=self.ports.ids.uuid(), now=self.ports.clock.now())
        if await self._swapped(line, wanted):
            line.probe = session_id, wanted.by
            return True
        return line.breaker.retry_at is None

    def _tripped(self, breaker: Breaker, by: str) -> Breaker:
        return tripped(breaker, by=by, now=self.ports.clock.now(), jitter=self.ports.ids.jitter())

    async def _look(self, line: _Line) -> None:
        found = await self.ports.budgets.breaker(line.name)
        # An answer that was overtaken by that to a change is old.
        self._learn(line, max(line.breaker, found, key=lambda breaker: breaker.version))

    async def _change(self, line: _Line, change: Callable[[Breaker, str], Breaker | None]) -> None:
        """Change the breaker as the latest known one wants it: nothing, where it wants nothing."""
        while True:
            wanted = change(line.breaker, self.ports.ids.uuid())
            if wanted is None or await self._swapped(line, wanted):
                return

    async def _swapped(self, line: _Line, wanted: Breaker) -> bool:
        found = await self.ports.budgets.change_breaker(line.name, line.breaker, wanted)
        self._learn(line, found)
        return found.by == wanted.by

    def _learn(self, line: _Line, breaker: Breaker) -> None:
        was, line.breaker = line.breaker, breaker
        line.look_at = self.ports.clock.now() + LOOK_SECONDS
        if breaker.by != was.by:
            line.probe = None
        if (was.retry_at is None) != (breaker.retry_at is None):
            _log.warning(
                "deployment.closed_to_us" if breaker.retry_at else "deployment.open_to_us",
                extra={"line": line.name, "trips": breaker.trips, "retry_at": breaker.retry_at},
            )


def _probe_of(line: _Line, session_id: SessionId) -> str | None:
    """The change of the breaker that let this one try, if it was let try."""
    return line.probe[1] if line.probe is not None and line.probe[0] == session_id else None


def _is_shut(line: _Line, now: float) -> bool:
    return line.breaker.retry_at is not None and now < line.breaker.retry_at
