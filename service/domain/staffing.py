"""How many listeners are missing. Pure; who starts them is not known here.

Starting one too many is harmless: it finds nothing to hold and ends itself. So this need not be
right at every moment, only soon enough and without storms.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Final

from service.domain.ids import ListenerName
from service.domain.lease import LEAD_MOST_SECONDS, Lease

PATIENCE_SECONDS: Final = 20.0
"""How long a lapsed lease is left to the listeners that are there and have room."""


def missing(leases: Sequence[Lease], live: Mapping[int, int], *, max_links: int, now: float) -> int:
    """How many to start, with so many `live` sessions in each shard that nobody holds."""
    rooms = _rooms(leases, max_links, now)
    left = 0
    for lease in leases:
        links = _unattended(lease, live, now)
        heir = next((name for name, room in rooms.items() if room >= links), None)
        if heir is None or _waits_too_long(lease, now):
            left += links
        else:
            rooms[heir] -= links
    return ceil(left / max_links)


def unattended(leases: Sequence[Lease], live: Mapping[int, int], *, now: float) -> list[int]:
    """Shards with live sessions whose lease lapsed longer ago than anybody needs to take it."""
    return [
        lease.shard
        for lease in leases
        if live.get(lease.shard, 0) and not lease.is_valid(now) and _waits_too_long(lease, now)
    ]


def _rooms(leases: Sequence[Lease], max_links: int, now: float) -> dict[ListenerName, int]:
    """What those who stay can still take."""
    rooms: dict[ListenerName, int] = {}
    for lease in leases:
        stays = lease.is_valid(now) and not lease.is_retiring(now, lead=LEAD_MOST_SECONDS)
        if stays and lease.owner is not None:
            rooms[lease.owner] = rooms.get(lease.owner, max_links) - lease.links
    return rooms


def _unattended(lease: Lease, live: Mapping[int, int], now: float) -> int:
    """Links that nobody keeps, or will keep when the owner's generation ends."""
    if not lease.is_valid(now):
        return live.get(lease.shard, 0)
    changes_hands = lease.successor(now) is not None or lease.predecessor(now) is not None
    retires = lease.is_retiring(now, lead=LEAD_MOST_SECONDS)
    return lease.links if retires and not changes_hands else 0


def _waits_too_long(lease: Lease, now: float) -> bool:
    return now - lease.expires_at > PATIENCE_SECONDS
