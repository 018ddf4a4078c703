"""How lanes share the few requests that an endpoint takes at a time: none of them keeps its place.

A run may last 50 seconds and begins again at once. Whoever kept a place for so long would hold up
all other sessions of the endpoint, which ask for one every second or two.
"""

from typing import Final

from service.usecases.endpoint_gate import WAIT_FOR_PLACE, EndpointGate, Turned
from service.usecases.read_lane import Hold

KEPT_SECONDS: Final = 1.0
"""After so long with a place it is left to others."""
AWAY_MOST: Final = 2 * WAIT_FOR_PLACE
"""By then everybody who waits has asked once."""
SHORT_SECONDS: Final = 2.5
"""A wait that is worth staying for: to let go and come back costs two writes and a hint."""
LEAST_SECONDS: Final = 0.1
PATIENCE_SECONDS: Final = 10.0
"""Who got no place for so long lets go."""


async def give_way(gate: EndpointGate, hold: Hold) -> None:
    """Leave a place that was kept for a moment, and stay away as long, the lane still in our hands.

    A probe keeps it: it would not be let in again.
    """
    entry = hold.entry
    if hold.endpoint.max_concurrency is None or entry is None or entry.probes:
        return
    kept = gate.clock.monotonic() - entry.taken_at
    if kept < KEPT_SECONDS:
        return
    hold.entry = None
    await gate.go_out(hold.endpoint.id, entry)
    wait = min(kept, AWAY_MOST)
    if gate.clock.monotonic() + wait <= hold.last_start:
        await gate.clock.sleep(wait)


def wait_inside(gate: EndpointGate, hold: Hold, turned: Turned) -> float | None:
    """Seconds after which to ask again without letting go; None where that is not worth it."""
    if hold.endpoint.max_concurrency is None:
        return None  # on its way back: whoever is let in comes by hints, a few at a time
    now = gate.clock.monotonic()
    wait = max(LEAST_SECONDS, turned.until - gate.clock.now())
    hold.outside_since = now if hold.outside_since is None else hold.outside_since
    ends = min(hold.last_start, hold.outside_since + PATIENCE_SECONDS)
    return None if turned.down or wait > SHORT_SECONDS or now + wait > ends else wait
