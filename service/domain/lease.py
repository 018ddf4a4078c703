"""A shard's lease: who holds the links of its sessions, until when, and who comes next.

Pure. Leases are for efficiency: whoever works on a shard without knowing that it lost it wastes
work, and its fence keeps it from changing a session. Wall-clock times are seconds since the epoch
as the writer's clock tells them; two machines' clocks may differ by 2 s.
"""

from dataclasses import dataclass
from typing import Final

from service.domain.ids import ListenerName

LEASE_SECONDS: Final = 15.0
RENEW_SECONDS: Final = 5.0
MARGIN_SECONDS: Final = 6.0
"""A holder stops believing in its lease this long before it lapses, by its own monotonic clock.

More than two clocks may differ (one behind, one ahead: 4 s) and a renewal may take on its way.
"""
DRAIN_LEAST_SECONDS: Final = 30.0
"""How long a predecessor keeps the links of a shard that it gave away, at the least."""
ATTACHES_PER_SECOND: Final = 10.0
"""How fast a successor attaches to sessions that somebody still holds."""
MOST_LINKS: Final = 800
"""The hard stop: the most links that one process keeps, and may be told to hold."""
LEAD_SHARE: Final = 0.25
LEAD_MOST_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One shard's lease item."""

    shard: int
    fence: int = 0
    """Grows by one whenever the shard changes hands; a stale owner is told by it."""
    owner: ListenerName | None = None
    expires_at: float = 0.0
    retires_at: float | None = None
    """When the owner's generation ends; None for one that stays."""
    links: int = 0
    """How many links the owner held in this shard when it renewed last."""
    wanted_by: ListenerName | None = None
    wanted_until: float = 0.0
    """Until when the wish of a successor counts."""
    drainer: ListenerName | None = None
    drained_by: float = 0.0
    """The predecessor only takes in what arrives, until then at the latest."""

    def is_valid(self, now: float) -> bool:
        """Whether somebody holds it."""
        return self.owner is not None and self.expires_at > now

    def predecessor(self, now: float) -> ListenerName | None:
        """Who may still hold links of the shard besides its owner."""
        return self.drainer if self.drained_by > now else None

    def successor(self, now: float) -> ListenerName | None:
        """Who asked for it, if the wish still counts."""
        return self.wanted_by if self.wanted_until > now else None

    def is_retiring(self, now: float, *, lead: float) -> bool:
        """Whether the owner's generation ends within `lead` seconds."""
        return self.retires_at is not None and self.retires_at - now <= lead


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLimits:
    """How many links a listener claims shards for, and how many it can bear.

    It holds more than it claims for when a shard grows, or is one that it cannot refuse.
    """

    claimed: int
    most: int = MOST_LINKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Who a listener is, how much it holds, and for how long."""

    name: ListenerName
    shards: int
    """How many there are, not how many it holds."""
    max_links: int
    """Shards are claimed up to so many; the first one is claimed in any case, and shards grow."""
    most_links: int = MOST_LINKS
    """Sessions beyond so many are only touched."""
    generation_seconds: float | None = None
    retires_at: float | None = None
    """When its generation ends; None for one that stays."""
    idle_seconds: float | None = None
    """How long it stays without any session; None stays."""


def lead_of(generation_seconds: float | None) -> float:
    """How long before the end of a generation its shards are handed over."""
    if generation_seconds is None:
        return LEAD_MOST_SECONDS
    return min(LEAD_MOST_SECONDS, LEAD_SHARE * generation_seconds)


def should_ask(lease: Lease, me: ListenerName, retires_at: float | None, *, now: float) -> bool:
    """Whether `me`, whose own generation ends at `retires_at`, should ask the owner for it.

    The lead is that of the asker: a fleet has one generation length. Nobody asks who would have to
    hand it on before its owner must.
    """
    if not lease.is_valid(now) or lease.owner == me or lease.retires_at is None:
        return False
    if lease.successor(now) not in {None, me} or lease.predecessor(now) is not None:
        return False
    return retires_at is None or retires_at > lease.retires_at


def drain_seconds(links: int) -> float:
    """How long a predecessor waits for its successor to attach to so many sessions."""
    return DRAIN_LEAST_SECONDS + 2 * links / ATTACHES_PER_SECOND
