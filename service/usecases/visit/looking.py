"""A visit under a lock, from which nobody takes what it does: it looks for what callers accept.

The sweeper stays for a second read of history. Callers of other processes would wait behind its
lock all that time, and have no way to tell it; those of its own process nudge it.
"""

from typing import Final

from service.usecases.visit.desk import Desk, Phase
from service.usecases.visit.settling import reload_sends

LOOK_SECONDS: Final = 0.5
"""How long a message waits at the most, at a read unit for each look."""


def look_due(desk: Desk) -> float | None:
    """When to look; None where somebody tells of each message, or nothing could be sent now."""
    sweeps = desk.stay.reconcile and not desk.stay.listener
    if not sweeps or desk.phase is not Phase.READY or desk.sends:
        return None
    return desk.sends_at + LOOK_SECONDS


async def look_for_sends(desk: Desk) -> None:
    """Take in what was accepted, if it is time."""
    due = look_due(desk)
    if due is not None and due <= desk.now:
        await reload_sends(desk)
