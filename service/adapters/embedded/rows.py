"""Items and index entries as SQLite rows: the synchronous part of the driver. Knows no threads.

Index entries are kept with the time they came and, where reads may lag, the time they went, so that
an index can be read as it was a moment ago.
"""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

from service.adapters.embedded.files import HELD
from service.adapters.table import limits
from service.adapters.table.conditions import (
    Check,
    Index,
    Item,
    Key,
    Update,
    Value,
    Write,
    applied,
    holds,
    key_of,
)
from service.adapters.table.driver import Found, NotWrittenError, Outcome, Query, Verdict
from service.adapters.table.records import text_of
from service.adapters.table.schema import INDEXES

PASSED: Final = Outcome(verdict=Verdict.PASSED)
HOLDS: Final = (
    "lock_token",
    "lock_until",
    "claim_token",
    "claim_until",
    "owner",
    "expires_at",
)


class Rows:
    """Reads and writes over one connection."""

    def __init__(
        self, connection: sqlite3.Connection, *, now: Callable[[], float], longest_lag: float = 0.0
    ) -> None:
        self.connection = connection
        self._now = now
        self._longest_lag = longest_lag

    def get(self, key: Key) -> tuple[Item | None, int]:
        """One item, and how large it is."""
        row = self.connection.execute(
            "SELECT body, size FROM items WHERE pk = ? AND sk = ?", (key.pk, key.sk)
        ).fetchone()
        return (None, 0) if row is None else (_item(row[0]), row[1])

    def held_items(self) -> Sequence[Item]:
        """Every lease, and every item with a lock or a claim."""
        sql = f"SELECT body FROM items WHERE {HELD}"  # noqa: S608 - a constant of ours
        return [_item(body) for (body,) in self.connection.execute(sql)]

    def count_index_rows(self) -> int:
        """How many index entries there are, the buried ones included."""
        (count,) = self.connection.execute("SELECT count(*) FROM index_rows").fetchone()
        return int(count)

    def write_all(self, writes: Sequence[Write]) -> tuple[Sequence[Item | None], int]:
        """Judge every condition, then apply every write.

        The items afterwards and the write units of it.

        The caller has begun a transaction. Raises NotWrittenError, TooLargeError; then nothing was
        changed.
        """
        there = [self.get(_key(write)) for write in writes]
        before = [item for item, _ in there]
        outcomes = [_judged(write, item) for write, item in zip(writes, before, strict=True)]
        if any(outcome.verdict is not Verdict.PASSED for outcome in outcomes):
            raise NotWrittenError(outcomes)
        after = [applied(write, item) for write, item in zip(writes, before, strict=True)]
        sizes = [0 if item is None else limits.check_item(item) for item in after]
        limits.check_transaction_bytes(sizes)
        units = 0
        for write, (old, was), new, size in zip(writes, there, after, sizes, strict=True):
            units += limits.write_units(max(was, size))
            if not isinstance(write, Check):
                units += self._replace(_key(write), old, new, size=size)
        return after, units

    def _replace(self, key: Key, old: Item | None, new: Item | None, *, size: int) -> int:
        """Put the new row in place of the old one; the write units that its indexes cost."""
        if new is None:
            self.connection.execute("DELETE FROM items WHERE pk = ? AND sk = ?", (key.pk, key.sk))
        else:
            self.connection.execute(
                "INSERT OR REPLACE INTO items (pk, sk, body, size) VALUES (?, ?, ?, ?)",
                (key.pk, key.sk, text_of(new), size),
            )
        return sum(self._reindex(index, key, old, new) for index in INDEXES)

    def _reindex(self, index: Index, key: Key, old: Item | None, new: Item | None) -> int:
        was, becomes = _entry(index, old), _entry(index, new)
        if was == becomes:
            return 0
        moved = (
            was is not None and becomes is not None and _place(index, was) != _place(index, becomes)
        )
        if was is not None:
            self._bury(index, key)
        if becomes is not None:
            self.connection.execute(
                "INSERT OR REPLACE INTO index_rows (name, ipk, isk, pk, sk, born, body, size, died)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                (
                    index.name,
                    *_place(index, becomes),
                    key.pk,
                    key.sk,
                    self._now(),
                    text_of(becomes),
                    _size(becomes),
                ),
            )
        return limits.write_units(max(_size(was), _size(becomes))) * (2 if moved else 1)

    def _bury(self, index: Index, key: Key) -> None:
        where = "name = ? AND pk = ? AND sk = ?"
        if self._longest_lag <= 0:
            self.connection.execute(
                f"DELETE FROM index_rows WHERE {where}",  # noqa: S608 - a constant of ours
                (index.name, key.pk, key.sk),
            )
            return
        now = self._now()
        self.connection.execute(
            f"UPDATE index_rows SET died = ? WHERE {where} AND died IS NULL",  # noqa: S608 - the same
            (now, index.name, key.pk, key.sk),
        )
        self.connection.execute(
            f"DELETE FROM index_rows WHERE {where} AND died < ?",  # noqa: S608 - the same
            (index.name, key.pk, key.sk, now - self._longest_lag),
        )

    def query(self, query: Query, *, as_of: float | None = None) -> Found:
        """One page; an index as it was at `as_of`, if given."""
        sql, arguments = _select(query, as_of)
        found: list[Item] = []
        size = 0
        with contextlib.closing(self.connection.execute(sql, arguments)) as rows:
            for body, row_size in rows:
                if found and (size + row_size > limits.PAGE_BYTES or len(found) == query.limit):
                    return _page(query, found, size, more=True)
                found.append(_item(body))
                size += row_size
        return _page(query, found, size, more=False)


