"""Serve a batch of hints side by side, and tell which of them the queue should hand out again.

A hint fails only where the same message does better later: the table was away, or time ran out.
Everything else is found again by the sweeper, so a message that can never be served goes away.
"""

import logging
from asyncio import create_task, gather, wait
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

from service.domain.errors import UnavailableError
from service.ports import Clock, DeliveryHint, Hints, LaneHint, ReplayHint
from service.usecases.deliver_lane import DeliverLane
from service.usecases.fit_run import ANSWER_SECONDS, BEGIN_SECONDS, LET_GO_SECONDS
from service.usecases.keep_lane import HOPS_MAX
from service.usecases.run_replay import RunReplay

SIDE_BY_SIDE: Final = 32
"""A lane mostly waits for its receiver; the table has half as many connections."""

Hint: TypeAlias = DeliveryHint

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeHints:
    """A courier's routine for what came out of the queue at once."""

    clock: Clock
    hints: Hints
    deliver_lane: DeliverLane
    run_replay: RunReplay
    side_by_side: int = SIDE_BY_SIDE

    async def __call__(self, hints: Iterable[Hint], *, ends: float) -> Collection[Hint]:
        """Serve what can be served before the process ends; those that should come again.

        `ends` is on the monotonic clock. What is asked for twice is done once. Raises nothing.
        """
        wanted = list(hints)
        again = {_name(hint) for hint in wanted}
        waiting = iter(_each_once(wanted))
        side_by_side = range(min(self.side_by_side, len(again)))
        workers = [create_task(self._work(waiting, again, ends)) for _ in side_by_side]
        try:
            async with self.clock.timeout(ends - ANSWER_SECONDS - self.clock.monotonic()):
                if workers:
                    await wait(workers)
        except TimeoutError:
            _log.error("courier.cut", extra={"hints": len(again)})
        finally:
            # Not waited for: what they do when they are cancelled asks the same table.
            for worker in workers:
                worker.cancel()
        return {hint for hint in wanted if _name(hint) in again}

    async def _work(self, waiting: Iterator[Hint], again: set[Hint], ends: float) -> None:
        """One after the other, while there are any. Who is done with is taken out of `again`."""
        for hint in waiting:
            if ends - self.clock.monotonic() < BEGIN_SECONDS:
                done = await self._pass_on(hint)
            else:
                done = await self._serve(hint, until=ends - LET_GO_SECONDS)
            if done:
                again.discard(_name(hint))

    async def _serve(self, hint: Hint, *, until: float) -> bool:
        """Whether the queue is done with it."""
        [error] = await gather(self._follow(hint, until), return_exceptions=True)
        if error is None:
            return True
        facts = {**_names(hint), "error": type(error).__name__}
        if isinstance(error, UnavailableError):
            _log.warning("courier.failed", extra=facts)
            return False
        # A defect, or a setting: the same message would fail again, and the sweeper hints anyway.
        _log.error("courier.failed", extra=facts)
        return True

    async def _follow(self, hint: Hint, until: float) -> None:
        """Do what a hint asks for."""
        match hint:
            case LaneHint(endpoint_id=endpoint_id, session_id=session_id, hops=hops):
                await self.deliver_lane(endpoint_id, session_id, hops=hops, until=until)
            case ReplayHint(replay_id=replay_id, strand=strand, hops=hops):
                await self.run_replay(replay_id, strand, hops=hops, until=until)
            case _:
                assert_never(hint)

    async def _pass_on(self, hint: Hint) -> bool:
        """Leave it to another invocation; whether the queue is done with this message.

        A new message is seen at once. One that failed is hidden for the queue's visibility timeout,
        minutes, and is a step nearer to the dead letters, so it does so only at the end of a chain.
        """
        if hint.hops >= HOPS_MAX:
            return False
        hops = hint.hops + 1
        match hint:
            case LaneHint(endpoint_id=endpoint_id, session_id=session_id):
                await self.hints.lane(endpoint_id, session_id, hops=hops)
            case ReplayHint(replay_id=replay_id, strand=strand):
                await self.hints.replay(replay_id, strand, hops=hops)
            case _:
                assert_never(hint)
        return True


def _names(hint: Hint) -> dict[str, object]:
    match hint:
        case LaneHint(endpoint_id=endpoint_id, session_id=session_id):
            return {"endpoint_id": endpoint_id, "session_id": session_id}
        case ReplayHint(replay_id=replay_id, strand=strand):
            return {"replay_id": replay_id, "strand": strand}
        case _:
            assert_never(hint)


def _name(hint: Hint) -> Hint:
    """The same for all hints to the same thing."""
    return replace(hint, hops=0)


def _each_once(hints: Sequence[Hint]) -> Collection[Hint]:
    """Of several hints to one thing the one that is furthest in its chain.

    Lambda may count any of a batch's chains (developer guide, "Use Lambda recursive loop
    detection").
    """
    once: dict[Hint, Hint] = {}
    for hint in sorted(hints, key=lambda each: each.hops):
        once[_name(hint)] = hint
    return [once[name] for name in dict.fromkeys(_name(hint) for hint in hints)]
