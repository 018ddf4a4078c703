"""The headers of a delivery: ours, and those a caller adds. Pure; signatures are made elsewhere.

Reserved names are refused when an endpoint is made or changed, and ours win when it is sent to all
the same.
"""

import re
from collections.abc import Mapping
from typing import Final

from service.domain.errors import FieldFault, InvalidRequestError
from service.domain.trace import TRACEPARENT, TRACESTATE
from service.webhook.credentials import is_redaction

PRODUCT: Final = "guest-session-broker"
USER_AGENT: Final = f"{PRODUCT}/0.1.0"
LANE_SEQUENCE: Final = "broker-lane-sequence"
GAP: Final = "broker-gap"
REPLAY: Final = "broker-replay"
CUSTOM_HEADERS_MAX: Final = 20
CUSTOM_HEADERS_BYTES_MAX: Final = 8192

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")  # RFC 9110, 5.6.2
_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_RESERVED_PREFIXES: Final = ("webhook-", "svix-", "broker-", "proxy-", "x-amz")
_RESERVED: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "date",
        "expect",
        "host",
        "keep-alive",
        "te",
        TRACEPARENT,
        TRACESTATE,
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
    }
)


def is_reserved(name: str) -> bool:
    """Whether a name is ours or the protocol's; some servers read `_` as `-`, so both count."""
    plain = name.lower().replace("_", "-")
    return plain in _RESERVED or plain.startswith(_RESERVED_PREFIXES)


def check_headers(headers: Mapping[str, str]) -> None:
    """Judge the headers that a caller wants on each delivery.

    Raises:
        InvalidRequestError: names every fault; never quotes a value, which may be a credential.
    """
    faults = [
        FieldFault(pointer=_pointer(name), detail=detail)
        for name, value in headers.items()
        if (detail := _fault(name, value) or _stands_for_nothing(name, value)) is not None
    ]
    size = sum(len(name) + len(value) for name, value in headers.items())
    if len(headers) > CUSTOM_HEADERS_MAX or size > CUSTOM_HEADERS_BYTES_MAX:
        limit = f"at most {CUSTOM_HEADERS_MAX} headers and {CUSTOM_HEADERS_BYTES_MAX} characters"
        faults.append(FieldFault(pointer="/headers", detail=limit))
    if len({name.lower() for name in headers}) != len(headers):
        faults.append(FieldFault(pointer="/headers", detail="a name stands twice"))
    if faults:
        raise InvalidRequestError(*faults)


def delivery_headers(
    custom: Mapping[str, str],
    *,
    signed: Mapping[str, str],
    lane_sequence: int | None,
    gap: tuple[int, int] | None = None,
    replay: str | None = None,
) -> dict[str, str]:
    """Everything one POST carries but Host and Content-Length, which the transport knows best.

    `gap`: the first and the last sequence of the log that were skipped and not yet told. `replay`:
    the replay that sends it.
    """
    ours = {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "accept-encoding": "identity",
        **signed,
    }
    if lane_sequence is not None:
        ours[LANE_SEQUENCE] = str(lane_sequence)
    if gap is not None:
        ours[GAP] = f"{gap[0]}-{gap[1]}"
    if replay is not None:
        ours[REPLAY] = replay
    theirs = {name.lower(): value for name, value in custom.items() if _fault(name, value) is None}
    return {**theirs, **ours}


def _fault(name: str, value: str) -> str | None:
    if not _TOKEN.fullmatch(name):
        return "is not a header name"
    if is_reserved(name):
        return "is a reserved header"
    if not _VALUE.fullmatch(value):
        return "must be printable ASCII without leading or trailing blanks"
    return None


def _stands_for_nothing(name: str, value: str) -> str | None:
    return "is a redaction, and no value is kept for it" if is_redaction(name, value) else None


def _pointer(name: str) -> str:
    return "/headers/" + name.replace("~", "~0").replace("/", "~1")
