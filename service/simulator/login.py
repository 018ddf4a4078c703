"""Authenticated sessions in a simple form: exchange, refresh, revoke, configure, step-up.

There is no identity provider: the code `code-ann` (or the id token `id-ann`) logs in the user ann.
A code is good once; `code-ann.2` and so on are other codes of the same user.
"""

from typing import Final

from service.simulator.frames import Code, push
from service.simulator.guest_actions import admitted_configure, key_of, refuse_configure, settle
from service.simulator.outbox import deliver
from service.simulator.requests import Request
from service.simulator.session import Session
from service.simulator.sessions import forget, turn_out
from service.simulator.shapes import JsonObject, iso, object_at, text_at
from service.simulator.state import Login, WorldState
from service.simulator.talk import message_time, store

CODE_PREFIX: Final = "code-"
IDENTITY_PREFIX: Final = "id-"


def configure_authenticated(state: WorldState, request: Request) -> None:
    """Attach the connection to the session of a signed-in user."""
    if not admitted_configure(state, request):
        return
    bearer = text_at(object_at(request.fields, "data"), "code") or ""
    login = state.logins.get(bearer)
    if login is None or login.expires_at <= state.now:
        refuse_configure(state, request, Code.UNAUTHORIZED, "User is unauthorized")
        return
    session = state.sessions.get(key_of(request))
    if session is not None and session.expired(state.now):
        session = None
    refusal = _refusal(state, session, login.user)
    if refusal:
        refuse_configure(state, request, Code.FORBIDDEN, refusal)
        return
    anonymous = session if session is not None and not session.user else None
    early = not state.knobs.sign_in_told_late
    if anonymous is not None and early:
        _step_up(state, anonymous, login.user)
    cleared = _turn_out_elsewhere(state, key_of(request), login.user)
    settle(state, request, user=login.user, cleared=cleared)
    if anonymous is not None and not early:
        _step_up(state, anonymous, login.user)


def _refusal(state: WorldState, session: Session | None, user: str) -> str:
    if state.knobs.auth_refusal or session is None:
        return state.knobs.auth_refusal
    forbidden = not session.user and not state.deployments[session.deployment].step_up
    another = bool(session.user) and session.user != user
    return "Session authentication failed" if forbidden or another else ""


def _step_up(state: WorldState, session: Session, user: str) -> None:
    session.user = user
    at = message_time(state, session)
    channel = {"time": iso(at), "messageId": state.ids.uuid(), "from": {"firstName": user}}
    body: JsonObject = {
        "id": state.ids.hexadecimal(),
        "direction": "Inbound",
        "type": "Event",
        "channel": channel,
        "events": [{"eventType": "Presence", "presence": {"type": "SignIn"}}],
        "originatingEntity": "",
        "metadata": {"authenticated": "true", "correlationId": state.ids.uuid()},
    }
    stored = store(state, session, body, at=at, tracing_id=None)
    deliver(state, session, push("StructuredMessage", stored.body))


def _turn_out_elsewhere(state: WorldState, key: tuple[str, str], user: str) -> bool:
    others = [
        (other, session)
        for other, session in state.sessions.items()
        if session.user == user and other != key and other[0] == key[0]
    ]
    for other, session in others:
        turn_out(state, session, reason="signedIn")
        forget(state, other)
        state.dead_tokens.add(other)
    return bool(others)


def exchange(state: WorldState, asked: JsonObject) -> JsonObject | None:
    """Turn an authorization code or id token into a JWT; None when it is not acceptable."""
    deployment = state.deployments.get(text_at(asked, "deploymentId") or "")
    oauth = object_at(asked, "oauth")
    code, id_token = text_at(oauth, "code") or "", text_at(oauth, "idToken") or ""
    if deployment is None or not deployment.auth:
        return None
    if id_token.startswith(IDENTITY_PREFIX):
        return {"jwt": _sign_in(state, deployment.id, id_token.removeprefix(IDENTITY_PREFIX))}
    used = state.knobs.auth_codes_once and code in state.used_codes
    if used or not code.startswith(CODE_PREFIX):
        return None
    state.used_codes.add(code)
    user = code.removeprefix(CODE_PREFIX).partition(".")[0]
    expires_at = state.now + state.knobs.refresh_token_seconds
    handle = _handle(state, Login(user=user, deployment=deployment.id, expires_at=expires_at))
    return {"jwt": _sign_in(state, deployment.id, user), "refreshToken": handle}


def _handle(state: WorldState, login: Login) -> str:
    handle = state.ids.hexadecimal()
    state.refresh_tokens[handle] = login
    return handle


def _sign_in(state: WorldState, deployment: str, user: str) -> str:
    bearer = f"{state.ids.hexadecimal()}.{state.ids.hexadecimal()}.auth"
    expires_at = state.now + state.knobs.auth_jwt_seconds
    state.logins[bearer] = Login(user=user, deployment=deployment, expires_at=expires_at)
    return bearer


def refresh(state: WorldState, asked: JsonObject) -> JsonObject | None:
    """Make a new JWT from a refresh token; None when that is not acceptable."""
    handle = text_at(asked, "refreshToken") or ""
    login = state.refresh_tokens.get(handle)
    if login is None or login.expires_at <= state.now:
        return None
    answer: JsonObject = {"jwt": _sign_in(state, login.deployment, login.user)}
    if state.knobs.refresh_rotates:
        del state.refresh_tokens[handle]
        answer["refreshToken"] = _handle(state, login)
    return answer


def revoke(state: WorldState, bearer: str) -> bool:
    """Sign a user out everywhere; return False when the bearer is not valid."""
    login = state.logins.get(bearer)
    if login is None or login.expires_at <= state.now:
        return False
    del state.logins[bearer]
    for handle, each in tuple(state.refresh_tokens.items()):
        if each.user == login.user:
            del state.refresh_tokens[handle]
    for key, session in tuple(state.sessions.items()):
        if session.user == login.user:
            deliver(state, session, push("LogoutEvent", {}))
            turn_out_silently(session)
            forget(state, key)
            state.dead_tokens.add(key)
    return True


def turn_out_silently(session: Session) -> None:
    """Detach every connection; the LogoutEvent has told them already."""
    for conn in tuple(session.connections):
        conn.session = None
    session.connections.clear()
