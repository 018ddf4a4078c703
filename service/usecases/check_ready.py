"""Whether this process can serve: the table answers. And whether its clock is right, if known."""

from dataclasses import dataclass

from service.ports.storage import TenantStore
from service.ports.system import Clock
from service.usecases.watch_clock import WatchClock

NOBODY = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReady:
    """Reads one thing that is never there."""

    tenants: TenantStore
    clock: Clock
    watch: WatchClock

    async def __call__(self) -> float | None:
        """By how many seconds our clock is behind, where several others say so.

        That alone makes nothing unready. Raises UnavailableError when the table does not answer.
        """
        await self.tenants.key_by_digest(NOBODY)
        return self.watch.skew(self.clock.now())
