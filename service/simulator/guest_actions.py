"""Every action a guest may send except `onMessage` and the authenticated ones.

Each handler takes the state and a request, and answers through `requests` and `outbox`.
"""

from functools import partial

from service.simulator.deployments import allowed_media
from service.simulator.faults import FaultKind
from service.simulator.frames import Code, response
from service.simulator.journal import Configure
from service.simulator.lines import attach, close, detach
from service.simulator.outbox import send
from service.simulator.rates import Window
from service.simulator.requests import Request, refuse, reply, session_of, throttle
from service.simulator.session import Session
from service.simulator.sessions import (
    decide,
    duration,
    extend,
    forget,
    new_session,
    session_response,
    turn_out,
)
from service.simulator.shapes import object_at, text_at
from service.simulator.state import Jwt, WorldState
from service.simulator.talk import end_conversation


def configure(state: WorldState, request: Request) -> None:
    """Attach the connection to a guest session."""
    if admitted_configure(state, request):
        settle(state, request, user="")


def admitted_configure(state: WorldState, request: Request) -> bool:
    """Check what a configure of either kind must satisfy first; answer when it does not."""
    named = text_at(request.fields, "deploymentId")
    deployment = state.deployments.get(named or "")
    mismatch = state.knobs.refuse_deployment_mismatch and named != request.conn.deployment
    if not request.token:
        refuse_configure(state, request, Code.MISSING_PARAMETER, "Missing parameter: token")
    elif deployment is None or not deployment.active or mismatch:
        refuse_configure(state, request, Code.BAD_REQUEST, "Deployment not found")
    elif wait := _configure_wait(state, request):
        note(state, request, str(int(Code.THROTTLED)))
        throttle(state, request, wait, "Configure")
    else:
        return True
    return False


def _configure_wait(state: WorldState, request: Request) -> float:
    window = state.configures.setdefault(key_of(request), Window(60.0))
    return window.admit(state.now, state.knobs.configures_per_minute)


def key_of(request: Request) -> tuple[str, str]:
    """Return the (deployment, token) that a configure is about."""
    return text_at(request.fields, "deploymentId") or request.conn.deployment, request.token


def note(state: WorldState, request: Request, outcome: str) -> None:
    """Write a configure into the journal."""
    deployment, token = key_of(request)
    state.journal.configures.append(
        Configure(
            deployment=deployment,
            token=token,
            at=state.now,
            outcome=outcome,
            journey_context=object_at(request.fields, "journeyContext"),
        )
    )
    state.journal.deployment(deployment).configures += 1
    if token:
        state.journal.token(token).configures += 1


def refuse_configure(state: WorldState, request: Request, code: int, text: str) -> None:
    """Refuse a configure and note it."""
    note(state, request, str(int(code)))
    refuse(state, request, code, text)


def settle(state: WorldState, request: Request, *, user: str, cleared: bool = False) -> None:
    """Carry out the outcome matrix and answer with the SessionResponse."""
    key = key_of(request)
    start_new = request.fields.get("startNew") is True
    verdict = decide(state, key, start_new=start_new, user=user)
    if verdict.code != Code.OK:
        refuse_configure(state, request, verdict.code, _refusal_text(state, verdict.code))
        return
    session = verdict.kept or new_session(state, key, user)
    new = verdict.kept is None
    note(state, request, _outcome(session, new=new))
    _drop_stale_jwts(state, session, request)
    attach(state, request.conn, session)
    if state.knobs.configure_extends:
        extend(state, session)
    body = session_response(state, session, new=new, cleared=cleared)
    if state.strike(FaultKind.PARTIAL_SESSION_RESPONSE, request.moment()):
        body = {"connected": True}
    reply(state, request, "SessionResponse", body)
    if state.knobs.replay_on_attach and not new:
        _replay(state, session, request)


def _outcome(session: Session, *, new: bool) -> str:
    if session.read_only:
        return "read_only"
    return "new" if new else "resumed"


def _refusal_text(state: WorldState, code: int) -> str:
    if code == Code.SESSION_NOT_FOUND:
        return state.knobs.not_found_text
    if code == Code.SESSION_EXPIRED:
        return state.knobs.expired_text
    return "Session is authenticated and cannot be downgraded"


def _drop_stale_jwts(state: WorldState, session: Session, request: Request) -> None:
    if not state.knobs.jwt_dies_on_reconnect:
        return
    for bearer in tuple(session.bearers):
        conn = state.jwts[bearer].conn
        if conn not in state.connections or conn == request.conn.id:
            session.bearers.remove(bearer)
            del state.jwts[bearer]


