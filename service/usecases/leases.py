"""The shards of one listener: taken, renewed, asked for, given away, and no longer believed in.

What a lease allows ends on our own monotonic clock, a margin before others may see it lapse, also
when the table does not answer. Nothing here knows of links.
"""

import logging
from asyncio import gather
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from service.domain.errors import BrokerError
from service.domain.ids import ListenerName
from service.domain.lease import (
    LEASE_SECONDS,
    MARGIN_SECONDS,
    Lease,
    Term,
    drain_seconds,
    lead_of,
    should_ask,
)
from service.ports import Ports

_log = logging.getLogger(__name__)

WISH_SECONDS: Final = 15.0
"""How long a wish counts: a successor that died does not keep others from asking."""
HAND_OVER_LINKS: Final = 20
"""How many links may be on their way to one successor: two seconds' worth of attaches."""

GIVE_BACK_SECONDS: Final = 2.0
"""How long the table is waited for when everything is given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lease of ours, and until when it is ours for certain, on the monotonic clock."""

    lease: Lease
    good_until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A shard that we gave away, the lease as it is now, and until when we take in what arrives.

    `until` is on the monotonic clock.
    """

    lease: Lease
    until: float


@dataclass(slots=True, kw_only=True)
class Leases:
    """What one listener holds."""

    ports: Ports
    term: Term
    held: "dict[int, Held]" = field(default_factory=dict)
    over: bool = False
    """Everything was given back: what is still answered is not ours any more."""
    gone: "set[int]" = field(default_factory=set)
    given: "list[Given]" = field(default_factory=list)
    """What nobody was told of yet: a call that hangs may end `renew` before it returns."""
    brisk_until: float = 0.0
    """Something is about to change hands: look more often, on the monotonic clock."""

    def of(self, shard: int) -> Lease | None:
        """The lease of a shard, if it is certainly ours now."""
        held = self.held.get(shard)
        if held is None or self._doubtful(held):
            return None
        return held.lease

    def certain_for(self) -> float | None:
        """Seconds until the first of the leases is in doubt; None where none is held."""
        if not self.held:
            return None
        first = min(held.good_until for held in self.held.values())
        return max(0.0, first - MARGIN_SECONDS - self.ports.clock.monotonic())

    def is_changing(self) -> bool:
        """Whether shards are about to change hands, here or from elsewhere to here."""
        clock = self.ports.clock
        lead = lead_of(self.term.generation_seconds)
        ends = self.term.retires_at is not None and self.term.retires_at - clock.now() <= lead
        return ends or clock.monotonic() < self.brisk_until

    def let_go_of_doubtful(self) -> set[int]:
        """Stop believing in what others may soon see lapse; which shards those were."""
        lost = {shard for shard, held in self.held.items() if self._doubtful(held)}
        for shard in lost:
            del self.held[shard]
        if lost:
            _log.error("listener.leases_unsure", extra={"shards": sorted(lost)})
        return lost

    async def renew(self, links: Mapping[int, int]) -> tuple[set[int], list[Given]]:
        """Extend what is held, tell its links, and give away what a successor asked for.

        Returns the shards that were lost, and those given away.
        """
        mine = dict(self.held)
        ends = await gather(
            *(self._renew(held.lease, links.get(shard, 0)) for shard, held in mine.items()),
            return_exceptions=True,
        )
        # One that could not be asked for is believed in until its time is over.
        lost = {shard for shard, kept in zip(mine, ends, strict=True) if kept is None}
        failed = next((end for end in ends if isinstance(end, BaseException)), None)
        for shard in lost:
            self.held.pop(shard, None)
        self.gone |= lost
        await self._give(links)
        if failed is not None and not isinstance(failed, BrokerError):
            raise failed
        return self._news()

    def _news(self) -> tuple[set[int], list[Given]]:
        gone, self.gone = self.gone, set()
        given, self.given = self.given, []
        if gone:
            _log.warning("listener.shards_lost", extra={"shards": sorted(gone)})
        return gone, given

    async def take(self, links: int) -> set[int]:
        """Claim free shards while there is room, and ask for those whose owner retires.

        Returns the shards that are ours now and were not before.
        """
        now = self.ports.clock.now()
        fresh: set[int] = set()
        free: list[Lease] = []
        asked = 0
        for lease in await self.ports.shards.leases(self.term.shards):
            if lease.shard in self.held:
                continue
            if lease.owner == self.term.name and lease.is_valid(now):
                # Given to us, or taken by a request whose answer was lost.
                if await self._renew(lease, 0) is not None:
                    fresh.add(lease.shard)
            elif not lease.is_valid(now):
                free.append(lease)
            elif self._asks(lease, links + asked, now) and asked < HAND_OVER_LINKS:
                await self._ask(lease)
                asked += max(1, lease.links)
        if self._retires(now):
            return fresh
        return fresh | await self._claim(free, links)

    def retire(self) -> None:
        """End our generation now, if it has not ended: others learn it from the next renewal."""
        now = self.ports.clock.now()
        self.term = replace(self.term, retires_at=min(now, self.term.retires_at or now))

    async def release(self) -> None:
        """Give everything back; nothing is held again after it.

        What the table does not take within `GIVE_BACK_SECONDS` lapses by itself, and is told.
        """
        self.over = True
        held, self.held = self.held, {}
        left = set(held)
        with suppress(TimeoutError):
            async with self.ports.clock.timeout(GIVE_BACK_SECONDS):
                await gather(*(self._give_back(each.lease, left) for each in held.values()))
        if left:
            _log.warning("listener.not_released", extra={"shards": sorted(left)})

    async def _give_back(self, lease: Lease, left: set[int]) -> None:
        with suppress(BrokerError, TimeoutError):
            await self.ports.shards.release(lease)
            left.discard(lease.shard)

    def _retires(self, now: float) -> bool:
        return self.term.retires_at is not None and now >= self.term.retires_at

    def _asks(self, lease: Lease, links: int, now: float) -> bool:
        lead = lead_of(self.term.generation_seconds)
        if self._retires(now) or not lease.is_retiring(now, lead=lead):
            return False
        has_room = links + lease.links <= self.term.max_links or not self.held
        return has_room and should_ask(lease, self.term.name, self.term.retires_at, now=now)

    async def _ask(self, lease: Lease) -> None:
        now = self.ports.clock.now()
        self.brisk_until = self.ports.clock.monotonic() + WISH_SECONDS
        await self.ports.shards.ask(lease, self.term.name, now=now, until=now + WISH_SECONDS)

    async def _claim(self, free: list[Lease], links: int) -> set[int]:
        """Take what is free, as long as its live sessions fit; one shard is taken in any case."""
        counts = await gather(*(self.ports.sessions.live_in_shard(lease.shard) for lease in free))
        wanted: list[int] = []
        for lease, live in zip(free, counts, strict=True):
            if links + len(live) > self.term.max_links and (self.held or wanted):
                continue
            links += len(live)
            wanted.append(lease.shard)
        won = await gather(*(self._acquire(shard) for shard in wanted))
        return {shard for shard, is_ours in zip(wanted, won, strict=True) if is_ours}

    async def _acquire(self, shard: int) -> bool:
        clock, term = self.ports.clock, self.term
        begun, now = clock.monotonic(), clock.now()
        lease = await self.ports.shards.acquire(
            shard, term.name, now=now, until=now + LEASE_SECONDS, retires_at=term.retires_at
        )
        if lease is not None and self.over:
            # It was won after everything had been given back: nobody else need wait for it.
            await self.ports.shards.release(lease)
        return self._keep(lease, begun)

    async def _renew(self, lease: Lease, links: int) -> Lease | None:
        clock = self.ports.clock
        begun = clock.monotonic()
        told = replace(lease, links=links, retires_at=self.term.retires_at)
        # Who gave it to us may have a clock that is ahead of ours.
        until = max(clock.now() + LEASE_SECONDS, lease.expires_at)
        kept = await self.ports.shards.renew(told, until=until)
        self._keep(kept, begun)
        return kept

    def _keep(self, lease: Lease | None, begun: float) -> bool:
        if lease is None or self.over:
            return False
        self.held[lease.shard] = Held(lease=lease, good_until=begun + LEASE_SECONDS)
        return True

    async def _give(self, links: Mapping[int, int]) -> None:
        """Give each shard that somebody asked for to who asked."""
        for shard, held in list(self.held.items()):
            clock = self.ports.clock
            successor = held.lease.successor(clock.now())
            if successor is None or successor == self.term.name:
                continue
            # From here on nothing is begun under it, whatever comes of the write.
            if self.held.pop(shard, None) is None:
                # It became doubtful while others were given away.
                continue
            self.gone.add(shard)
            seconds = drain_seconds(links.get(shard, 0))
            until = clock.monotonic() + seconds
            lease = await self._transfer(held.lease, successor, seconds)
            if lease is not None:
                self.gone.discard(shard)
                self.given.append(Given(lease=lease, until=until))

    async def _transfer(
        self, lease: Lease, successor: ListenerName, seconds: float
    ) -> Lease | None:
        now = self.ports.clock.now()
        try:
            return await self.ports.shards.transfer(
                lease, successor, until=now + LEASE_SECONDS, drained_by=now + seconds
            )
        except BrokerError:
            # It may have been given away: whoever has it now, it is not ours.
            return None

    def _doubtful(self, held: Held) -> bool:
        return self.ports.clock.monotonic() >= held.good_until - MARGIN_SECONDS