def released(item: Item) -> Update:
    """The write that takes every hold off an item; a lease keeps its fence."""
    return Update(key=key_of(item), remove=HOLDS)


def _select(query: Query, as_of: float | None) -> tuple[str, list[Value]]:
    index = query.index
    table, pk, sk = ("items", "pk", "sk") if index is None else ("index_rows", "ipk", "isk")
    tests, arguments = [f"{pk} = ?"], [cast("Value", query.partition)]
    if index is not None:
        tests.append("name = ?")
        arguments.append(index.name)
        tests.append(
            "died IS NULL" if as_of is None else "born <= ? AND (died IS NULL OR died > ?)"
        )
        arguments += [] if as_of is None else [as_of, as_of]
    for sign, bound in ((">=", query.low), ("<=", query.high)):
        if bound is not None:
            tests.append(f"{sk} {sign} ?")
            arguments.append(bound)
    way, sign = ("ASC", ">") if query.forward else ("DESC", "<")
    columns = [sk] if index is None else [sk, "pk", "sk"]
    if query.start is not None:
        tests.append(f"({', '.join(columns)}) {sign} ({', '.join('?' * len(columns))})")
        names = ["sk"] if index is None else [index.sk, "pk", "sk"]
        arguments += [query.start[name] for name in names]
    order = ", ".join(f"{column} {way}" for column in columns)
    where = " AND ".join(tests)
    return f"SELECT body, size FROM {table} WHERE {where} ORDER BY {order}", arguments  # noqa: S608 - names of ours


def _page(query: Query, found: Sequence[Item], size: int, *, more: bool) -> Found:
    items = [kept(item, query.attributes) for item in found]
    reached = more or (query.limit is not None and len(found) >= query.limit)
    if not reached or not found:
        return Found(items=items, last=None, size=size)
    names = ["pk", "sk"] if query.index is None else [query.index.pk, query.index.sk, "pk", "sk"]
    return Found(items=items, last={name: found[-1][name] for name in names}, size=size)


def kept(item: Item, attributes: tuple[str, ...]) -> Item:
    """The item with only those attributes and its keys; all where none are named."""
    if not attributes:
        return item
    wanted = {"pk", "sk", *attributes}
    return {name: value for name, value in item.items() if name in wanted}


def _judged(write: Write, item: Item | None) -> Outcome:
    if holds(write.condition, item):
        return PASSED
    return Outcome(verdict=Verdict.REFUSED, item=item)


def _key(write: Write) -> Key:
    return write.key


def _entry(index: Index, item: Item | None) -> Item | None:
    """What an index holds of an item: nothing unless both its keys are there."""
    if item is None or index.pk not in item or index.sk not in item:
        return None
    names = ("pk", "sk", index.pk, index.sk, *index.also)
    return {name: item[name] for name in names if name in item}


def _place(index: Index, entry: Item) -> tuple[Value, Value]:
    return entry[index.pk], entry[index.sk]


def _size(item: Item | None) -> int:
    return 0 if item is None else limits.item_bytes(item)


def _item(body: str) -> Mapping[str, Value]:
    return cast("Mapping[str, Value]", json.loads(body))
