"""Transcripts of the Guest API as text, and what fits them.

A line is `C1> {frame}` or `S1> {frame}`: the client or the server on the first socket, `C1> closes
1000`, or without a number `C> GET /path bearer $jwt` and its answer `S> 200 {body}`. `#` is a
comment. `"$name"` stands for any value, the same wherever it stands in one transcript; `"$_"` for
any at all; a field `"...": true` for more fields than those written down.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_LINE: Final = re.compile(r"(?P<who>[CS])(?P<link>\d*)> (?P<what>.+)")
MORE: Final = "..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was said. `link` counts sockets from 1; 0 is plain HTTP."""

    who: str
    link: int
    what: Any
    """A frame; a text for a close and a request; status and body of an answer."""

    def __str__(self) -> str:
        return f"{self.who}{self.link or ''}> {self.what}"


def read_transcript(file: Path) -> list[Line]:
    """The lines of a transcript, in order."""
    texts = [text for text in file.read_text(encoding="utf-8").splitlines() if text]
    return [_line(text) for text in texts if not text.startswith("#")]


def _line(text: str) -> Line:
    found = _LINE.fullmatch(text)
    if found is None:
        message = f"no line of a transcript: {text}"
        raise ValueError(message)
    what: Any = found["what"]
    if what.startswith("{"):
        what = json.loads(what)
    elif found["who"] == "S" and not found["link"]:
        status, _, body = what.partition(" ")
        what = [int(status), json.loads(body)]
    return Line(who=found["who"], link=int(found["link"] or 0), what=what)


def differences(wanted: Sequence[Line], seen: Sequence[Line]) -> list[str]:
    """How what was seen differs from a transcript; empty where it fits."""
    bound: dict[str, Any] = {}
    found: list[str] = []
    for number, (want, got) in enumerate(zip(wanted, seen, strict=False), start=1):
        if (want.who, want.link) != (got.who, got.link):
            return [*found, f"line {number}: {want} was wanted, {got} came"]
        found += [f"line {number}{problem}" for problem in misfits(want.what, got.what, bound)]
    found += [f"missing: {line}" for line in wanted[len(seen) :]]
    return found + [f"too much: {line}" for line in seen[len(wanted) :]]


def misfits(want: Any, got: Any, bound: dict[str, Any], place: str = "") -> list[str]:  # noqa: ANN401 - JSON
    """What of a value does not fit; names that had no value yet get theirs."""
    match want:
        case "$_":
            return []
        case str() if want.startswith("$"):
            value = bound.setdefault(want, got)
            return [] if value == got else [f"{place}: {want} was {value!r} and is {got!r}"]
        case str() if " $" in want and isinstance(got, str):
            return misfits(want.split(" "), got.split(" "), bound, place)
        case dict() if isinstance(got, dict):
            return _fields(want, got, bound, place)
        case list() if isinstance(got, list) and len(want) == len(got):
            pairs = enumerate(zip(want, got, strict=True))
            return [
                problem
                for n, (one, other) in pairs
                for problem in misfits(one, other, bound, f"{place}[{n}]")
            ]
        case _:
            return [] if want == got else [f"{place}: {want!r} was wanted, {got!r} came"]


def _fields(
    want: Mapping[str, Any], got: Mapping[str, Any], bound: dict[str, Any], place: str
) -> list[str]:
    names = want.keys() - {MORE}
    found = [f"{place}.{name}: is missing" for name in sorted(names - got.keys())]
    if MORE not in want:
        found += [f"{place}.{name}: is too much" for name in sorted(got.keys() - names)]
    for name in sorted(names & got.keys()):
        found += misfits(want[name], got[name], bound, f"{place}.{name}")
    return found


def filled(want: Any, bound: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """A value with its names replaced; a name without a value is a KeyError."""
    match want:
        case str() if want.startswith("$"):
            return bound[want]
        case dict():
            return {name: filled(value, bound) for name, value in want.items() if name != MORE}
        case list():
            return [filled(value, bound) for value in want]
        case _:
            return want
