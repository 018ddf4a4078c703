"""How many links the process's file descriptors are enough for."""

import logging
import resource
from dataclasses import dataclass
from typing import Final

from service.domain.errors import ConfigurationError
from service.domain.lease import MOST_LINKS, LinkLimits

_log = logging.getLogger(__name__)

RESERVED: Final = 192
"""For the table's and the webhooks' connections, REST, the liveness endpoint, files and threads."""
SPARE_SHARE: Final = 4
"""One in so many more: a link that closes keeps its descriptor while the next one opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The limit to ask for, and the links that then fit."""

    limit: int
    links: int


def room(wanted: int, *, soft: int, hard: int) -> Room:
    """What so many links need of these limits; raises the soft one only where it must."""
    need = RESERVED + wanted + wanted // SPARE_SHARE
    if _is_enough(soft, need):
        return Room(limit=soft, links=wanted)
    if _is_enough(hard, need):
        # Some systems refuse a limit without end.
        return Room(limit=need if hard == resource.RLIM_INFINITY else hard, links=wanted)
    fit = max(0, hard - RESERVED) * SPARE_SHARE // (SPARE_SHARE + 1)
    return Room(limit=hard, links=min(wanted, fit))


def make_room(wanted: int) -> LinkLimits:
    """Raise the process's limit where it has to be, and tell how many links fit.

    There has to be room for all that a process may hold, not only for what it wants. Raises
    ConfigurationError where not even one link fits.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = room(max(wanted, MOST_LINKS), soft=soft, hard=hard)
    if found.limit != soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (found.limit, hard))
    if found.links < 1:
        fault = f"file descriptors: the limit of {hard} leaves none for links (ulimit -n)"
        raise ConfigurationError(fault)
    if found.links < wanted:
        _log.warning(
            "listener.links_limited",
            extra={"wanted": wanted, "links": found.links, "descriptors": found.limit},
        )
    return LinkLimits(claimed=min(wanted, found.links), most=found.links)


def _is_enough(limit: int, need: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= need
