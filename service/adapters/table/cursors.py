"""Cursors: where the next page of a listing starts, as opaque text that fits only that listing."""

import base64
import binascii
import json
import zlib
from collections.abc import Sequence
from typing import Final

from service.adapters.table.driver import Query
from service.domain.errors import FieldFault, InvalidRequestError

LONGEST: Final = 4096
"""Twice what the longest key takes in base64."""


def spell(listing: str, parts: Sequence[str]) -> str:
    """The cursor of a place in a listing."""
    text = json.dumps([_mark(listing), *parts], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode("ascii").rstrip("=")


def read(listing: str, cursor: str, *, parts: int) -> Sequence[str]:
    """The place that a cursor names.

    Raises InvalidRequestError when it is none, or of another listing.
    """
    found = _decoded(cursor)
    if not isinstance(found, list) or len(found) != parts + 1 or found[0] != _mark(listing):
        raise _bad()
    if not all(isinstance(part, str) for part in found[1:]):
        raise _bad()
    return [str(part) for part in found[1:]]


def within(query: Query, place: str) -> str:
    """The place, if the query could have come by it.

    Raises InvalidRequestError: a cursor may be made up.
    """
    low, high = str(query.low or ""), query.high
    if place < low or (high is not None and place > str(high)):
        raise _bad()
    return place


def instant(text: str) -> float:
    """The instant that is part of a place; the epoch where it is none."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def _decoded(cursor: str) -> object:
    if len(cursor) > LONGEST:
        raise _bad()
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found: object = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError) as exc:
        raise _bad() from exc
    return found


def _mark(listing: str) -> int:
    return zlib.crc32(listing.encode())


def _bad() -> InvalidRequestError:
    return InvalidRequestError(
        FieldFault(
            pointer="/query/cursor", detail="not a cursor of this listing; start without one"
        )
    )
