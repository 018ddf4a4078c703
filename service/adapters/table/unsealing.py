"""Read what is encrypted, fetching first what opens it. Reading items itself stays plain code."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from service.adapters.table.conditions import Item
from service.domain.errors import ConfigurationError, UnavailableError
from service.ports.keys import SealedError

T = TypeVar("T")

_log = logging.getLogger(__name__)


async def unsealed(read: Callable[[], T]) -> T:
    """What `read` reads. Raises what a fetch raises: UnavailableError, ConfigurationError."""
    while True:
        try:
            return read()
        except SealedError as sealed:
            fetch = sealed.fetch
        # Each fetch opens one key more, or raises.
        await fetch()


async def readable(items: Iterable[Item], read: Callable[[Item], T]) -> Sequence[tuple[Item, T]]:
    """What `read` reads of each, but for what cannot be opened: one lost value hides no other.

    Raises UnavailableError where what opens it is only away: a listing without it would be wrong.
    """
    found = []
    for item in items:
        try:
            found.append((item, await _opened(item, read)))
        except ConfigurationError as fault:
            named = f"{item['pk']} {item['sk']}"
            _log.warning("table.unreadable", extra={"item": named, "error": str(fault)})
    return found


async def _opened(item: Item, read: Callable[[Item], T]) -> T:
    """Raises ConfigurationError also where what opens it says no: that may last for ever."""
    try:
        return await unsealed(lambda: read(item))
    except UnavailableError as away:
        if not away.is_refused:
            raise
        raise ConfigurationError(str(away)) from away
