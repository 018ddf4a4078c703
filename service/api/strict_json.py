"""A request body as JSON, strictly: RFC 8259 in UTF-8, no NaN, no member twice, no half surrogate.

Knows neither routes nor schemas.
"""

import json
import math
from typing import Any, Final

from service.api.problems import RefusedError

DEPTH_MAX: Final = 64
"""Deeper than any shape of ours; well before a recursive writer gives up."""

NOT_UTF_8: Final = "the body is not valid UTF-8"
NOT_JSON: Final = "the body is not JSON: "
NESTED: Final = f"nested deeper than {DEPTH_MAX}"
HALF: Final = "a string holds half of a surrogate pair"


def parsed(body: bytes) -> Any:  # noqa: ANN401 - the JSON edge
    """The value of a body. Raises RefusedError with code malformed_json."""
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_members,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError:
        raise _malformed(NOT_UTF_8) from None
    except (ValueError, RecursionError) as error:
        raise _malformed(NOT_JSON + _reason(error)) from None
    _check(value, depth=0)
    return value


def canonical(value: Any) -> bytes:  # noqa: ANN401 - the JSON edge
    """The same bytes for the same value, whatever the order and the blanks it came with."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        message = "an object has a member twice"
        raise ValueError(message)
    return members


def _no_constant(_: str) -> float:
    message = "NaN and Infinity are no JSON numbers"
    raise ValueError(message)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        message = "a number is too large"
        raise ValueError(message)
    return number


def _check(value: Any, *, depth: int) -> None:  # noqa: ANN401 - the JSON edge
    if depth > DEPTH_MAX:
        raise _malformed(NOT_JSON + NESTED)
    match value:
        case str():
            _check_text(value)
        case dict():
            for name, member in value.items():
                _check_text(name)
                _check(member, depth=depth + 1)
        case list():
            for member in value:
                _check(member, depth=depth + 1)


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _malformed(HALF) from None


def _reason(error: ValueError | RecursionError) -> str:
    return NESTED if isinstance(error, RecursionError) else str(error)


def _malformed(detail: str) -> RefusedError:
    return RefusedError(status=400, code="malformed_json", detail=detail)
