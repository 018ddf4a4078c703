"""What a deployment's frames have that no table of ours knows: the protocol as it drifts. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from service.domain.ids import DeploymentName, TenantName

OTHER: Final = "other"
"""The kind of all that no kind of its own is kept for."""
_LONGEST: Final = 96
_CODE_DIGITS: Final = 9
_IDS: Final = re.compile(
    r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
    r"|(?=[A-Fa-f]*[0-9])[0-9A-Fa-f]{8,}|[0-9]{5,}"
)


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

    @property
    def sort(self) -> str:
        """What is unknown: class, code, content, field, malformed, type or other."""
        return self.kind.partition(":")[0]

    @property
    def name(self) -> str:
        """Its name on the wire; empty for the others."""
        return self.kind.partition(":")[2]

    def again(self, at: float) -> "Drift":
        """Seen once more."""
        return replace(self, count=self.count + 1, last_at=at)


def kind_of(label: str) -> str:
    """The kind that a label of the codec is counted as.

    Ids in it become one star: names made from ids would be a new kind each, and might name
    somebody. A code is a word of the protocol and stays.
    """
    sort, _, name = label.partition(":")
    if sort == "code" and name.isdigit() and len(name) <= _CODE_DIGITS:
        return label
    return without_ids(label)[:_LONGEST]


def without_ids(text: str) -> str:
    """Text in which whatever looks like an id, or a long number, is a star."""
    return _IDS.sub("*", text)
