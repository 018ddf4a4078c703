"""The table on SQLite, behind asyncio: one writer that commits in groups, readers beside it.

A write is queued; whoever finds the writer idle starts it; it takes all that waits, commits it with
one sync, and answers all. So a single writer pays one sync and a hundred pay one together. Small
reads run on the loop's own thread: they take some microseconds of memory that SQLite or the system
keeps, and a hop to a thread and back costs ten times that, more while the loop is busy. Threads
come in as an executor, so that a simulation can run everything inline.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO, TypeVar

from service.adapters.embedded.files import SCHEMA, connect, lock_directory
from service.adapters.embedded.rows import Rows, kept, released
from service.adapters.table import limits
from service.adapters.table.conditions import Delete, Item, Key, Write
from service.adapters.table.driver import Found, Meter, NotWrittenError, Query
from service.domain.errors import TooLargeError, UnavailableError

GROUP_MAX: Final = 256
READERS: Final = 2
SMALL_PAGE: Final = 100
"""A page of so many items at most is read without a thread."""
TRANSACTION_FACTOR: Final = 2
"""A write inside a transaction costs twice."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexLag:
    """How stale an index read may be: `draw` gives a number in [0, 1) at each read.

    For tests and simulations.
    """

    longest: float
    draw: Callable[[], float]


@dataclass(slots=True, kw_only=True)
class _Job:
    """One transaction that waits for the writer, and who waits for it."""

    writes: Sequence[Write]
    lasting: bool
    done: "asyncio.Future[None]"
    items: Sequence[Item | None] = ()
    units: int = 0
    error: BaseException | None = None