def _replay(state: WorldState, session: Session, request: Request) -> None:
    for stored in session.messages:
        if stored.delivered_to == 0:
            stored.delivered_to = 1
            body = {"type": "message", "class": "StructuredMessage", "code": 200}
            send(state, request.conn, {**body, "body": stored.body})


def echo(state: WorldState, request: Request) -> None:
    """Answer a health check."""
    if state.knobs.echo_needs_token and not request.token:
        refuse(state, request, Code.MISSING_PARAMETER, "Missing parameter: token")
        return
    if wait := request.conn.echoes.admit(state.now, state.knobs.echoes_per_minute):
        throttle(state, request, wait, "Health check")
        return
    session = session_of(state, request, by_event=True)
    if session is None:
        return
    if state.knobs.echo_extends:
        extend(state, session)
    text = text_at(object_at(request.fields, "message"), "text")
    body: dict[str, object] = {"id": "echo_id", "type": "Text", "text": text or ""}
    body["direction"] = "Inbound"
    if state.knobs.metadata_on_echo:
        body["metadata"] = {
            "durationSeconds": str(duration(state, session)),
            "expirationDate": str(int(session.expires_at)),
        }
    reply(state, request, "StructuredMessage", body)


def get_jwt(state: WorldState, request: Request) -> None:
    """Hand out a short-lived bearer for the history call."""
    session = session_of(state, request)
    if session is None:
        return
    bearer = f"{state.ids.hexadecimal()}.{state.ids.hexadecimal()}.{state.ids.hexadecimal()}"
    expires_at = state.now + state.knobs.jwt_seconds
    state.jwts[bearer] = Jwt(session=session, conn=request.conn.id, expires_at=expires_at)
    session.bearers.append(bearer)
    state.after(state.knobs.jwt_seconds, partial(_expire_jwt, state, bearer))
    reply(state, request, "JwtResponse", {"jwt": bearer, "exp": int(expires_at)})


def _expire_jwt(state: WorldState, bearer: str) -> None:
    if jwt := state.jwts.pop(bearer, None):
        jwt.session.bearers.remove(bearer)


def get_configuration(state: WorldState, request: Request) -> None:
    """Tell the limits of the deployment."""
    named = text_at(request.fields, "deploymentId") or request.conn.deployment
    deployment = state.deployments.get(named)
    if deployment is None:
        refuse(state, request, Code.BAD_REQUEST, "Deployment not found")
        return
    body: dict[str, object] = {
        "allowedMedia": allowed_media(deployment),
        "blockedExtensions": list(deployment.blocked_extensions),
        "messageRoutingEnabled": deployment.messaging,
        "sessionDurationSeconds": deployment.session_seconds,
    }
    if limit := state.knobs.max_attribute_bytes:
        body["maxCustomDataBytes"] = limit
    reply(state, request, "GetConfigurationResponse", body)


def close_session(state: WorldState, request: Request) -> None:
    """Detach this connection, and the others too when asked."""
    session = session_of(state, request)
    if session is None:
        return
    everyone = request.fields.get("closeAllConnections") is True
    if everyone:
        turn_out(state, session, but=request.conn)
    body = {"connected": False, "readOnly": session.read_only}
    detach(request.conn)
    reply(state, request, "SessionResponse", body)
    if state.knobs.close_session_ends_active and not session.read_only:
        forget(state, (session.deployment, session.token))
    if not everyone and state.knobs.close_one_closes_socket:
        close(state, request.conn, state.knobs.evicted_close_code, "")


def disconnect_customer(state: WorldState, request: Request) -> None:
    """End the conversation for the guest, if the knob says that this action works at all."""
    if not state.knobs.disconnect_customer_works:
        refuse(state, request, Code.BAD_REQUEST, "Request failed.")
        return
    session = session_of(state, request)
    if session is not None:
        end_conversation(state, session, nickname="")


def resume_token(state: WorldState, request: Request) -> None:
    """Hand out a resume token, if the knob says that this action works at all."""
    if not state.knobs.resume_token_answered:
        refuse(state, request, Code.BAD_REQUEST, "Request failed.")
        return
    if session_of(state, request) is not None:
        body = {"resumeToken": state.ids.hexadecimal(), "exp": int(state.now + 3600)}
        answer_body = response("ResumeTokenResponse", body, request.tracing_id)
        send(state, request.conn, answer_body)
