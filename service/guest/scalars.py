"""The kinds of plain JSON values. Strict about types; says which type came, never the value."""

import json
from typing import Final

from service.guest.json_text import MAX_DIGITS
from service.guest.shapes import Kind, fault, object_at, step, wrong_type


def _string(raw: object, path: str) -> str:
    return raw if isinstance(raw, str) else wrong_type("a string", raw, path)


def _boolean(raw: object, path: str) -> bool:
    return raw if isinstance(raw, bool) else wrong_type("a boolean", raw, path)


def _number(raw: object, path: str) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        wrong_type("a number", raw, path)
    return raw


def _integer(raw: object, path: str) -> int:
    # The published schema says "number" for whole quantities, so 3.0 is 3.
    number = _number(raw, path)
    if number != int(number) or abs(number) >= 10**MAX_DIGITS:
        raise fault(path, f"must be a whole number of at most {MAX_DIGITS} digits")
    return int(number)


def _code(raw: object, path: str) -> int | str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        wrong_type("a number or a string", raw, path)
    return _integer(raw, path)


def _string_map(raw: object, path: str) -> dict[str, str]:
    # The service documents string values only. A number or a boolean is taken as it is spelled,
    # so that one careless flow cannot cost a message; null is no value. The names are the
    # customer's own words and so no part of the path.
    entries = object_at(raw, path).items()
    return {name: _spelled(value, path) for name, value in entries if value is not None}


def _spelled(value: object, path: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return wrong_type("a string", value, step(path, "*"))


STRING: Final = Kind(read=_string)
BOOLEAN: Final = Kind(read=_boolean)
INTEGER: Final = Kind(read=_integer)
NUMBER: Final = Kind(read=_number)
CODE: Final = Kind(read=_code)
OBJECT: Final = Kind(read=object_at)
MAP: Final = Kind(read=_string_map, write=dict, empty={})
