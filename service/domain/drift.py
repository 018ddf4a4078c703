"""What a deployment's frames have that no table of ours knows: the protocol as it drifts. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from service.domain.ids import DeploymentName, TenantName

OTHER: Final = "other"
"""The kind of all that no kind of its own is kept for."""
FIELD: Final = "field"
STAR: Final = "*"
"""What stands for a name that may be somebody's."""
_LONGEST: Final = 160
_CODE_DIGITS: Final = 9
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
_LIST: Final = "[]"
_IDS: Final = re.compile(
    # Hexadecimal digits, long numbers, and what has three numbers in it.
    r"(?=[A-Fa-f]*[0-9])[0-9A-Fa-f]{8,}|[0-9]{5,}|[0-9]+[^0-9]+[0-9]+[^0-9]+[0-9]"
)
_TURNS: Final = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[a-z0-9])|(?<=[0-9])(?=[A-Za-z])")
_RANDOM_FROM: Final = 16
_RANDOM_TURNS: Final = 0.44
_RANDOM_TURNS_OF_LETTERS: Final = 0.56
"""Characters drawn by chance turn from small to capital or digit at 0.6 of the places, names such
as `maxFileSizeKB` at less than 0.4, and names of short words at up to 0.5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One kind of unknown thing, such as `field:body.mood`, and how often and when it was seen.

    Instants are seconds since the epoch. The sample is one frame, without words, people and ids.
    """

    tenant: TenantName
    deployment: DeploymentName
    kind: str
    count: int
    first_at: float
    last_at: float
    sample: Mapping[str, Any] = field(default_factory=dict)
    made_at: float = 0.0
    """When that deployment was made: another one may have had its name before."""

    @property
    def sort(self) -> str:
        """What is unknown: class, code, content, event, field, malformed, type, value or other."""
        return self.kind.partition(":")[0]

    @property
    def name(self) -> str:
        """Its name on the wire; empty for the others."""
        return self.kind.partition(":")[2]

    def again(self, at: float) -> "Drift":
        """Seen once more."""
        return replace(self, count=self.count + 1, last_at=max(self.last_at, at))

    def and_also(self, other: "Drift") -> "Drift":
        """Both counts of one kind, and the sample that is there."""
        return replace(
            self,
            count=self.count + other.count,
            first_at=min(self.first_at, other.first_at),
            last_at=max(self.last_at, other.last_at),
            sample=self.sample or other.sample,
        )


def kind_of(label: str) -> str:
    """The kind that a label of the codec is counted as.

    Each part of its name that may be somebody's is a star. A code is a word of the protocol and
    stays.
    """
    sort, colon, name = label.partition(":")
    if sort == "code" and name.isascii() and name.isdigit() and len(name) <= _CODE_DIGITS:
        return label
    shown = field_name if sort == FIELD else plain_name
    kind = f"{sort}{colon}{'.'.join(_part(part, shown) for part in name.split('.'))}"
    return kind if len(kind) <= _LONGEST else f"{sort}:{STAR}"


def plain_name(name: str) -> str:
    """A name as a protocol would have it; a star where it may be an id, a secret or somebody's.

    A table of what customers put there is an object too, and its names are no names of fields.
    """
    return STAR if _NAME.fullmatch(name) is None or _looks_random(name) else name


def field_name(name: str) -> str:
    """The name of a field, which begins with a small letter as all of the vendor's do.

    People are spelled with capitals, `AnnMueller`; who is spelled as a field is shown as one.
    """
    return plain_name(name) if name[:1].islower() else STAR


def _part(part: str, shown: Callable[[str], str]) -> str:
    name = part.removesuffix(_LIST)
    return shown(name) + part[len(name) :] if name else part


def _looks_random(name: str) -> bool:
    if _IDS.search(name):
        return True
    if len(name) < _RANDOM_FROM:
        return False
    most = _RANDOM_TURNS_OF_LETTERS if name.isalpha() else _RANDOM_TURNS
    return sum(1 for _ in _TURNS.finditer(name)) > most * len(name)
