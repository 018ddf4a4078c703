"""HTTP answers as values, and the error body of the platform API."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.simulator.shapes import compact, encoded
from service.simulator.state import WorldState


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status, body and headers of an answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(value: object, status: int = 200, **headers: str) -> Answer:
    """Answer with JSON. Header names are written with underscores."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    named["content-type"] = "application/json"
    return Answer(status=status, body=encoded(compact(value)), headers=named)


def error_answer(state: WorldState, status: int, code: str, message: str) -> Answer:
    """Answer with the error body that the platform API uses."""
    body = {
        "message": message,
        "code": code,
        "status": status,
        "contextId": state.ids.uuid(),
        "details": [],
        "errors": [],
    }
    return json_answer(body, status)


def bearer_of(headers: Mapping[str, str]) -> str:
    """Read the token of an `Authorization: bearer` header, whatever its capitals."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
