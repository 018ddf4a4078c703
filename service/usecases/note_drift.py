"""Counts what frames have that no table of ours knows, and writes it down now and then.

Nothing is written for a frame. What a process has not written yet is lost with it: drift that
matters comes again.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

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
MOST_KINDS: Final = 200
"""As many a process counts apart, of all deployments."""
MOST_KNOWN: Final = 2000

_Key = tuple[TenantName, DeploymentName, str]


@dataclass(slots=True, kw_only=True)
class NoteDrift:
    """One for the whole process."""

    clock: Clock
    store: DriftStore
    waiting: "dict[_Key, Drift]" = field(default_factory=dict)
    known: "set[_Key]" = field(default_factory=set)
    """What was written by this process once."""
    fresh: bool = False
    """Whether a kind waits that this process never wrote."""
    flushed_at: float = 0.0

    def __call__(
        self, tenant: TenantName, deployment: DeploymentName, labels: Iterable[str], text: str
    ) -> None:
        """Count a frame's labels, each once. Neither fails nor waits."""
        for kind in sorted({kind_of(label) for label in labels}):
            self._count((tenant, deployment, kind), lambda: sample_of(text))

    async def settle(self) -> None:
        """Write down what waits, if it is time. Never fails."""
        is_time = self.clock.now() - self.flushed_at >= FLUSH_SECONDS
        if self.waiting and (self.fresh or is_time):
            await self.flush()

    async def flush(self) -> None:
        """Write down what waits. Never fails.

        What the table refused waits on; what it was at when the time was over may be lost.
        """
        self.fresh, self.flushed_at = False, self.clock.now()
        try:
            async with self.clock.timeout(WRITE_SECONDS):
                for key in list(self.waiting):
                    await self._write(key)
        except (BrokerError, TimeoutError) as error:
            _log.warning("drift.not_written", extra={"error": type(error).__name__})

    async def _write(self, key: _Key) -> None:
        drift = self.waiting.pop(key, None)
        if drift is None:
            # Another visit writes it.
            return
        try:
            await self.store.add(drift)
        except BrokerError:
            self.waiting.setdefault(key, drift)
            raise
        if len(self.known) >= MOST_KNOWN:
            self.known.clear()
        self.known.add(key)

    def _count(self, key: _Key, sample: Callable[[], Mapping[str, Any]]) -> None:
        now, there = self.clock.now(), self.waiting.get(key)
        if there is not None:
            self.waiting[key] = there.again(now)
            return
        tenant, deployment, kind = key
        if len(self.waiting) >= MOST_KINDS and kind != OTHER:
            self._count((tenant, deployment, OTHER), dict)
            return
        is_new = key not in self.known
        self.waiting[key] = Drift(
            tenant=tenant,
            deployment=deployment,
            kind=kind,
            count=1,
            first_at=now,
            last_at=now,
            # The table keeps the first one: none is made for what is there.
            sample=sample() if is_new else {},
        )
        self.fresh = self.fresh or is_new
