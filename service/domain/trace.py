"""The trace that a thing belongs to: one id from a request to the webhook that tells of it.

W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context/). Pure: ids come in, or follow from
names that are unique already.
"""

import hashlib
import re
from typing import Final, NewType

Trace = NewType("Trace", str)
"""`<trace id>-<flags>` as they stand in a `traceparent`: 32 and 2 hexadecimal digits."""

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
RECORDED: Final = "01"
"""Flag `sampled`: traces that begin here are in our log."""
UNRECORDED: Final = "00"

_TRACEPARENT: Final = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<id>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
    r"(?P<more>-.*)?"
)
_VERSION: Final = "00"
_INVALID_VERSION: Final = "ff"
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16
_SAMPLED: Final = 1

_XRAY_ROOT: Final = re.compile(r"(?:^|;) *Root=1-([0-9a-f]{8})-([0-9a-f]{24})(?: *;|$)")
_XRAY_UNSAMPLED: Final = re.compile(r"(?:^|;) *Sampled=0 *(?:;|$)")


def trace_of_header(traceparent: str) -> Trace | None:
    """The trace that a `traceparent` names; None where it is not valid (3.2.2 of the standard).

    Of a later version only what this one has is read (4.1). Of the flags only `sampled` is kept.
    """
    found = _TRACEPARENT.fullmatch(traceparent.strip(" \t"))
    if found is None or found["version"] == _INVALID_VERSION:
        return None
    if found["version"] == _VERSION and found["more"] is not None:
        return None
    if found["id"] == _NO_TRACE or found["span"] == _NO_SPAN:
        return None
    sampled = int(found["flags"], 16) & _SAMPLED
    return Trace(f"{found['id']}-{RECORDED if sampled else UNRECORDED}")


def trace_of_xray(header: str) -> Trace | None:
    """The trace that AWS's `x-amzn-trace-id` names, with its id as W3C spells it; None without one.

    X-Ray developer guide, "Tracing header": `Root=1-<8 digits>-<24 digits>;Parent=…;Sampled=1`. An
    HTTP API sends the root alone, and `Sampled=?` leaves it to us: our log has it then.
    """
    root = _XRAY_ROOT.search(header)
    if root is None or root[1] + root[2] == _NO_TRACE:
        return None
    sampled = _XRAY_UNSAMPLED.search(header) is None
    return Trace(f"{root[1]}{root[2]}-{RECORDED if sampled else UNRECORDED}")


def trace_of_name(name: str) -> Trace:
    """The trace of what no request caused: it follows from a name that is unique.

    So it is the same on each attempt and in each process, and nobody has to keep it.
    """
    return Trace(f"{_digits(name, 32)}-{RECORDED}")


def trace_id(trace: Trace) -> str:
    """The id alone, 32 hexadecimal digits."""
    return trace.partition("-")[0]


def traceparent_of(trace: Trace, *, span: str) -> str:
    """The header with which the trace is passed on; `span` is a name that only this step has."""
    identity, _, flags = trace.partition("-")
    return f"{_VERSION}-{identity}-{_digits(f'{identity} {span}', 16)}-{flags}"


def _digits(name: str, count: int) -> str:
    digits = hashlib.sha256(name.encode()).hexdigest()[:count]
    # All zeros means that there is none: as likely as guessing the id.
    return digits if digits.strip("0") else "1".rjust(count, "0")
