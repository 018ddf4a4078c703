"""Where an answer that was only accepted (202) says what becomes of it.

RFC 9110, 15.3.3: such an answer ought to point to a status monitor. Ours are reads that exist
anyway, named in `Location`; `Retry-After` says when to look, as RFC 9110, 10.2.3 means it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from fastapi import Request

from service.usecases.waiting import BUDGET_SECONDS

ACCEPTED: Final = 202
LOOK_SECONDS: Final = 1

Follow: TypeAlias = Callable[[Mapping[str, Any]], str]
"""The path at which the outcome will be, by the answer's body."""


def at(request: Request, path: str) -> Follow:
    """Always there; with `{id}` in it, at what the answer made."""
    whole = _root(request) + path
    return lambda body: whole.replace("{id}", str(body.get("id")))


def in_the_log(request: Request, session_id: str) -> Follow:
    """Among the events that follow on the message's own, which a reader may wait for."""
    events = f"{_root(request)}/v1/sessions/{session_id}/events"

    def path(body: Mapping[str, Any]) -> str:
        message: Mapping[str, Any] = body.get("message", body)
        return f"{events}?after={message['sequence']}&wait={BUDGET_SECONDS:g}"

    return path


def headers_of(
    status: int, body: Mapping[str, Any] | None, follow: Follow | None
) -> dict[str, str]:
    """What a 202 says of its outcome; any other answer is one."""
    if status != ACCEPTED or follow is None:
        return {}
    return {"Location": follow(body or {}), "Retry-After": str(LOOK_SECONDS)}


def _root(request: Request) -> str:
    root: str = request.scope.get("root_path", "")
    return root
