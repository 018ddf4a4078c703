"""The frames that the service sends, as JSON objects.

Shapes only: who gets one, and when, is decided elsewhere.
"""

from enum import IntEnum
from typing import Final

from service.simulator.knobs import NotFoundSpelling, RefusalClass
from service.simulator.shapes import JsonObject

Frame = JsonObject


class Code(IntEnum):
    """The codes of the wire that the simulator uses."""

    OK = 200
    BAD_REQUEST = 400
    UNAUTHORIZED = 401
    FORBIDDEN = 403
    NOT_FOUND = 404
    READ_ONLY = 409
    THROTTLED = 429
    FEATURE_UNAVAILABLE = 4000
    FILE_TYPE_INVALID = 4001
    FILE_SIZE_INVALID = 4002
    FILE_NAME_INVALID = 4004
    FILE_NAME_TOO_LONG = 4005
    SESSION_EXPIRED = 4006
    SESSION_NOT_FOUND = 4007
    ATTACHMENT_EXPIRED = 4008
    ATTACHMENT_NOT_FOUND = 4009
    ATTACHMENT_NOT_UPLOADED = 4010
    MESSAGE_TOO_LONG = 4011
    ATTRIBUTES_TOO_LARGE = 4013
    CANNOT_DOWNGRADE = 4017
    MISSING_PARAMETER = 4020
    RATE_TOO_HIGH = 4029
    FILE_EMPTY = 4102


FIRST_OWN_CODE: Final = 1000
"""What is below is a status of HTTP."""


def response(name: str, body: object, tracing_id: str | None, code: int = Code.OK) -> Frame:
    """Build a direct answer to a request."""
    return _frame("response", name, body, code=code, tracing_id=tracing_id)


def push(name: str, body: object, tracing_id: str | None = None) -> Frame:
    """Build an event or message that is pushed."""
    return _frame("message", name, body, code=Code.OK, tracing_id=tracing_id)


def _frame(kind: str, name: str, body: object, *, code: int, tracing_id: str | None) -> Frame:
    frame: Frame = {"type": kind, "class": name, "code": int(code), "body": body}
    if tracing_id is not None:
        frame["tracingId"] = tracing_id
    return frame


def refusal(code: int, text: str, tracing_id: str | None) -> Frame:
    """Build the usual error: class `string`, the text as body."""
    return response("string", text, tracing_id, code)


def refusal_object(name: RefusalClass, code: int, text: str, tracing_id: str | None) -> Frame:
    """Build an error whose body is an object; a code of four digits is in the body only."""
    body = {"name": name.value, "message": text, "errorCode": int(code), "errorMessage": text}
    envelope = code if code < FIRST_OWN_CODE else Code.BAD_REQUEST
    return response(name.value, body, tracing_id, envelope)


def not_found(spelling: NotFoundSpelling, text: str, tracing_id: str | None) -> Frame:
    """Build "session not found" in one of the spellings a client may meet."""
    match spelling:
        case NotFoundSpelling.NUMBER:
            return refusal(Code.SESSION_NOT_FOUND, text, tracing_id)
        case NotFoundSpelling.STRING_CODE:
            return {
                **refusal(Code.SESSION_NOT_FOUND, text, tracing_id),
                "code": "session_not_found",
            }
        case NotFoundSpelling.BARE:
            return {"code": "session_not_found"}
        case NotFoundSpelling.ERROR_MESSAGE:
            body = {
                "name": "SessionNotFound",
                "message": text,
                "errorCode": int(Code.SESSION_NOT_FOUND),
                "errorMessage": text,
            }
            return response("ErrorMessage", body, tracing_id, Code.NOT_FOUND)


def too_many(retry_after: int, tracing_id: str | None, text: str) -> Frame:
    """Build the refusal of a request that came too soon. `retry_after` is in seconds."""
    body = {
        "retryAfter": retry_after,
        "errorCode": int(Code.RATE_TOO_HIGH),
        "errorMessage": text,
    }
    return response("TooManyRequestsErrorMessage", body, tracing_id, Code.THROTTLED)
