"""The way of a frame into the world: faults, limits, then the handler of its action.

The table of actions is here; what each does is not.
"""

from collections.abc import Callable
from typing import Final

from service.simulator.events import SendFrame
from service.simulator.faults import DropWhen, Fault, FaultKind
from service.simulator.files import delete_attachment, get_attachment, on_attachment
from service.simulator.frames import Code, refusal
from service.simulator.guest_actions import (
    close_session,
    configure,
    disconnect_customer,
    echo,
    get_configuration,
    get_jwt,
    note,
    resume_token,
)
from service.simulator.inbound import on_message
from service.simulator.lines import close, evict, sever
from service.simulator.login import configure_authenticated
from service.simulator.outbox import send
from service.simulator.requests import Request, refuse, refuse_not_found, throttle
from service.simulator.session import Connection
from service.simulator.sessions import forget
from service.simulator.shapes import byte_length, object_at, parse_object, text_at
from service.simulator.state import WorldState

Handler = Callable[[WorldState, Request], None]

HANDLERS: Final[dict[str, Handler]] = {
    "configureSession": configure,
    "configureAuthenticatedSession": configure_authenticated,
    "onMessage": on_message,
    "echo": echo,
    "getJwt": get_jwt,
    "getConfiguration": get_configuration,
    "onAttachment": on_attachment,
    "getAttachment": get_attachment,
    "deleteAttachment": delete_attachment,
    "closeSession": close_session,
    "disconnectCustomer": disconnect_customer,
    "resumeToken": resume_token,
}
CONFIGURES: Final = frozenset({"configureSession", "configureAuthenticatedSession"})


def receive(state: WorldState, conn: Connection, text: str) -> None:
    """Handle one frame of a guest."""
    if conn.silent:
        return
    conn.last_frame_at = state.now
    limit = state.knobs.max_frame_bytes
    if limit and byte_length(text) > limit:
        close(state, conn, state.knobs.too_big_code, "Frame is too big")
        return
    fields = parse_object(text)
    action = text_at(fields, "action") if fields else None
    if fields is None or action not in HANDLERS:
        tracing_id = text_at(fields, "tracingId") if fields else None
        send(state, conn, refusal(Code.BAD_REQUEST, "Request failed.", tracing_id))
        return
    wait = conn.requests.admit(state.now, state.knobs.requests_per_minute)
    _pass(state, Request(conn=conn, action=action, fields=fields, wait=wait))


def _pass(state: WorldState, request: Request) -> None:
    moment = request.moment()
    if state.strike(FaultKind.SWALLOW_WRITE, moment):
        state.journal.token(moment.token).swallowed += 1
        return
    if drop := state.strike(FaultKind.DROP, request.moment(DropWhen.BEFORE)):
        sever(state, request.conn, drop)
        return
    _count(state, request)
    mark = len(state.out)
    state.action = request.action
    _carry_out(state, request)
    state.action = ""
    if drop := state.strike(FaultKind.DROP, request.moment(DropWhen.AFTER)):
        _drop_unanswered(state, request.conn, drop, mark)


def _count(state: WorldState, request: Request) -> None:
    state.journal.deployment(request.conn.deployment).frames_in += 1
    if token := request.token or request.conn.token:
        state.journal.token(token).frames_in += 1
    text = text_at(object_at(request.fields, "message"), "text")
    if request.action == "onMessage" and text:
        state.journal.arrival(request.conn.deployment, request.token, text).arrived += 1


def _drop_unanswered(state: WorldState, conn: Connection, drop: Fault, mark: int) -> None:
    """Lose the connection before the answers to its last request leave."""
    state.out[mark:] = [
        output
        for output in state.out[mark:]
        if not (isinstance(output, SendFrame) and output.conn == conn.id)
    ]
    if conn.id in state.connections:
        sever(state, conn, drop)


def _carry_out(state: WorldState, request: Request) -> None:
    _strike_session(state, request)
    if refused := state.strike(FaultKind.REFUSE, request.moment()):
        _refuse(state, request, refused)
    elif _throttled(state, request):
        return
    elif request.wait and request.action != "onMessage":
        throttle(state, request, request.wait, "Request")
    else:
        HANDLERS[request.action](state, request)


def _strike_session(state: WorldState, request: Request) -> None:
    # Found by its name: whoever attaches anew asks for a session that its connection has not yet.
    key = (request.conn.deployment, request.token or request.conn.token)
    session = state.sessions.get(key)
    if session is not None and state.strike(FaultKind.EXPIRE, request.moment()):
        session.expires_at = state.now
    if session is not None and state.strike(FaultKind.FORGET, request.moment()):
        forget(state, key)
    if request.conn.session is not None and state.strike(FaultKind.EVICT, request.moment()):
        evict(state, request.conn)


def _refuse(state: WorldState, request: Request, refused: Fault) -> None:
    code = refused.code or Code.SESSION_NOT_FOUND
    if request.action in CONFIGURES:
        note(state, request, str(int(code)))
    if code == Code.SESSION_NOT_FOUND:
        text = refused.text or state.knobs.not_found_text
        refuse_not_found(state, request, refused.spelling, text)
    else:
        refuse(state, request, code, refused.text or "Request failed.")


def _throttled(state: WorldState, request: Request) -> bool:
    order = state.strike(FaultKind.THROTTLE, request.moment())
    if order is None:
        return False
    if request.action in CONFIGURES:
        note(state, request, str(int(Code.THROTTLED)))
    throttle(state, request, order.retry_after, "Message")
    return True
