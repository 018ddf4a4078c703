"""The continuity receipt: what exactly happened to a session while its guest session was away."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from service.domain.ids import ClientId
from service.domain.instants import maybe_rfc3339
from service.domain.session import Outage, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a visit has counted since the outage began."""

    caught_up: int = 0
    proven: int = 0
    resent: int = 0
    unproven: int = 0
    history_complete: bool = False
    """Whether history was read to where it joins the log."""


def client_id_hash(client_id: ClientId) -> str:
    """A fingerprint by which two receipts can be compared; the client id itself is a secret."""
    return sha256(client_id.encode()).hexdigest()[:16]


def receipt(
    before: Session, after: Session, outage: Outage, tally: Tally, *, now: float
) -> Mapping[str, Any]:
    """The receipt of a recovery: `before` and `after` are the session on either side of it."""
    return {
        "cause": outage.cause.value,
        "code": outage.code,
        "lastGoodAt": maybe_rfc3339(outage.last_good_at),
        "outageSeconds": round(max(0.0, now - outage.last_good_at), 3),
        "caughtUp": tally.caught_up,
        "sends": {
            "proven": tally.proven,
            "resent": tally.resent,
            "unproven": tally.unproven,
        },
        "historyComplete": tally.history_complete,
        "previous": _side(before),
        "current": _side(after),
    }


def _side(session: Session) -> Mapping[str, Any]:
    return {
        "incarnation": session.incarnation,
        "clientIdHash": client_id_hash(session.client_id),
        "conversationId": session.conversation_id,
        "participantId": session.participant_id,
    }
