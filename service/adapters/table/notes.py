"""The TimelineStore of the single table. What is written here expires by itself."""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from service.adapters.table import schema
from service.adapters.table.conditions import Delete, Item, Key, Put
from service.adapters.table.driver import Driver, Query
from service.adapters.table.paging import every_item
from service.adapters.table.records import plain, record, text_of
from service.domain.ids import SessionId
from service.domain.timeline import Note, NotePage

KEPT_SECONDS: Final = 7 * 24 * 3600


class NoteTable:
    """Pages in the partitions of their sessions, so that they go with them."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def keep(self, page: NotePage) -> None:
        """A plain put: a condition on the session's own item would cost three times as much.

        So it is looked afterwards whether the session is erased. If it was before the put, the page
        is removed here; if it is later, the purge finds the page.
        """
        key = schema.notes_key(page.session_id, page.begun, page.writer)
        await self._driver.write(Put(item=_item(key, page)), lasting=False)
        stored = schema.session_key(page.session_id)
        session = await self._driver.get(stored, attributes=("erased",))
        if session is None or "erased" in session:
            # Not as one of many: a listener has no right to that.
            await self._driver.write(Delete(key=key))

    async def pages(self, session_id: SessionId, *, since: float, limit: int) -> Sequence[NotePage]:
        """By the time that they begin at."""
        query = Query(
            partition=schema.session_partition(session_id),
            low=schema.notes_from(since),
            high=schema.NOTES + schema.LAST,
        )
        found: list[NotePage] = []
        async for item in every_item(self._driver, replace(query, limit=limit)):
            found.append(_page(item))
            if len(found) == limit:
                break
        return found


def _item(key: Key, page: NotePage) -> Item:
    packed = zlib.compress(text_of([plain(note) for note in page.notes]).encode())
    return {
        schema.PK: key.pk,
        schema.SK: key.sk,
        schema.TTL: int(page.begun) + KEPT_SECONDS,
        "notes": base64.b85encode(packed).decode("ascii"),
        "left_out": page.left_out,
    }


def _page(item: Item) -> NotePage:
    begun, writer = schema.notes_of(str(item["sk"]))
    notes = json.loads(zlib.decompress(base64.b85decode(str(item["notes"]))))
    return NotePage(
        session_id=schema.session_of(str(item["pk"])),
        begun=begun,
        writer=writer,
        notes=[record(Note, note) for note in notes],
        left_out=int(item["left_out"]),
    )
