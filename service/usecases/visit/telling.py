"""The one line of a visit, however it ends."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from service.domain.errors import SupersededError
from service.domain.ids import SessionId
from service.domain.session import Session
from service.ports import Clock
from service.usecases.visit.desk import Desk
from service.usecases.visit.stay import Stay

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Visited:
    """What is known of a visit so far."""

    session: Session | None
    """As it was read; None before."""
    desk: Desk | None = None
    """None where it could not even sit down: the log or the deployment could not be read."""
    outcome: str = "cut"
    """`done`, `superseded` (somebody else changed the session), `failed`, or `cut` off."""
    error: str | None = None


@contextmanager
def telling(
    session_id: SessionId, stay: Stay, clock: Clock, *, locked: Session | None
) -> Iterator[Visited]:
    """Write the line at the end of the block, whatever the block raises."""
    visited, begun = Visited(locked), clock.now()
    try:
        yield visited
        visited.outcome = "done"
    except SupersededError:
        visited.outcome = "superseded"
        raise
    except Exception as error:
        visited.outcome, visited.error = "failed", type(error).__name__
        raise
    finally:
        facts = {
            "session_id": session_id,
            "listener": stay.listener,
            "seconds": round(clock.now() - begun, 3),
            "outcome": visited.outcome,
            "error": visited.error,
        }
        _log.info("session.visited", extra=facts | _found(visited))


def _found(visited: Visited) -> dict[str, object]:
    desk = visited.desk
    session = desk.session if desk is not None else visited.session
    if session is None:
        return {}
    facts: dict[str, object] = {
        "tenant": session.tenant,
        "deployment": session.deployment,
        "state": session.state.value,
    }
    if desk is not None:
        facts |= {
            "sequence": desk.writer.window.last_sequence,
            "open_sends": len(desk.sends),
        }
    return facts
