"""How long a visitor stays and by what right: all that differs between visitors."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from service.ports import Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """`until` is on the monotonic clock; None stays as long as there is a reason to.

    `satisfied` lets a visit on demand leave as soon as its caller has what it came for. `reconcile`
    makes it stay for the second history read, and lets it remove the work mark.
    """

    writer: str
    """Who writes: the lock's token or the listener's name. Marks sends and holds."""
    listener: bool
    fence: int | None = None
    """The fence of the shard's lease, for a listener."""
    predecessor: str | None = None
    """The listener that gave the shard away and may still hold its link."""
    until: float | None = None
    satisfied: Callable[[], Awaitable[bool]] | None = None
    reconcile: bool = False

    def authority(self, now: float) -> Authority:
        """By what right this visitor changes the session."""
        if self.listener:
            return Authority(listener=self.writer, fence=self.fence, now=now)
        return Authority(lock_token=self.writer, now=now)
