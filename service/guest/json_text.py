"""Strict JSON text to a plain tree and back, for one frame.

It never lets another error than GuestProtocolError out of ``parse_object`` and its sibling, and
never puts a piece of the text into that error.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Final, NoReturn

from service.domain.errors import GuestProtocolError

WHOLE_TEXT: Final = "$"

# Real frames nest about ten deep (a form). The cap keeps every later walk far from the
# interpreter's recursion limit.
MAX_DEPTH: Final = 64

# 64 bits signed hold every number of the protocol; RFC 8259 section 6 promises only 53.
MAX_DIGITS: Final = 18

# Real settings have a few hundred.
MOST_VALUES: Final = 4000
_BEFORE_VALUES: Final = (",", "[", "{")

_MAYBE_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


def parse_object(text: str) -> dict[str, object]:
    """Read one JSON object.

    Refused: duplicate names (RFC 8259 section 4 leaves their meaning open), NaN and infinities,
    integers over 18 digits, nesting over 64. Half a surrogate pair, which a text cut inside an
    emoji leaves behind, becomes U+FFFD: the rest of that message is worth having.

    Raises: GuestProtocolError.
    """
    tree = _loads(text)
    if not isinstance(tree, dict):
        raise _refused(problem="must be an object")
    if _too_deep(tree):
        raise _refused(problem=f"nests deeper than {MAX_DEPTH} levels")
    return _with_whole_characters(tree) if _MAYBE_SURROGATE.search(text) else tree


def parse_short_object(text: str) -> dict[str, object]:
    """Read one JSON object of few values, between the frames of others.

    What it costs to read, walk and judge grows with the values and not with the length, so these
    are counted before anything is read: by the signs that begin or part them, wherever they stand.

    Raises: GuestProtocolError.
    """
    if sum(map(text.count, _BEFORE_VALUES)) > MOST_VALUES:
        raise _refused(problem=f"holds more than {MOST_VALUES} values")
    return parse_object(text)


def render(tree: Mapping[str, object]) -> str:
    """Write compact JSON text that always encodes as UTF-8."""
    text = json.dumps(tree, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _whole_characters(text)


def _loads(text: str) -> object:
    # Raised outside the handlers: the decoder's own exception holds the whole document, and must
    # not travel along as the context of ours.
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as exc:
        problem = f"is not JSON (at character {exc.pos})"
    except RecursionError:
        problem = f"nests deeper than {MAX_DEPTH} levels"
    raise _refused(problem=problem)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise _refused(problem="names a field twice in one object")
    return built


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise _refused(problem="holds an integer that is out of range")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _refused(problem="holds a number that is out of range")
    return number


def _constant(_name: str) -> NoReturn:
    raise _refused(problem="holds NaN or Infinity, which are not JSON")


def _too_deep(root: dict[str, object]) -> bool:
    level: list[dict[str, object] | list[object]] = [root]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node)]
        if not level:
            return False
    return True


def _children(node: dict[str, object] | list[object]) -> Iterable[dict[str, object] | list[object]]:
    inside = node.values() if isinstance(node, dict) else node
    return (child for child in inside if isinstance(child, dict | list))


def _whole_characters(text: str) -> str:
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _with_whole_characters(tree: dict[str, object]) -> dict[str, object]:
    text = json.dumps(tree, ensure_ascii=False)
    repaired: dict[str, object] = json.loads(_whole_characters(text))
    return repaired


def _refused(*, problem: str) -> GuestProtocolError:
    return GuestProtocolError(path=WHOLE_TEXT, problem=problem)