class EmbeddedDriver:
    """The Driver of one SQLite file (or of a table in memory).

    `shared` is for tests only, on a directory that is there: several processes open the file, so
    nobody locks the directory, and nothing is synced (a write outlives its process all the same,
    though not the machine). They wait for each other's commits as long as for a busy file.
    """

    def __init__(
        self,
        directory: Path | None,
        *,
        now: Callable[[], float],
        executor: Executor | None = None,
        lag: IndexLag | None = None,
        shared: bool = False,
    ) -> None:
        self.meter = Meter()
        self._now = now
        self._lag = lag
        self._shared = shared
        alone = None if shared else directory
        self._held: TextIO | None = None if alone is None else lock_directory(alone)
        self._writer = self._rows(directory)
        self._writer.connection.executescript(SCHEMA)
        self._own_executors = executor is None
        self._write_executor = executor or ThreadPoolExecutor(1, thread_name_prefix="table-writer")
        self._read_executor = self._write_executor
        self._idle_readers = deque([self._writer])
        self._near: Rows | None = None
        if directory is not None and executor is None:
            self._near = self._rows(directory)
            self._read_executor = ThreadPoolExecutor(READERS, thread_name_prefix="table-reader")
            self._idle_readers = deque(self._rows(directory) for _ in range(READERS))
        self._waiting: deque[_Job] = deque()
        self._writing = False
        self._syncs = True
        self._closed = False

    def _rows(self, directory: Path | None) -> Rows:
        longest = 0.0 if self._lag is None else self._lag.longest
        connection = connect(directory, durable=not self._shared)
        return Rows(connection, now=self._now, longest_lag=longest)

    async def get(self, key: Key, *, attributes: tuple[str, ...] = ()) -> Item | None:
        """One item."""
        item, size = await self._read(lambda rows: rows.get(key), small=True)
        self.meter.count("get", read_units=limits.read_units(size))
        return None if item is None else kept(item, attributes)

    async def get_many(self, keys: Sequence[Key]) -> Sequence[Item]:
        """Those of the items that are there."""
        if len(keys) > limits.BATCH_GET_ITEMS:
            raise TooLargeError(what="a batch of reads", limit=limits.BATCH_GET_ITEMS)
        found = await self._read(lambda rows: [rows.get(key) for key in keys], small=True)
        self.meter.count("get_many", read_units=sum(limits.read_units(size) for _, size in found))
        return [item for item, _ in found if item is not None]

    async def query(self, query: Query) -> Found:
        """One page; of an index as it was up to the lag ago."""
        as_of = None
        if query.index is not None and self._lag is not None:
            as_of = self._now() - self._lag.longest * self._lag.draw()
        strong = query.index is None
        small = strong and query.limit is not None and query.limit <= SMALL_PAGE
        found = await self._read(lambda rows: rows.query(query, as_of=as_of), small=small)
        units = limits.read_units(found.size, strong=strong)
        self.meter.count("query" if strong else "query_index", read_units=units)
        return found

    async def write(self, write: Write, *, lasting: bool = True) -> Item | None:
        """One conditional write; synced unless it need not last."""
        (item,) = await self._submit("write", [write], factor=1, lasting=lasting)
        return item

    async def transact(self, writes: Sequence[Write]) -> None:
        """All or nothing."""
        limits.check_transaction(writes)
        await self._submit("transact", writes, factor=TRANSACTION_FACTOR)

    async def delete_many(self, keys: Sequence[Key]) -> None:
        """Remove items; in one transaction here, which nobody may rely on."""
        if keys:
            await self._submit("delete_many", [Delete(key=key) for key in keys], factor=1)

    def forget_the_dead(self) -> int:
        """Drop every lease, lock and claim in the table; how many there were.

        Call it before anything else.

        Whoever holds one is a process that had this directory, and the lock on the directory is
        ours now: that process is dead. So nobody need wait until its holds run out. Correctness
        does not depend on it.
        """
        held = self._writer.held_items()
        for first in range(0, len(held), limits.TRANSACTION_ITEMS):
            self._writer.connection.execute("BEGIN IMMEDIATE")
            self._writer.write_all(
                [released(item) for item in held[first : first + limits.TRANSACTION_ITEMS]]
            )
            self._writer.connection.execute("COMMIT")
        return len(held)

    def count_index_rows(self) -> int:
        """How many index entries are kept, the buried ones included."""
        return self._writer.count_index_rows()

    def trace(self, listener: Callable[[str], None] | None) -> None:
        """Tell every SQL statement of the writer to somebody who looks for slow ones."""
        self._writer.connection.set_trace_callback(listener)

    async def close(self) -> None:
        """Finish what is queued, close the file and give the directory back."""
        if self._closed:
            return
        self._closed = True
        while self._waiting or self._writing:
            await asyncio.wrap_future(self._write_executor.submit(bool))
        if self._own_executors:
            self._read_executor.shutdown()
            self._write_executor.shutdown()
        near = () if self._near is None else (self._near,)
        all_rows = (*self._idle_readers, *near, self._writer)
        for rows in {id(rows): rows for rows in all_rows}.values():
            rows.connection.close()
        if self._held is not None:
            self._held.close()

    async def _read(self, work: Callable[[Rows], T], *, small: bool = False) -> T:
        self._must_be_open()
        if small and self._near is not None:
            # Whoever reads much lets others have their turn; no clock is waited for.
            await asyncio.sleep(0)  # noqa: TID251
            self._must_be_open()
            return _read_from(self._near, work)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._read_executor, self._read_apart, work)

    def _read_apart(self, work: Callable[[Rows], T]) -> T:
        rows = self._idle_readers.pop()  # as many as threads, so there is always one
        try:
            return _read_from(rows, work)
        finally:
            self._idle_readers.append(rows)

    async def _submit(
        self, kind: str, writes: Sequence[Write], *, factor: int, lasting: bool = True
    ) -> Sequence[Item | None]:
        self._must_be_open()
        loop = asyncio.get_running_loop()
        job = _Job(writes=writes, lasting=lasting, done=loop.create_future())
        try:
            if lasting or self._near is None or self._shared or self._writing:
                self._waiting.append(job)
                if not self._writing:
                    self._start_writer(loop)
                await job.done
            else:
                # No sync to wait for, and nobody else writes: as quick as a small read.
                self._write_group([job])
        finally:
            self.meter.count(kind, job.units * factor)
        # Raised here, not thrown in by the future: CPython 3.11 stops tracing the lines of whoever
        # awaits this when the exception is caught further down, and coverage would miss them.
        if job.error is not None:
            raise job.error
        return job.items

    def _start_writer(self, loop: asyncio.AbstractEventLoop) -> None:
        self._writing = True
        group = [self._waiting.popleft() for _ in range(min(GROUP_MAX, len(self._waiting)))]
        running = loop.run_in_executor(self._write_executor, self._write_group, group)
        running.add_done_callback(lambda done: self._answer(loop, group, done))

    def _answer(
        self, loop: asyncio.AbstractEventLoop, group: Sequence[_Job], done: "asyncio.Future[None]"
    ) -> None:
        """Back on the loop: answer the group, and start the next one if more came meanwhile."""
        self._writing = False
        failure = done.exception()
        if self._waiting:
            self._start_writer(loop)
        for job in group:
            if job.done.done():
                continue  # whoever asked was cancelled; the write stands
            job.error = failure or job.error
            job.done.set_result(None)

    def _write_group(self, group: Sequence[_Job]) -> None:
        """On the writer: every job in order, one commit. A job that is refused changes nothing."""
        try:
            self._sync(lasting=any(job.lasting for job in group))
            self._writer.connection.execute("BEGIN IMMEDIATE")
            for job in group:
                try:
                    job.items, job.units = self._writer.write_all(job.writes)
                except (NotWrittenError, TooLargeError) as refused:
                    job.error = refused
                except UnicodeEncodeError as exc:
                    # A key with half a surrogate pair; DynamoDB does not take it either.
                    job.error = UnavailableError(what=f"the table for such a key ({exc.reason})")
            self._writer.connection.execute("COMMIT")
        except sqlite3.Error as exc:
            raise UnavailableError(what=f"the table file ({exc})") from exc
        finally:
            if self._writer.connection.in_transaction:
                self._writer.connection.execute("ROLLBACK")

    def _sync(self, *, lasting: bool) -> None:
        """Whether the next commit is synced. A later one that is makes all before it last."""
        if lasting is not self._syncs and not self._shared:
            self._writer.connection.execute(f"PRAGMA synchronous={'FULL' if lasting else 'NORMAL'}")
            self._syncs = lasting

    def _must_be_open(self) -> None:
        if self._closed:
            raise UnavailableError(what="the table (it is closed)")


def _read_from(rows: Rows, work: Callable[[Rows], T]) -> T:
    try:
        return work(rows)
    except (sqlite3.Error, UnicodeEncodeError) as exc:
        raise UnavailableError(what=f"the table file ({exc})") from exc
