"""Sessions: made, found, extended, ended, forgotten; and the answer to `configureSession`.

The outcome matrix of a configure is `decide`. It must not send anything but its own events.
"""

from dataclasses import dataclass
from functools import partial

from service.simulator.deployments import allowed_media
from service.simulator.frames import Code
from service.simulator.knobs import Reattach
from service.simulator.lines import evict
from service.simulator.outbox import send
from service.simulator.requests import expired_event
from service.simulator.session import Connection, Session, SessionState
from service.simulator.shapes import JsonObject
from service.simulator.state import WorldState


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a configure comes to: a session kept, a new one, or a refusal by code."""

    kept: Session | None = None
    code: int = Code.OK


def decide(state: WorldState, key: tuple[str, str], *, start_new: bool, user: str) -> Verdict:
    """Apply the outcome matrix to (deployment, token)."""
    session = state.sessions.get(key)
    if session is None:
        return _unknown(state, key)
    if session.user and not user:
        return Verdict(code=Code.CANNOT_DOWNGRADE)
    return Verdict() if start_new else _found(state, session)


def _found(state: WorldState, session: Session) -> Verdict:
    if not session.expired(state.now):
        return Verdict(kept=session)
    if session.read_only and not state.knobs.read_only_expires:
        return Verdict(kept=session)
    refused = state.knobs.configure_expired is Reattach.REFUSED
    return Verdict(code=Code.SESSION_EXPIRED) if refused else Verdict()


def _unknown(state: WorldState, key: tuple[str, str]) -> Verdict:
    died = key in state.dead_tokens
    rule = state.knobs.configure_dead_token if died else state.knobs.configure_forgotten
    refused = key in state.seen_tokens and rule is Reattach.REFUSED
    return Verdict(code=Code.SESSION_NOT_FOUND) if refused else Verdict()


def new_session(state: WorldState, key: tuple[str, str], user: str) -> Session:
    """Make a session; an earlier one of the same token becomes unreachable."""
    forget(state, key)
    deployment, token = key
    session = Session(
        id=state.ids.uuid(), deployment=deployment, token=token, expires_at=0.0, user=user
    )
    extend(state, session)
    state.sessions[key] = session
    state.seen_tokens.add(key)
    return session


def forget(state: WorldState, key: tuple[str, str]) -> None:
    """Lose a session. Its connections stay open; their next request finds nothing."""
    session = state.sessions.pop(key, None)
    if session is not None:
        session.gone = True


def extend(state: WorldState, session: Session) -> None:
    """Move the end of the session to a full idle time from now."""
    session.expires_at = state.now + duration(state, session)
    if state.knobs.push_expiry:
        wait = session.expires_at - state.now
        state.after(wait, partial(_announce_expiry, state, session))


def duration(state: WorldState, session: Session) -> int:
    """Return the idle time of a session in seconds."""
    return state.deployments[session.deployment].session_seconds


def _announce_expiry(state: WorldState, session: Session) -> None:
    if session.expired(state.now) and not session.gone:
        tell_expired(state, session)


def tell_expired(state: WorldState, session: Session) -> None:
    """Push a SessionExpiredEvent to every connection of the session."""
    for conn in tuple(session.connections):
        send(state, conn, expired_event(state))


def turn_out(
    state: WorldState, session: Session, *, but: Connection | None = None, reason: str = ""
) -> None:
    """Evict every connection of the session except one."""
    for conn in tuple(session.connections):
        if conn is not but:
            evict(state, conn, reason)


def session_response(
    state: WorldState, session: Session, *, new: bool, cleared: bool = False
) -> JsonObject:
    """Build the body of a SessionResponse for a configured connection."""
    body: JsonObject = {"connected": True, "newSession": new}
    if session.read_only:
        body["readOnly"] = True
    if not state.knobs.full_session_response:
        return body
    deployment = state.deployments[session.deployment]
    body |= {
        "readOnly": session.state is SessionState.READ_ONLY,
        "clearedExistingSession": cleared,
        "allowedMedia": allowed_media(deployment),
        "blockedExtensions": list(deployment.blocked_extensions),
        "durationSeconds": deployment.session_seconds,
        "expirationDate": int(session.expires_at),
    }
    if limit := state.knobs.max_attribute_bytes:
        body["maxCustomDataBytes"] = limit
    if state.knobs.auto_started_field:
        body["autoStarted"] = False
    return body
