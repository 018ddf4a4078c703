"""The orders a test can give to the world, and the table of all verbs.

The verbs that only look are in `observations`.
Parameters arrive as loose JSON, from Python or from HTTP; every fault in them is a `ControlError`.
"""

from dataclasses import replace
from http import HTTPStatus
from typing import Final

from service.simulator.control import ControlError, Params, Verb
from service.simulator.deployments import Deployment
from service.simulator.faults import Fault, FaultKind, How, vain_filters
from service.simulator.files import keep_of_agent
from service.simulator.journal import Journal
from service.simulator.lines import evict, sever
from service.simulator.observations import LOOKS
from service.simulator.outbox import send_text
from service.simulator.session import Connection, Session
from service.simulator.sessions import forget, tell_expired, turn_out
from service.simulator.settings import SettingError, changed
from service.simulator.shapes import (
    byte_length,
    compact,
    int_at,
    iso,
    objects_at,
    record,
    strings_at,
    text_at,
)
from service.simulator.state import WorldState
from service.simulator.talk import Words, end_conversation, say, type_to_guest

REFUSALS: Final = frozenset(status for status in HTTPStatus if status >= HTTPStatus.BAD_REQUEST)
CLOSE_CODES: Final = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})
LONGEST_REASON: Final = 123
WORDS: Final[tuple[tuple[str, type, str], ...]] = (
    ("text", str, "a string"),
    ("nickname", str, "a string"),
    ("entity", str, "a string"),
    ("content", list, "a list"),
    ("metadata", dict, "an object"),
)


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
    _check_words(params)
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
    session = _living(state, params)
    keep_of_agent(state, session, words.content)
    stored = say(state, session, words)
    return {
        "messageId": stored.id,
        "conversationId": stored.conversation.id,
        "time": iso(stored.at),
        "delivered": stored.delivered_to,
    }


def _check_words(params: Params) -> None:
    for name, kind, wanted in WORDS:
        if not isinstance(params.get(name, kind()), kind):
            raise ControlError(400, f"{name}: takes {wanted}")
    if params.get("text") is None and not params.get("content"):
        raise ControlError(400, "text or content: is required")


def _typing(state: WorldState, params: Params) -> object:
    milliseconds = int_at(params, "duration_ms", 5000)
    return {"delivered": type_to_guest(state, _living(state, params), milliseconds)}


def _disconnect(state: WorldState, params: Params) -> object:
    session = _living(state, params)
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
    which = params.get("which", "oldest")
    if which not in {"oldest", "all"}:
        raise ControlError(400, "which: takes oldest or all")
    if which == "all":
        turn_out(state, session, reason=reason)
    elif session.connections:
        evict(state, session.connections[0], reason)
    return {"evicted": before - len(session.connections)}


def _drop(state: WorldState, params: Params) -> object:
    chosen = _chosen(state, params)
    wanted = {key: params[key] for key in ("how", "code", "reason") if key in params}
    drop = changed(Fault(how=How.RESET), wanted)
    _check_fault(drop)
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
    state.forget_everything()
    state.knobs = state.config.knobs
    state.deployments = {each.id: each for each in state.config.deployments}
    state.journal = Journal()
    return {}


def _fault(state: WorldState, params: Params) -> object:
    wanted = changed(Fault(), {key: value for key, value in params.items() if key != "id"})
    if "kind" not in params:
        raise ControlError(400, "kind: is required")
    _check_fault(wanted)
    if wanted.kind is FaultKind.THROTTLE and not wanted.action:
        # Without an action named, a throttle means messages, not attaching.
        wanted = replace(wanted, action="onMessage")
    return {"id": state.faults.order(wanted).id}


def _check_fault(wanted: Fault) -> None:
    if vain := vain_filters(wanted):
        raise ControlError(400, f"{vain[0]}: is not known when a {wanted.kind} strikes")
    if wanted.status:
        _check_refusal("status", wanted.status)
    closes = wanted.kind is FaultKind.DROP and wanted.how is How.CLOSE
    if closes and wanted.code:
        _check_close_code("code", wanted.code)
    if byte_length(wanted.reason) > LONGEST_REASON:
        raise ControlError(400, f"reason: longer than {LONGEST_REASON} bytes")


def _check_refusal(name: str, status: int) -> None:
    if status not in REFUSALS:
        raise ControlError(400, f"{name}: is not an HTTP status that refuses")


def _check_close_code(name: str, code: int) -> None:
    # RFC 6455 section 7.4: other codes must not be sent.
    if code not in CLOSE_CODES:
        raise ControlError(400, f"{name}: is not a close code that can be sent")


def _clear_faults(state: WorldState, params: Params) -> object:
    state.faults.clear(int_at(params, "id", 0))
    return {"left": len(state.faults.orders)}


def _faults(state: WorldState, _: Params) -> object:
    return {"open": [record(each) for each in state.faults.orders], "struck": state.faults.struck}


def _knobs(state: WorldState, params: Params) -> object:
    wanted = changed(state.knobs, params)
    for name in ("going_away_code", "evicted_close_code", "too_big_code"):
        _check_close_code(name, getattr(wanted, name))
    _check_refusal("rate_limited_handshake_status", wanted.rate_limited_handshake_status)
    state.knobs = wanted
    return record(state.knobs)


def _deployment(state: WorldState, params: Params) -> object:
    ident = text_at(params, "id")
    if not ident:
        raise ControlError(400, "id: is required")
    current = state.deployments.get(ident) or Deployment(id=ident)
    state.deployments[ident] = changed(current, params)
    return record(state.deployments[ident])


def _deployments(state: WorldState, _: Params) -> object:
    return [record(each) for each in state.deployments.values()]


def _inject(state: WorldState, params: Params) -> object:
    frame = params.get("frame")
    text = frame if isinstance(frame, str) else compact(frame)
    chosen = _chosen(state, params)
    for conn in chosen:
        send_text(state, conn, text)
    return {"delivered": len(chosen)}


def _session(state: WorldState, params: Params) -> Session:
    token, deployment = text_at(params, "token"), text_at(params, "deployment")
    for (where, name), session in state.sessions.items():
        if name == token and deployment in (None, where):
            return session
    raise ControlError(404, "no session with this token")


def _living(state: WorldState, params: Params) -> Session:
    session = _session(state, params)
    if session.expired(state.now) and not session.read_only:
        # What is over does not begin again because somebody speaks into it.
        raise ControlError(404, "the session with this token has expired")
    return session


VERBS: Final[dict[str, Verb]] = {
    **LOOKS,
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
}
LOOKING: Final = frozenset({*LOOKS, "faults", "deployments", "knobs"})
