"""Which sessions of a listener keep a link, where not all of them fit: the hard stop.

A listener cannot refuse its first shard, and a shard grows. Beyond the most links that one process
may hold, the sessions that were active least recently are only touched.
"""

import logging
from asyncio import Lock
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from service.domain.ids import SessionId
from service.domain.session import Session
from service.ports import SessionStore

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class LinkRoom:
    """The places of one listener."""

    sessions: SessionStore
    most: int
    evict: Callable[[SessionId], object]
    """Lets the link of a session go. Must neither fail nor wait."""
    placed: "dict[SessionId, float]" = field(default_factory=dict)
    """Who has a place, and when it was last active, at the least."""
    beyond: "set[SessionId]" = field(default_factory=set)
    """Who wanted a place and has none."""
    overfull: "frozenset[int]" = frozenset()
    """The shards that were held when it was last said that not all fit; empty: all fit."""
    lock: Lock = field(default_factory=Lock)

    def fits(self, session_id: SessionId) -> bool:
        """Whether there is a place for it, without anybody making way."""
        return session_id in self.placed or len(self.placed) < self.most

    async def take(self, session: Session) -> bool:
        """Take a place; whether it has one now. Who has been active less recently makes way.

        Raises UnavailableError.
        """
        async with self.lock:
            if not self.fits(session.id) and not await self._makes_way(session):
                self.beyond.add(session.id)
                return False
            self.placed.setdefault(session.id, session.created_at)
            self.beyond.discard(session.id)
            return True

    def leave(self, session_id: SessionId) -> None:
        """It wants no place any more, if it had one."""
        self.placed.pop(session_id, None)

    def tell(self, shards: Iterable[int], live: "set[SessionId]") -> None:
        """Say so when not all fit any more, and when they do again: once a change.

        `live` are the sessions of our shards that want a link; others are forgotten.
        """
        self.beyond &= live
        overfull = frozenset(shards) if self.beyond else frozenset[int]()
        if overfull == self.overfull:
            return
        self.overfull = overfull
        facts = {"links": len(self.placed), "most": self.most, "beyond": len(self.beyond)}
        if overfull:
            _log.error("listener.overfull", extra={"shards": sorted(overfull), **facts})
        else:
            _log.info("listener.fits_again", extra=facts)

    async def _makes_way(self, session: Session) -> bool:
        """Whether there is room now: who was active least recently goes, if that was before it.

        By what is known at first: nobody was active less recently than that. The table is asked
        only about who comes first by it.
        """
        mine = await self._last_active(session.id, session.created_at)
        while len(self.placed) >= self.most:
            least = min(self.placed, key=self.placed.__getitem__)
            known = self.placed[least]
            latest = await self._last_active(least, known)
            if self.placed.get(least) != known:
                # It left meanwhile.
                continue
            self.placed[least] = latest
            if latest > known:
                continue
            if latest >= mine:
                return False
            self.leave(least)
            self.beyond.add(least)
            self.evict(least)
        return True

    async def _last_active(self, session_id: SessionId, at_least: float) -> float:
        """When its log last grew."""
        last = await self.sessions.tail(session_id, limit=1)
        return max([at_least, *(event.at for event in last)])
