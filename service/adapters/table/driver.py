"""What a driver of the table must be able to do.

No names of things, no keys: only items move here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from service.adapters.table.conditions import Index, Item, Key, Value, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One page of one partition, of the table or of an index.

    It takes what lies between two sort keys, both included.
    """

    partition: str
    low: Value | None = None
    high: Value | None = None
    index: Index | None = None
    forward: bool = True
    limit: int | None = None
    attributes: tuple[str, ...] = ()
    """Which attributes to bring besides the keys; empty brings all."""
    start: Mapping[str, Value] | None = None
    """The `last` of the page before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a query brought; `last` is where the next page starts, None at the end."""

    items: Sequence[Item]
    last: Mapping[str, Value] | None
    size: int = 0
    """Bytes that were read for it, whole items; 0 where nobody counts."""


class Verdict(StrEnum):
    """What came of one write of a transaction that failed."""

    PASSED = "passed"
    REFUSED = "refused"
    """Its condition did not hold."""
    CONTENDED = "contended"
    """Another transaction was at work on the item: nothing is known about the condition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The verdict on one write, with the item that refused it (None: there is none)."""

    verdict: Verdict
    item: Item | None = None


class NotWrittenError(Exception):
    """Nothing was written. One outcome per write, in their order. Stays inside the adapters."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        super().__init__(*(outcome.verdict for outcome in outcomes))
        self.outcomes = outcomes


@dataclass(slots=True, kw_only=True)
class Meter:
    """What a driver was asked, and its cost on DynamoDB (index writes counted).

    Read units are those of the embedded driver: from DynamoDB nobody asks for them.
    """

    calls: dict[str, int] = field(default_factory=dict)
    write_units: int = 0
    read_units: float = 0.0

    def count(self, kind: str, write_units: int = 0, *, read_units: float = 0.0) -> None:
        """One call."""
        self.calls[kind] = self.calls.get(kind, 0) + 1
        self.write_units += write_units
        self.read_units += read_units


class Driver(Protocol):
    """One table.

    Raises UnavailableError and TooLargeError besides what is said; nothing of an SDK leaks.
    """

    @property
    def meter(self) -> Meter:
        """What was asked so far."""

    async def get(self, key: Key, *, attributes: tuple[str, ...] = ()) -> Item | None:
        """One item, strongly consistent."""

    async def get_many(self, keys: Sequence[Key]) -> Sequence[Item]:
        """Those that are there of at most 100 items, in any order, strongly consistent."""

    async def query(self, query: Query) -> Found:
        """One page (1 MB at most) of a partition: strongly consistent, of an index eventually."""

    async def write(self, write: Write, *, lasting: bool = True) -> Item | None:
        """One conditional write; the item as it is afterwards.

        What need not be `lasting` may be gone after a power cut, together with all that followed it
        and need not last either: for holds, which nobody holds then, and for what is nice to know.
        Raises NotWrittenError with one outcome.
        """

    async def transact(self, writes: Sequence[Write]) -> None:
        """All or nothing. Raises NotWrittenError with an outcome per write."""

    async def delete_many(self, keys: Sequence[Key]) -> None:
        """Remove items without any promise about their order."""

    async def close(self) -> None:
        """Let go of everything; later calls fail."""
