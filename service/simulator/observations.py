"""The verbs that only look: what a test can see of the world. Nothing here changes anything."""

from collections.abc import Iterable
from typing import Final

from service.simulator.control import ControlError, Params, Verb
from service.simulator.conversations import describe
from service.simulator.journal import Arrival, Configure, Entry
from service.simulator.shapes import JsonObject, record, text_at
from service.simulator.state import WorldState


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


def _of_token(records: Iterable[Entry | Arrival | Configure], params: Params) -> list[JsonObject]:
    token, deployment = text_at(params, "token"), text_at(params, "deployment")
    return [
        record(each)
        for each in records
        if token in (None, each.token) and deployment in (None, each.deployment)
    ]


def _transcript(state: WorldState, params: Params) -> object:
    return _of_token(state.journal.entries, params)


def _inbound(state: WorldState, params: Params) -> object:
    return _of_token(state.journal.arrivals.values(), params)


def _configures(state: WorldState, params: Params) -> object:
    return _of_token(state.journal.configures, params)


def _handshakes(state: WorldState, params: Params) -> object:
    deployment = text_at(params, "deployment")
    shakes = state.journal.handshakes
    return [record(each) for each in shakes if deployment in (None, each.deployment)]


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


LOOKS: Final[dict[str, Verb]] = {
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
