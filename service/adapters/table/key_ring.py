"""The KeyRingStore of the single table: one item, changed only by compare and swap."""

import json
from typing import Final

from service.adapters.table import schema
from service.adapters.table.conditions import Item
from service.adapters.table.driver import Driver
from service.adapters.table.records import plain, record, text_of
from service.adapters.table.swaps import swap
from service.domain.data_keys import DataKey, KeyRing, with_key
from service.domain.errors import UnavailableError

RING: Final = "the ring of data keys"


class KeyRingTable:
    """Data keys in one table. A wrapped key takes a third of a kilobyte of the item's 400."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def load(self) -> KeyRing:
        """The ring as it is."""
        item = await self._driver.get(schema.KEY_RING)
        return KeyRing() if item is None else _read(item)

    async def add(self, ring: KeyRing, key: DataKey) -> KeyRing:
        """The ring with the key, or what somebody else made of it first."""
        item = _item(with_key(ring, key))
        there = await swap(self._driver, item, version=ring.version, what=RING)
        if there is None:
            # It was read a moment ago: somebody deletes from the table. Read again before more.
            raise UnavailableError(what=RING)
        return _read(there)


def _item(ring: KeyRing) -> Item:
    at = schema.KEY_RING
    return {"pk": at.pk, "sk": at.sk, "version": ring.version, "body": text_of(plain(ring.keys))}


def _read(item: Item) -> KeyRing:
    keys = tuple(record(DataKey, each) for each in json.loads(str(item["body"])))
    return KeyRing(version=int(item["version"]), keys=keys)
