"""A ShardStore that answers late, not at all, or carries out what nobody waits for any more.

A call that was cancelled or said to have failed may still be under way, as in a thread that nobody
can stop. Inside `run_virtual` only.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from service.domain.errors import UnavailableError

QUICK: Final = 0.01


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What becomes of one call: when it is carried out, and when it is answered after that.

    With `fails` the caller is told so after that long, whatever the call does later; `never` is not
    carried out at all.
    """

    before: float = QUICK
    after: float = QUICK
    fails: float | None = None
    never: bool = False


GOOD: Final = Fate()


class LateShards:
    """The leases as one process reaches them; each call takes the next fate, then all is well."""

    def __init__(
        self, port: object, fates: "list[Fate]", landed: Callable[[], Awaitable[None]]
    ) -> None:
        self._port = port
        self._fates = fates
        self._landed = landed
        self._under_way: set[asyncio.Task[Any]] = set()

    def calm(self) -> None:
        """From now on every call is carried out and answered at once."""
        self._fates.clear()

    async def settle(self) -> None:
        """Wait for what is still under way, whoever asked for it."""
        await asyncio.gather(*self._under_way)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._port, name)

        async def late(*arguments: object, **named: object) -> object:
            fate = self._fates.pop(0) if self._fates else GOOD
            task = asyncio.create_task(self._carry_out(fate, method, arguments, named))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            if fate.fails is not None:
                await asyncio.sleep(fate.fails)
                raise UnavailableError(what="the table")
            return await asyncio.shield(task)

        return late

    async def _carry_out(
        self,
        fate: Fate,
        method: Callable[..., Awaitable[Any]],
        arguments: tuple[object, ...],
        named: dict[str, object],
    ) -> object:
        if fate.never:
            return None
        await asyncio.sleep(fate.before)
        answer = await method(*arguments, **named)
        await self._landed()
        await asyncio.sleep(fate.after)
        return answer


@dataclass
class Beliefs:
    """Who believed to hold a shard: never two at once, and fences only grow.

    What was wrong is kept for the end of the story: who looks may be a task that nobody awaits.
    """

    fences: "dict[int, int]" = field(default_factory=dict)
    owners: "dict[int, tuple[str, int]]" = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def saw(self, shard: int, fence: int) -> None:
        """What the table says."""
        if fence < self.fences.get(shard, 0):
            self.wrong.append(f"the fence of shard {shard} went back to {fence}")
        self.fences[shard] = fence

    def believe(self, shard: int, holders: "list[tuple[str, int]]") -> None:
        """Who holds it for certain now, each with its fence."""
        if len(holders) > 1:
            self.wrong.append(f"shard {shard} is held by {holders}")
        for holder in holders:
            before = self.owners.get(shard, holder)
            if holder[1] < before[1] or (holder[1] == before[1] and holder != before):
                self.wrong.append(f"shard {shard} went from {before} to {holder}")
            self.owners[shard] = holder
