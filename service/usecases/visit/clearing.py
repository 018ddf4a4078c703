"""What comes of a Clear that Genesys neither confirmed nor refused: once more, but not for ever.

Messages wait behind it, and so does whoever asked for the end.
"""

from typing import Final

from service.domain import events as ev
from service.domain.session import SETTLED_STATES
from service.usecases.visit.deciding import happen
from service.usecases.visit.desk import Desk, Phase

TRIES: Final = 5
"""Attaches that came to nothing before count too: a session remembers no other number."""


async def clear_unclear(desk: Desk, code: str) -> None:
    """It was answered oddly, or not at all, or with the end of the link. Raises SupersededError."""
    outage = desk.session.outage
    if outage is not None and outage.attempts >= TRIES - 1:
        desk.phase, desk.phase_until = Phase.READY, None
        await happen(desk, ev.ClearRefused(code=code))
        if desk.session.state in SETTLED_STATES:
            return
    # Should it have been carried out after all, the next attach tells.
    await happen(desk, ev.LinkFailed(code=code))


async def link_failed(desk: Desk, code: str) -> None:
    """The link is of no use any more, whatever it was used for. Raises SupersededError."""
    if desk.phase is Phase.CLEARING:
        await clear_unclear(desk, code)
    else:
        await happen(desk, ev.LinkFailed(code=code))
