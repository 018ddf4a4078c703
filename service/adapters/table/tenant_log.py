"""The TenantLog of the single table, and how others append to it within their own transactions."""

import asyncio
import dataclasses
import zlib
from collections.abc import Sequence
from typing import Final

from service.adapters.table import schema
from service.adapters.table.conditions import Absent, Equals, Item, Put, Update, Value
from service.adapters.table.driver import Driver, NotWrittenError, Query
from service.adapters.table.log_items import event_item, read_event
from service.adapters.table.paging import below
from service.adapters.table.steps import Step, run
from service.domain.errors import PlaceTakenError, UnavailableError
from service.domain.ids import TenantName, log_of
from service.domain.notice import Notice
from service.ports import LogPage

KEPT_SECONDS: Final = 30 * 24 * 3600
APPEND_TRIES: Final = 12
"""Endpoints that fall ill in one moment race for one place."""
PAUSE_LEAST: Final = 0.02
PAUSE_MOST: Final = 0.3
"""Before each further try a part of a pause that doubles: 2.4 s in all at most, so that whoever
tells still commits what he tells of within his claim.
"""
LOOK_SECONDS: Final = 30.0
"""Whoever appends sends hints at once: the sweeper is asked only about those that were lost."""


class TenantLogTable:
    """What is told about endpoints, in the partition of their tenant."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def read(self, tenant: TenantName, *, after: int, limit: int) -> LogPage:
        """Events after that place, and the log's end.

        The end first: what it counts is there, or has expired. So an empty page is the log's end.
        """
        end = _end(await self._driver.get(schema.log_key(tenant)))
        partition = schema.log_partition(log_of(tenant))
        query = dataclasses.replace(
            below(partition, schema.EVENTS, limit=limit), low=schema.event_sort(after + 1)
        )
        events = [read_event(item) for item in (await self._driver.query(query)).items]
        last = events[-1].sequence if events else 0
        return LogPage(events=events, last_sequence=max(end, last))

    async def due(self, *, before: float, limit: int) -> Sequence[TenantName]:
        """Logs that are due before then, oldest first."""
        query = Query(partition=schema.DUE_LOGS, high=before, index=schema.DUE, limit=limit)
        rows = (await self._driver.query(query)).items
        return [schema.tenant_in(str(row["pk"])) for row in rows]

    async def settle(self, tenant: TenantName, *, end: int, due_at: float | None = None) -> bool:
        """Due then, or with None not any more, if it still ends there."""
        later: dict[str, Value] = {}
        if due_at is not None:
            later = {schema.DUE.pk: schema.DUE_LOGS, schema.DUE.sk: due_at}
        update = Update(
            key=schema.log_key(tenant),
            put=later,
            remove=() if later else (schema.DUE.pk, schema.DUE.sk),
            condition=Equals("end", end),
        )
        try:
            await self._driver.write(update)
        except NotWrittenError:
            return False
        return True


async def append(driver: Driver, notice: Notice, *steps: Step) -> None:
    """Carry out those steps and append the notice, all or nothing; who loses the place tries anew.

    Raises what the steps raise, and UnavailableError.
    """
    for tried in range(APPEND_TRIES):
        if tried:
            # The loop's own time, which tests make virtual: a store has no clock.
            await asyncio.sleep(_pause(notice, tried))  # noqa: TID251
        head = await driver.get(schema.log_key(notice.tenant))
        try:
            await run(driver, *steps, *_append(notice, head))
        except PlaceTakenError:
            continue
        return
    raise UnavailableError(what="the tenant's log")


def _pause(notice: Notice, tried: int) -> float:
    """Seconds to wait; those who race differ by what they tell."""
    chance = zlib.crc32(f"{notice.id}{tried}".encode()) / 2**32
    return chance * min(PAUSE_MOST, PAUSE_LEAST * 2.0 ** (tried - 1))


def _append(notice: Notice, head: Item | None) -> tuple[Step, Step]:
    """The event at the next place, and the log that ends there and is due.

    The end is kept apart from the events, for they expire: a place is never given twice.
    """
    end = _end(head)
    event = notice.placed(end + 1)
    taken = PlaceTakenError(sequence=event.sequence)
    item = {**event_item(event), schema.TTL: int(notice.at) + KEPT_SECONDS}
    soon = notice.at + LOOK_SECONDS
    due = min(soon, float((head or {}).get(schema.DUE.sk, soon)))
    longer = Update(
        key=schema.log_key(notice.tenant),
        put={"end": event.sequence, schema.DUE.pk: schema.DUE_LOGS, schema.DUE.sk: due},
        condition=Equals("end", end) if end else Absent("end"),
    )
    return (
        Step(
            write=Put(item=item, condition=Absent()),
            refusal=lambda _: taken,
            identity=("id",),
            decides=True,
        ),
        Step(write=longer, refusal=lambda _: taken),
    )


def _end(head: Item | None) -> int:
    return int((head or {}).get("end", 0))
