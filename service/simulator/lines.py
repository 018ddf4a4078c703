"""The life of a connection: asked for, accepted, attached to a session, evicted, lost.

It must not look inside frames.
"""

from functools import partial
from typing import Final

from service.simulator.deployments import origin_allowed
from service.simulator.events import (
    Accept,
    CloseConnection,
    ConnectionRequested,
    Deny,
    GoSilent,
    ResetConnection,
)
from service.simulator.faults import DropWhen, Fault, FaultKind, How, Moment
from service.simulator.frames import push
from service.simulator.journal import Handshake
from service.simulator.outbox import send
from service.simulator.rates import Window
from service.simulator.session import Connection, Session
from service.simulator.shapes import JsonObject
from service.simulator.state import WorldState, whole_seconds

SWITCHING: Final = 101
SOCKET_PATHS: Final = ("/v1", "/v1/")


def request(state: WorldState, event: ConnectionRequested) -> None:
    """Answer a request for an upgrade: accept, deny, or (by fault) never."""
    deployment = event.query.get("deploymentId", "")
    moment = Moment(deployment=deployment, connection=event.conn)
    if state.strike(FaultKind.HANG_HANDSHAKE, moment):
        _note(state, deployment, 0)
        return
    status, headers = _verdict(state, event, moment)
    _note(state, deployment, status)
    if status != SWITCHING:
        state.emit(Deny(conn=event.conn, status=status, headers=headers))
        return
    _accept(state, event, deployment)
    if drop := state.strike(FaultKind.DROP, replace_when(moment, DropWhen.OPEN)):
        sever(state, state.connections[event.conn], drop)


def replace_when(moment: Moment, when: DropWhen) -> Moment:
    """Return the same moment with the point at which a drop may strike."""
    return Moment(
        deployment=moment.deployment,
        token=moment.token,
        connection=moment.connection,
        action=moment.action,
        when=when,
    )


def _verdict(
    state: WorldState, event: ConnectionRequested, moment: Moment
) -> tuple[int, dict[str, str]]:
    if event.path not in SOCKET_PATHS:
        return 404, {}
    if denied := state.strike(FaultKind.DENY_HANDSHAKE, moment):
        retry = {"retry-after": str(denied.retry_after)}
        status = denied.status or 403
        return status, retry if status in (429, 503) else {}
    deployment = state.deployments.get(moment.deployment)
    if deployment is None or not deployment.active:
        return 403, {}
    missing_allowed = state.knobs.missing_origin_allowed
    page = event.headers.get("origin")
    if not origin_allowed(deployment, page, missing_allowed=missing_allowed):
        return 403, {}
    window = state.handshakes.setdefault(deployment.id, Window(60.0))
    if wait := window.admit(state.now, state.knobs.handshakes_per_minute):
        return state.knobs.rate_limited_handshake_status, {"retry-after": str(whole_seconds(wait))}
    return SWITCHING, {}


def _note(state: WorldState, deployment: str, status: int) -> None:
    state.journal.handshakes.append(Handshake(deployment=deployment, at=state.now, status=status))


def _accept(state: WorldState, event: ConnectionRequested, deployment: str) -> None:
    conn = Connection(
        id=event.conn,
        deployment=deployment,
        origin=event.origin,
        opened_at=state.now,
        last_frame_at=state.now,
    )
    state.connections[conn.id] = conn
    counts = state.journal.deployment(deployment)
    counts.upgrades += 1
    counts.opened()
    state.emit(Accept(conn=conn.id))
    if state.knobs.max_age_seconds:
        age = state.after(state.knobs.max_age_seconds, partial(_go_away, state, conn))
        conn.timers.append(age)
    if state.knobs.idle_close_seconds:
        _check_idle_in(state, conn, state.knobs.idle_close_seconds)


def _go_away(state: WorldState, conn: Connection) -> None:
    close(state, conn, state.knobs.going_away_code, state.knobs.going_away_reason)


def _check_idle_in(state: WorldState, conn: Connection, seconds: float) -> None:
    conn.timers.append(state.after(seconds, partial(_check_idle, state, conn)))


def _check_idle(state: WorldState, conn: Connection) -> None:
    limit = state.knobs.idle_close_seconds
    if not limit or not is_open(state, conn):
        return
    left = conn.last_frame_at + limit - state.now
    if left <= 0:
        _go_away(state, conn)
    else:
        _check_idle_in(state, conn, left)


def is_open(state: WorldState, conn: Connection) -> bool:
    """Tell whether the world still knows this connection."""
    return state.connections.get(conn.id) is conn


def attach(state: WorldState, conn: Connection, session: Session) -> None:
    """Give the connection to the session, and turn out the oldest when there are too many."""
    if conn.session is not session:
        detach(conn)
        session.connections.append(conn)
        conn.session = session
    _bind(state, conn, session.token)
    limit = state.knobs.max_connections
    while limit and len(session.connections) > limit:
        evict(state, session.connections[0])
    counts = state.journal.token(session.token)
    counts.max_attached = max(counts.max_attached, len(session.connections))


def _bind(state: WorldState, conn: Connection, token: str) -> None:
    if conn.token == token:
        return
    if conn.token:
        state.journal.token(conn.token).closed()
    conn.token = token
    counts = state.journal.token(token)
    counts.upgrades += 1
    counts.opened()


def detach(conn: Connection) -> None:
    """Take the connection away from its session; the socket stays open."""
    if conn.session is not None:
        conn.session.connections.remove(conn)
        conn.session = None


def evict(state: WorldState, conn: Connection, reason: str = "") -> None:
    """Tell a connection that it no longer belongs to the session, and close it after a while."""
    body: JsonObject = {state.knobs.closed_reason_field.value: reason} if reason else {}
    send(state, conn, push("ConnectionClosedEvent", body))
    detach(conn)
    code = state.knobs.evicted_close_code
    state.after(state.knobs.eviction_grace_seconds, partial(_close_unless_used, state, conn, code))


def _close_unless_used(state: WorldState, conn: Connection, code: int) -> None:
    if conn.session is None:
        close(state, conn, code, "")


def close(state: WorldState, conn: Connection, code: int, reason: str) -> None:
    """Close with a close frame."""
    if is_open(state, conn):
        if not conn.silent:
            state.emit(CloseConnection(conn=conn.id, code=code, reason=reason))
        lost(state, conn)


def sever(state: WorldState, conn: Connection, drop: Fault) -> None:
    """Lose a connection in the ordered way."""
    match drop.how:
        case How.CLOSE:
            close(state, conn, drop.code or state.knobs.going_away_code, drop.reason)
        case How.RESET:
            state.emit(ResetConnection(conn=conn.id))
            lost(state, conn)
        case How.HALF_OPEN:
            conn.silent = True
            state.emit(GoSilent(conn=conn.id))


def lost(state: WorldState, conn: Connection) -> None:
    """Forget a connection that is gone."""
    detach(conn)
    for timer in conn.timers:
        state.cancel(timer)
    if state.connections.pop(conn.id, None) is None:
        return
    state.journal.deployment(conn.deployment).closed()
    if conn.token:
        state.journal.token(conn.token).closed()
