"""How the wire's dataclasses hold JSON they only pass on. It knows no message."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, TypeAlias

JsonObject: TypeAlias = Mapping[str, object]


def kept() -> Any:  # noqa: ANN401 - a dataclass field, whose type is the annotation beside it
    """Declare a mapping, empty by default: compared, but neither hashed nor shown by repr.

    Not hashed because a dict cannot be; not shown because nobody knows what it holds.
    """
    return field(default_factory=dict, repr=False, hash=False)
