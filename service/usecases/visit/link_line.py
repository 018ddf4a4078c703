"""A link is let go of, and one line tells of its life."""

import logging
from typing import Final

from service.domain.timeline import Kind
from service.usecases.visit.desk import Desk
from service.usecases.visit.guest_link import GuestLink
from service.usecases.visit.noting import note

_log = logging.getLogger(__name__)

_CLOSED: Final = 1000
"""RFC 6455, 7.4.1: as either side wished."""


async def end_link(desk: Desk, link: GuestLink) -> None:
    """Close it. What the peer gave as its reason is not told: it may quote what was said."""
    try:
        await link.close()
    finally:
        if link.lost in {None, _CLOSED}:
            note(desk, Kind.LINK, "closed", link=link.name)
        _log.info(
            "link.ended",
            extra={
                "session_id": desk.session.id,
                "tenant": desk.session.tenant,
                "deployment": desk.session.deployment,
                "link": link.name,
                "listener": desk.stay.listener,
                "outcome": "closed" if link.lost in {None, _CLOSED} else "lost",
                "code": link.lost,
                "seconds": round(desk.now - link.opened_at, 3),
                "sent": link.sent,
                "received": link.received,
            },
        )
