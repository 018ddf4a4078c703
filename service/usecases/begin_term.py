"""Who a listener is and how long it lives. Generations differ, so that not all end at once."""

from typing import Final

from service.domain.ids import LISTENER, ListenerName
from service.domain.lease import LinkLimits, Term
from service.ports import Ports

JITTER_SHARE: Final = 0.1
"""A generation is up to this much longer or shorter than what is set."""


def begin_term(
    ports: Ports,
    *,
    shards: int,
    links: LinkLimits,
    generation_seconds: float | None,
    idle_seconds: float | None = None,
) -> Term:
    """A new listener's term, which begins now; without a generation it has no end."""
    retires_at = None
    if generation_seconds is not None:
        share = 1 + JITTER_SHARE * (2 * ports.ids.jitter() - 1)
        retires_at = ports.clock.now() + share * generation_seconds
    return Term(
        name=ListenerName(ports.ids.ulid(LISTENER)),
        shards=shards,
        max_links=links.claimed,
        most_links=links.most,
        generation_seconds=generation_seconds,
        retires_at=retires_at,
        idle_seconds=idle_seconds,
    )
