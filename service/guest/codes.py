"""The code of a frame that counts, and the codes that are documented. It names no reaction."""

from collections.abc import Mapping
from typing import Final

from service.guest.messages import ServerFrame, StructuredMessage, Unknown

# HTTP-like codes and the service's own 4xxx, from the vendor's documentation and official SDKs.
_KNOWN: Final = frozenset(
    {200, 400, 401, 403, 404, 408, 409, 429}
    | set(range(4000, 4012))
    | {4013, 4017, 4020, 4029, 4102, 5000}
)
_REDIRECTS: Final = range(300, 400)
_SERVER_FAULTS: Final = range(500, 600)
_MAX_DIGITS: Final = 9


def effective_code(frame: ServerFrame) -> int | str | None:
    """Give the code to act on: the body's ``errorCode`` if it has one, else the envelope's.

    A number spelled as a string comes back as a number; a word stays a word.
    """
    inner = _error_code(frame)
    return _number_if_spelled(frame.code if inner is None else inner)


def is_known_code(code: int | str) -> bool:
    """Whether the code is one the documentation explains."""
    return isinstance(code, int) and (
        code in _KNOWN or code in _REDIRECTS or code in _SERVER_FAULTS
    )


def _error_code(frame: ServerFrame) -> int | str | None:
    found: object = getattr(frame, "error_code", None)
    if found is None:
        found = _rest(frame).get("errorCode")
    # bool is an int to Python, but no code.
    return found if isinstance(found, int | str) and not isinstance(found, bool) else None


def _rest(frame: ServerFrame) -> Mapping[str, object]:
    match frame:
        case StructuredMessage(body=body):
            return body.extras
        case Unknown(body=dict(body)):
            return body
        case Unknown():
            return {}
        case _:
            return frame.body_extras


def _number_if_spelled(code: int | str | None) -> int | str | None:
    if isinstance(code, str) and len(code) <= _MAX_DIGITS and code.isascii() and code.isdigit():
        return int(code)
    return code
