"""The orders a test can give to the world: one function per verb, one table of them.

Parameters arrive as loose JSON, from Python or from HTTP; every fault in them is a `ControlError`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Final

from service.simulator.conversations import describe
from service.simulator.deployments import Deployment
from service.simulator.faults import Fault, FaultKind, How
from service.simulator.journal import Journal
from service.simulator.lines import evict, sever
from service.simulator.outbox import send_text
from service.simulator.session import Connection, Session
from service.simulator.sessions import forget, tell_expired, turn_out
from service.simulator.settings import SettingError, changed
from service.simulator.shapes import (
    JsonObject,
    compact,
    int_at,
    iso,
    objects_at,
    strings_at,
    text_at,
)
from service.simulator.state import WorldState
from service.simulator.talk import Words, end_conversation, say, type_to_guest

Params = Mapping[str, object]
Verb = Callable[[WorldState, Params], object]


class ControlError(Exception):
    """An order cannot be carried out; `status` is what the HTTP control API answers."""

    def __init__(self, status: int, message: str) -> None:
        """Keep the status beside the text."""
        super().__init__(message)
        self.status = status


def order(state: WorldState, verb: str, params: Params) -> object:
    """Carry out a verb and return its result as JSON. Raises `ControlError`."""
    action = VERBS.get(verb)
    if action is None:
        raise ControlError(404, f"no such verb: {verb}")
    try:
        return action(state, params)
    except SettingError as error:
        raise ControlError(400, str(error)) from error


def _say(state: WorldState, params: Params) -> object:
    text = text_at(params, "text")
    most = state.knobs.max_agent_characters
    if text is not None and most and len(text) > most:
        raise ControlError(400, f"text: longer than {most} characters")
    words = Words(
        text=text,
        content=tuple(objects_at(params, "content")),
        nickname=text_at(params, "nickname") or "",
        entity=text_at(params, "entity") or "Human",
        metadata=strings_at(params, "metadata"),
    )
    stored = say(state, _session(state, params), words)
    return {
        "messageId": stored.id,
        "conversationId": stored.conversation.id,
        "time": iso(stored.at),
        "delivered": stored.delivered_to,
    }


def _typing(state: WorldState, params: Params) -> object:
    milliseconds = int_at(params, "duration_ms", 5000)
    return {"delivered": type_to_guest(state, _session(state, params), milliseconds)}


def _disconnect(state: WorldState, params: Params) -> object:
    session = _session(state, params)
    stored = end_conversation(state, session, text_at(params, "nickname") or "")
    return {"messageId": stored.id if stored else None, "readOnly": session.read_only}


def _expire(state: WorldState, params: Params) -> object:
    session = _session(state, params)
    session.expires_at = state.now
    if params.get("announce") is True:
        tell_expired(state, session)
    return {}


def _forget(state: WorldState, params: Params) -> object:
    session = _session(state, params)
    forget(state, (session.deployment, session.token))
    return {}


def _evict(state: WorldState, params: Params) -> object:
    session = _session(state, params)
    before = len(session.connections)
    reason = text_at(params, "reason") or ""
    if params.get("which") == "all":
        turn_out(state, session, reason=reason)
    elif session.connections:
        evict(state, session.connections[0], reason)
    return {"evicted": before - len(session.connections)}


def _drop(state: WorldState, params: Params) -> object:
    chosen = _chosen(state, params)
    wanted = {key: params[key] for key in ("how", "code", "reason") if key in params}
    drop = changed(Fault(how=How.RESET), wanted)
    for conn in chosen:
        sever(state, conn, drop)
    return {"dropped": len(chosen)}


def _chosen(state: WorldState, params: Params) -> list[Connection]:
    token, number = text_at(params, "token"), int_at(params, "connection", 0)
    deployment = text_at(params, "deployment")
    return [
        conn
        for conn in state.connections.values()
        if token in (None, conn.token)
        and number in (0, conn.id)
        and deployment in (None, conn.deployment)
    ]


def _restart(state: WorldState, params: Params) -> object:
    return _drop(state, {"how": How.RESET, **params})


def _wipe(state: WorldState, _: Params) -> object:
    keys = tuple(state.sessions)
    for key in keys:
        forget(state, key)
    return {"forgotten": len(keys)}


def _reset(state: WorldState, _: Params) -> object:
    for conn in tuple(state.connections.values()):
        sever(state, conn, Fault(how=How.RESET))
    _wipe(state, {})
    state.faults.clear()
    state.faults.struck.clear()
    for memory in (state.seen_tokens, state.dead_tokens, state.handshakes, state.configures):
        memory.clear()
    state.knobs = state.config.knobs
    state.deployments = {each.id: each for each in state.config.deployments}
    state.journal = Journal()
    return {}


def _fault(state: WorldState, params: Params) -> object:
    wanted = changed(Fault(), {key: value for key, value in params.items() if key != "id"})
    if "kind" not in params:
        raise ControlError(400, "kind: is required")
    if wanted.kind is FaultKind.THROTTLE and not wanted.action:
        # Without an action named, a throttle means messages, not attaching.
        wanted = replace(wanted, action="onMessage")
    return {"id": state.faults.order(wanted).id}


def _clear_faults(state: WorldState, params: Params) -> object:
    state.faults.clear(int_at(params, "id", 0))
    return {"left": len(state.faults.orders)}


def _faults(state: WorldState, _: Params) -> object:
    return {"open": [asdict(each) for each in state.faults.orders], "struck": state.faults.struck}


def _knobs(state: WorldState, params: Params) -> object:
    state.knobs = changed(state.knobs, params)
    return asdict(state.knobs)


def _deployment(state: WorldState, params: Params) -> object:
    ident = text_at(params, "id")
    if not ident:
        raise ControlError(400, "id: is required")
    current = state.deployments.get(ident) or Deployment(id=ident)
    state.deployments[ident] = changed(current, params)
    return asdict(state.deployments[ident])


def _deployments(state: WorldState, _: Params) -> object:
    return [asdict(each) for each in state.deployments.values()]


def _inject(state: WorldState, params: Params) -> object:
    frame = params.get("frame")
    text = frame if isinstance(frame, str) else compact(frame)
    chosen = _chosen(state, params)
    for conn in chosen:
        send_text(state, conn, text)
    return {"delivered": len(chosen)}


def _sessions(state: WorldState, _: Params) -> object:
    return [
        {
            "id": each.id,
            "deployment": each.deployment,
            "token": each.token,
            "state": each.state,
            "user": each.user,
            "expiresAt": each.expires_at,
            "expired": each.expired(state.now),
            "messages": len(each.messages),
            "connections": [conn.id for conn in each.connections],
            "conversationId": each.conversation.id if each.conversation else None,
        }
        for each in state.sessions.values()
    ]


def _connections(state: WorldState, _: Params) -> object:
    return [
        {
            "id": each.id,
            "deployment": each.deployment,
            "token": each.token,
            "attached": each.session is not None,
            "silent": each.silent,
            "openedAt": each.opened_at,
        }
        for each in state.connections.values()
    ]


def _of_token(records: list[JsonObject], params: Params) -> list[JsonObject]:
    token, deployment = text_at(params, "token"), text_at(params, "deployment")
    return [
        each
        for each in records
        if token in (None, each["token"]) and deployment in (None, each["deployment"])
    ]


def _transcript(state: WorldState, params: Params) -> object:
    return _of_token([asdict(each) for each in state.journal.entries], params)


def _inbound(state: WorldState, params: Params) -> object:
    return _of_token([asdict(each) for each in state.journal.arrivals.values()], params)


def _configures(state: WorldState, params: Params) -> object:
    return _of_token([asdict(each) for each in state.journal.configures], params)


def _handshakes(state: WorldState, params: Params) -> object:
    deployment = text_at(params, "deployment")
    records = [asdict(each) for each in state.journal.handshakes]
    return [each for each in records if deployment in (None, each["deployment"])]


def _counts(state: WorldState, _: Params) -> object:
    return state.journal.counts()


def _undelivered(state: WorldState, _: Params) -> object:
    return list(state.journal.undelivered)


def _conversation(state: WorldState, params: Params) -> object:
    found = state.conversations.get(text_at(params, "id") or "")
    if found is None:
        raise ControlError(404, "no such conversation")
    return describe(found)


def _health(state: WorldState, _: Params) -> object:
    return {"status": "ok", "now": state.now, "sessions": len(state.sessions)}


def _session(state: WorldState, params: Params) -> Session:
    token, deployment = text_at(params, "token"), text_at(params, "deployment")
    for (where, name), session in state.sessions.items():
        if name == token and deployment in (None, where):
            return session
    raise ControlError(404, "no session with this token")


VERBS: Final[dict[str, Verb]] = {
    "say": _say,
    "typing": _typing,
    "disconnect": _disconnect,
    "expire": _expire,
    "forget": _forget,
    "evict": _evict,
    "drop": _drop,
    "restart": _restart,
    "wipe": _wipe,
    "reset": _reset,
    "inject": _inject,
    "fault": _fault,
    "faults": _faults,
    "clear_faults": _clear_faults,
    "knobs": _knobs,
    "deployment": _deployment,
    "deployments": _deployments,
    "sessions": _sessions,
    "connections": _connections,
    "transcript": _transcript,
    "inbound": _inbound,
    "configures": _configures,
    "handshakes": _handshakes,
    "counts": _counts,
    "undelivered": _undelivered,
    "conversation": _conversation,
    "health": _health,
}
READ_ONLY_VERBS: Final = frozenset(
    {
        "faults",
        "deployments",
        "sessions",
        "connections",
        "transcript",
        "inbound",
        "configures",
        "handshakes",
        "counts",
        "undelivered",
        "conversation",
        "health",
        "knobs",
    }
)
