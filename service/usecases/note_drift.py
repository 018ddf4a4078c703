"""Counts what frames have that no table of ours knows, and writes it down now and then.

Nothing is written for a frame. What a process has not written yet is lost with it: drift that
matters comes again. A peer decides what is in its frames: it costs a frame one sample, a deployment
a few kinds, and nobody else anything.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from service.domain.deployment import Deployment
from service.domain.drift import OTHER, Drift, kind_of
from service.domain.errors import BrokerError
from service.domain.ids import DeploymentName, TenantName
from service.guest.drift_sample import sample_of
from service.ports import Clock, DriftStore

_log = logging.getLogger(__name__)

FLUSH_SECONDS: Final = 60.0
"""How often kinds that were written before are written again; a new one is not kept waiting."""
WRITE_SECONDS: Final = 2.0
"""Whoever writes them down has something else to do."""
FULL_SECONDS: Final = 3600.0
"""How long a deployment whose list is full is believed to be so."""
MOST_OF_FRAME: Final = 16
"""As many kinds of one frame are counted apart."""
MOST_OF_DEPLOYMENT: Final = 20
"""As many of one deployment wait in a process apart."""
MOST_KINDS: Final = 200
"""As many a process counts apart, of all deployments."""
MOST_KNOWN: Final = 2000

_Line = tuple[TenantName, DeploymentName, float]
"""A deployment as it was made; one that was deleted and made anew is another."""
_Key = tuple[_Line, str]


@dataclass(slots=True, kw_only=True)
class NoteDrift:
    """One for the whole process."""

    clock: Clock
    store: DriftStore
    waiting: "dict[_Line, dict[str, Drift]]" = field(default_factory=dict)
    known: "set[_Key]" = field(default_factory=set)
    """What was written by this process once."""
    full: "dict[_Line, float]" = field(default_factory=dict)
    """Since when no new kind of these deployments fits into the table."""
    fresh: bool = False
    """Whether a kind waits that this process never wrote."""
    flushed_at: float = 0.0

    def __call__(self, deployment: Deployment, labels: Iterable[str], text: str) -> None:
        """Count a frame's labels, each once. Neither fails nor waits."""
        line = (deployment.tenant, deployment.name, deployment.created_at)
        kinds = sorted({kind_of(label) for label in labels})
        if not kinds:
            return
        sample = cache(lambda: sample_of(text))
        counted = {OTHER} if len(kinds) > MOST_OF_FRAME else set()
        for kind in kinds[:MOST_OF_FRAME]:
            place = self._place(line, kind)
            counted.add(place)
            if place != OTHER:
                self._count((line, kind), sample)
        if OTHER in counted:
            self._count((line, OTHER), dict)

    async def settle(self) -> None:
        """Write down what waits, if it is time. Never fails."""
        if self.waiting and (self.fresh or self._is_over(self.flushed_at, FLUSH_SECONDS)):
            await self.flush()

    async def flush(self) -> None:
        """Write down what waits. Never fails.

        What the table refused waits on; what it was at when the time was over may be lost.
        """
        self.fresh, self.flushed_at = False, self.clock.now()
        try:
            async with self.clock.timeout(WRITE_SECONDS):
                for key in [(line, kind) for line, kinds in self.waiting.items() for kind in kinds]:
                    await self._write(key)
        except (BrokerError, TimeoutError) as error:
            _log.warning("drift.not_written", extra={"error": type(error).__name__})

    def _is_over(self, since: float, seconds: float) -> bool:
        # By the wall clock, as a Lambda is frozen and the other one with it; that one may be set
        # back, and then nobody knows how long it was.
        return not 0 <= self.clock.now() - since < seconds

    def _place(self, line: _Line, kind: str) -> str:
        """The kind it is counted as: `other` where it does not fit."""
        there = self.waiting.get(line, {})
        if kind in there or kind == OTHER:
            return kind
        if line in self.full and (line, kind) not in self.known:
            if not self._is_over(self.full[line], FULL_SECONDS):
                return OTHER
            del self.full[line]
        every = sum(len(kinds) for kinds in self.waiting.values())
        fits = len(there) < MOST_OF_DEPLOYMENT and every < MOST_KINDS
        return kind if fits else OTHER

    def _count(self, key: _Key, sample: Callable[[], Mapping[str, Any]]) -> None:
        line, kind = key
        now, kinds = self.clock.now(), self.waiting.setdefault(line, {})
        if kind in kinds:
            kinds[kind] = kinds[kind].again(now)
            return
        tenant, deployment, made_at = line
        is_new = key not in self.known
        kinds[kind] = Drift(
            tenant=tenant,
            deployment=deployment,
            made_at=made_at,
            kind=kind,
            count=1,
            first_at=now,
            last_at=now,
            # The table keeps the first one: none is made for what is there.
            sample=sample() if is_new else {},
        )
        self.fresh = self.fresh or is_new

    async def _write(self, key: _Key) -> None:
        drift = self._taken(key)
        if drift is None:
            # Another visit writes it.
            return
        try:
            kept_as = await self.store.add(drift)
        except BrokerError:
            self._put_back(key, drift)
            raise
        if kept_as == drift.kind:
            self._remember(key)
        else:
            self._remember_full(key[0])

    def _taken(self, key: _Key) -> Drift | None:
        line, kind = key
        kinds = self.waiting.get(line, {})
        drift = kinds.pop(kind, None)
        if not kinds:
            self.waiting.pop(line, None)
        return drift

    def _put_back(self, key: _Key, drift: Drift) -> None:
        """What a frame counted meanwhile is added to it."""
        line, kind = key
        kinds = self.waiting.setdefault(line, {})
        kinds[kind] = drift.and_also(kinds[kind]) if kind in kinds else drift

    def _remember(self, key: _Key) -> None:
        if len(self.known) >= MOST_KNOWN:
            self.known.clear()
        self.known.add(key)

    def _remember_full(self, line: _Line) -> None:
        if len(self.full) >= MOST_KNOWN:
            self.full.clear()
        self.full[line] = self.clock.now()
