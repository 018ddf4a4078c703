"""Learns the contact centre's own ids, where the deployment has platform credentials.

They are never on the Guest API's wire. The answer may take a while to exist, so the question is
asked again a few times, and again with the next message.
"""

from asyncio import create_task
from typing import Final

from service.domain.deployment import PlatformCredentials
from service.domain.errors import PlatformUnavailableError
from service.usecases.visit.desk import Desk
from service.usecases.visit.inbox import ConversationKnown, Nudged

PAUSES: Final = (0.0, 0.5, 1.0, 2.0, 4.0)
"""A fresh message is not indexed at once."""


def ask_for_conversation(desk: Desk, body_id: str | None) -> None:
    """Ask which conversation a message belongs to, unless it is known or being asked."""
    platform = desk.deployment.platform
    known = desk.session.conversation_id is not None
    if body_id is None or platform is None or known or is_asking(desk):
        return
    asked = _ask(desk, platform, body_id=body_id, incarnation=desk.session.incarnation)
    desk.asking = create_task(asked)


def is_asking(desk: Desk) -> bool:
    """Whether the question is under way."""
    return desk.asking is not None and not desk.asking.done()


async def _ask(
    desk: Desk, platform: PlatformCredentials, *, body_id: str, incarnation: int
) -> None:
    for pause in PAUSES:
        await desk.ports.clock.sleep(pause)
        try:
            found = await desk.ports.platform.conversation_of(
                desk.deployment, platform, body_id=body_id
            )
        except PlatformUnavailableError:
            continue
        if found is not None:
            desk.inbox.put(ConversationKnown(incarnation, found[0], found[1]))
            return
    # Whoever waited for the answer need not wait any longer.
    desk.inbox.put(Nudged())
