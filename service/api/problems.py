"""Problems as answers: RFC 9457 with a stable `code`. Knows no use case.

`type` is about:blank, which RFC 9457 (4.2.1) reads as "the status says it"; programs go by `code`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from fastapi.responses import JSONResponse

from service.domain.errors import FieldFault

MEDIA_TYPE: Final = "application/problem+json"

CODE_BY_STATUS: Final[Mapping[int, str]] = {
    400: "malformed_json",
    401: "unauthorized",
    403: "insufficient_scope",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    429: "rate_limited",
    503: "unavailable",
}
"""The codes of what the framework answers by itself; any other status is `internal_error`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem before it is written."""

    status: int
    code: str
    detail: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """The HTTP layer itself refuses a request: its form is wrong, whatever it asks."""

    def __init__(self, *, status: int, code: str, detail: str) -> None:
        super().__init__(code)
        self.problem = Problem(status=status, code=code, detail=detail)


class FailedError(Exception):
    """What was asked was done, and came to a problem: a message that failed for good."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def answer(problem: Problem) -> JSONResponse:
    """The problem as a response."""
    return JSONResponse(
        {
            "type": "about:blank",
            "title": HTTPStatus(problem.status).phrase,
            "status": problem.status,
            "code": problem.code,
            "detail": problem.detail,
            **problem.extra,
        },
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=dict(problem.headers),
    )


def faults_of(faults: Sequence[FieldFault]) -> dict[str, Any]:
    """The member `errors` of an invalid request."""
    return {"errors": [{"pointer": fault.pointer, "detail": fault.detail} for fault in faults]}
