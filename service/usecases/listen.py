"""Listens to the mailboxes of the shards that a listener holds, each by a poll of its own."""

import logging
from asyncio import Event, Task, TaskGroup
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from service.domain.errors import BrokerError
from service.domain.ids import SessionId
from service.ports import Clock, Mailboxes, TypingHint

_log = logging.getLogger(__name__)

PAUSE_FIRST: Final = 0.5
PAUSE_MOST: Final = 5.0
"""A queue that does not answer is asked ever more slowly, up to this: callers wait 25 s at most."""


@dataclass(slots=True, kw_only=True)
class ListenMailboxes:
    """Tells of every session that is hinted in one of some shards."""

    clock: Clock
    mailboxes: Mailboxes
    look: Callable[[SessionId, int], object]
    """What to do about a session of a shard. Must neither fail nor wait."""
    typed: Callable[[TypingHint], object]
    """What to do about a guest who is typing. The same holds."""
    wanted: frozenset[int] = field(default=frozenset(), init=False)
    changed: Event = field(default_factory=Event, init=False)
    deaf: "set[int]" = field(default_factory=set, init=False)
    """Shards whose mailbox does not answer."""

    def keep(self, shards: Collection[int]) -> None:
        """Listen to the mailboxes of these shards and of no others, as soon as `run` runs."""
        self.wanted = frozenset(shards)
        self.changed.set()

    async def run(self) -> None:
        """Listen until cancelled."""
        polls: dict[int, Task[None]] = {}
        async with TaskGroup() as group:
            while True:
                self.changed.clear()
                for shard in polls.keys() - self.wanted:
                    polls.pop(shard).cancel()
                for shard in self.wanted - polls.keys():
                    polls[shard] = group.create_task(self._poll(shard))
                await self.changed.wait()

    async def _poll(self, shard: int) -> None:
        pause = PAUSE_FIRST
        try:
            while True:
                try:
                    hinted = await self.mailboxes.receive(shard)
                except BrokerError as error:
                    self._is_deaf(shard, error)
                    await self.clock.sleep(pause)
                    pause = min(PAUSE_MOST, 2 * pause)
                    continue
                pause = PAUSE_FIRST
                self._hears(shard)
                for hint in hinted:
                    if isinstance(hint, TypingHint):
                        self.typed(hint)
                    else:
                        self.look(hint, shard)
        finally:
            self.deaf.discard(shard)

    def _is_deaf(self, shard: int, error: BrokerError) -> None:
        """One line for all mailboxes: they rarely fail alone."""
        if not self.deaf:
            _log.warning("listener.deaf", extra={"shard": shard, "error": str(error)})
        self.deaf.add(shard)

    def _hears(self, shard: int) -> None:
        if shard in self.deaf:
            self.deaf.discard(shard)
            if not self.deaf:
                _log.info("listener.hears_again", extra={"shard": shard})
