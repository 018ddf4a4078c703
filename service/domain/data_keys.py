"""Which data key encrypts when: the ring of a broker's data keys, all of them wrapped.

A new key is announced well before it is used, so that every process has it by then. Old ones stay
for ever: what they encrypted is still there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

DAY: Final = 86_400.0
ANNOUNCED_SECONDS: Final = DAY
"""Between making and using a key. Longer than any function lives after a deploy, too: a process of
the old settings, which cannot open what a data key encrypted, is gone by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """One data key, as the table keeps it."""

    id: str
    """What encrypted values name it by."""
    wrapped: str
    """Base64; only the key service opens it."""
    made_at: float
    used_from: float
    wrapped_by: str = ""
    """The key service's own name for the key that wraps it; empty where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """All data keys of a broker in the order they were made; version 0 is not in the table yet."""

    version: int = 0
    keys: tuple[DataKey, ...] = ()


def named(ring: KeyRing, key_id: str) -> DataKey | None:
    """The key of that name."""
    return next((key for key in ring.keys if key.id == key_id), None)


def usable(ring: KeyRing, now: float, *, may_wait: bool) -> Sequence[DataKey]:
    """The keys that may encrypt, the best first: the one that came into use last.

    Where none has begun and nothing else could encrypt it is the earliest: whoever made it has a
    clock that is ahead, or a file that is not here.
    """
    begun = [key for key in reversed(ring.keys) if key.used_from <= now]
    if begun or may_wait:
        return sorted(begun, key=lambda key: key.used_from, reverse=True)
    # Of those that begin together the later one, as above.
    earliest = min(reversed(ring.keys), key=lambda key: key.used_from, default=None)
    return [] if earliest is None else [earliest]


def coming(ring: KeyRing, now: float, *, ahead_seconds: float) -> Sequence[DataKey]:
    """The keys that come into use from now until then."""
    return [key for key in ring.keys if now < key.used_from <= now + ahead_seconds]


def is_due(ring: KeyRing, now: float, *, rotation_seconds: float) -> bool:
    """Whether the next key is to be made, so that it is announced when the newest has served."""
    if not ring.keys:
        return True
    newest = max(key.used_from for key in ring.keys)
    return now >= newest + rotation_seconds - ANNOUNCED_SECONDS


def begins(ring: KeyRing, now: float, *, may_wait: bool) -> float:
    """When a key that is made now is used: at once only where nothing else could encrypt."""
    return now + ANNOUNCED_SECONDS if ring.keys or may_wait else now


def with_key(ring: KeyRing, key: DataKey) -> KeyRing:
    """The ring with one more."""
    return replace(ring, version=ring.version + 1, keys=(*ring.keys, key))
