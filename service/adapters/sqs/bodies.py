"""How a hint is spelled in a queue: ids and a version, never content. Pure.

Anybody who may write to the queue can put anything there, so what is read is looked at closely;
what is no hint of this version reads as None.
"""

import json
import re
from typing import Final

from service.domain.ids import EndpointId, ReplayId, SessionId, log_named
from service.ports import DeliveryHint, LaneHint, ReplayHint, SessionHint, TypingHint

VERSION: Final = 1
LENGTH_MAX: Final = 512
"""Several times what a hint needs; SQS takes up to 1 MiB (developer guide, "Message quotas")."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


def session_body(session_id: SessionId) -> str:
    """The hint to look at a session."""
    return _spelled({"session": session_id})


def typing_body(hint: TypingHint) -> str:
    """The hint that a guest was typing; whoever does not know such hints looks at the session."""
    return _spelled({"session": hint.session_id, "typing": hint.at})


def lane_body(hint: LaneHint) -> str:
    """The hint to look at a lane."""
    return _spelled({"endpoint": hint.endpoint_id, "session": hint.session_id, "hops": hint.hops})


def replay_body(hint: ReplayHint) -> str:
    """The hint to look at a strand of a replay; whoever does not know such hints drops it."""
    return _spelled({"replay": hint.replay_id, "strand": hint.strand, "hops": hint.hops})


def read_session(body: str) -> SessionHint | None:
    """The session a body speaks of, and whether it only says that its guest was typing."""
    members = _members(body)
    session_id = _id(members, "session")
    if session_id is None:
        return None
    at = members.get("typing")
    known = SessionId(session_id)
    return TypingHint(known, at) if isinstance(at, float) else known


def read_delivery(body: str) -> DeliveryHint | None:
    """The lane or the strand a body speaks of."""
    members = _members(body)
    hops = _count(members, "hops")
    if hops is None:
        return None
    replay_id, strand = _id(members, "replay"), _count(members, "strand")
    if replay_id is not None and strand is not None:
        return ReplayHint(ReplayId(replay_id), strand, hops)
    endpoint_id, session_id = _id(members, "endpoint"), _id(members, "session")
    if endpoint_id is None or session_id is None:
        return None
    return LaneHint(EndpointId(endpoint_id), log_named(session_id), hops)


def _spelled(members: dict[str, object]) -> str:
    return json.dumps({"v": VERSION, **members}, separators=(",", ":"))


def _members(body: str) -> dict[str, object]:
    """What a body of this version says; nothing where it is none."""
    if len(body) > LENGTH_MAX:
        return {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    version = found.get("v") if isinstance(found, dict) else None
    return found if type(version) is int and version == VERSION else {}


def _id(members: dict[str, object], name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _count(members: dict[str, object], name: str) -> int | None:
    value = members.get(name)
    return value if type(value) is int and value >= 0 else None
