"""Reading and writing loosely typed JSON, and the time format of the wire.

Nothing here knows the protocol: a value of the wrong type reads as absent.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Final

JsonObject = dict[str, object]

LONGEST_NUMBER: Final = 18


def parse_object(text: str | bytes) -> JsonObject | None:
    """Return the JSON object in `text`, or None when it holds anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def compact(value: object) -> str:
    """Write JSON as the service does: no spaces, non-ASCII as it is."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def text_at(source: Mapping[str, object], key: str) -> str | None:
    """Read a string, or None."""
    value = source.get(key)
    return value if isinstance(value, str) else None


def object_at(source: Mapping[str, object], key: str) -> JsonObject:
    """Read an object; an empty one when absent."""
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def objects_at(source: Mapping[str, object], key: str) -> list[JsonObject]:
    """Read a list of objects; members of another type are left out."""
    value = source.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def strings_at(source: Mapping[str, object], key: str) -> dict[str, str]:
    """Read a map of strings; members of another type are left out."""
    return {name: item for name, item in object_at(source, key).items() if isinstance(item, str)}


def int_at(source: Mapping[str, object], key: str, default: int) -> int:
    """Read a whole number given as a number or as digits."""
    value = source.get(key)
    if isinstance(value, int):
        return value
    digits = isinstance(value, str) and value.isdecimal() and len(value) <= LONGEST_NUMBER
    return int(value) if isinstance(value, str) and digits else default


def byte_length(text: str) -> int:
    """Count UTF-8 bytes; half of a surrogate pair, which JSON can bring, counts as three."""
    return len(text.encode("utf-8", "surrogatepass"))


def encoded(text: str) -> bytes:
    """Write UTF-8 in which nothing is invalid."""
    return text.encode("utf-8", "replace")


def record(value: object) -> JsonObject:
    """Write a flat dataclass as JSON, without copying what is in it."""
    names = [field.name for field in fields(value)]  # type: ignore[arg-type]  # any dataclass
    return {name: getattr(value, name) for name in names}


def iso(epoch: float) -> str:
    """Write an epoch time as the service does: UTC with milliseconds and `Z`."""
    moment = datetime.fromtimestamp(epoch, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
