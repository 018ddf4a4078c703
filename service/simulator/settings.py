"""Changing a frozen settings value by field name, with the types checked.

Used for knobs, deployments and faults, so that Python and HTTP callers get the same messages.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from enum import StrEnum
from typing import Final, TypeVar

Settings = TypeVar("Settings")

MOST: Final = 10**12


class SettingError(ValueError):
    """A setting does not exist or has the wrong type."""

    def __init__(self, name: str, wanted: str) -> None:
        """Name the setting and say what it takes."""
        super().__init__(f"{name}: {wanted}")


def changed(current: Settings, changes: Mapping[str, object]) -> Settings:
    """Return a copy of the dataclass `current` with `changes` applied.

    Raises `SettingError` for an unknown name or a value of the wrong type.
    """
    names = {field.name for field in fields(current)}  # type: ignore[arg-type]  # any dataclass
    accepted: dict[str, object] = {}
    for name, value in changes.items():
        if name not in names:
            raise SettingError(name, "no such setting")
        accepted[name] = _like(name, getattr(current, name), value)
    return replace(current, **accepted)  # type: ignore[type-var]  # any dataclass


def _like(name: str, example: object, value: object) -> object:
    match example:
        case StrEnum():
            return _member(name, type(example), value)
        case bool():
            return _checked(name, value, bool, "takes true or false")
        case int():
            return _whole(name, value)
        case float():
            return float(_number(name, value))
        case tuple():
            return _strings(name, value)
        case _:
            return _checked(name, value, str, "takes a string")


def _member(name: str, kind: type[StrEnum], value: object) -> StrEnum:
    found = next((each for each in kind if each == value), None)
    if found is None:
        raise SettingError(name, "takes one of " + ", ".join(kind))
    return found


def _checked(name: str, value: object, kind: type, wanted: str) -> object:
    if not isinstance(value, kind):
        raise SettingError(name, wanted)
    return value


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST:
        raise SettingError(name, f"takes a whole number from 0 to {MOST}")
    return value


def _number(name: str, value: object) -> float:
    # NaN, which Python's JSON reader takes, fails every comparison.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST:
        raise SettingError(name, f"takes a number from 0 to {MOST}")
    return value


def _strings(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise SettingError(name, "takes a list of strings")
    return tuple(str(item) for item in value)
