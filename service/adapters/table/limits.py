"""DynamoDB's limits and prices.

Kept by both drivers so that neither allows what the other cannot do. Pure.

Source: the DynamoDB developer guide, pages "Quotas" and "Item sizes and formats".
"""

from collections.abc import Iterable, Sequence
from typing import Final

from service.adapters.table.conditions import Item, Value
from service.domain.errors import TooLargeError

ITEM_BYTES: Final = 400 * 1024
TRANSACTION_ITEMS: Final = 100
TRANSACTION_BYTES: Final = 4 * 1024 * 1024
PAGE_BYTES: Final = 1024 * 1024
WRITE_UNIT_BYTES: Final = 1024
READ_UNIT_BYTES: Final = 4096
BATCH_DELETE_ITEMS: Final = 25
BATCH_GET_ITEMS: Final = 100
NUMBER_BYTES: Final = 12
"""What a number of ours takes at most: about a byte per two digits, and one or two more."""


def item_bytes(item: Item) -> int:
    """What an item counts: names and values as UTF-8."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Value) -> int:
    if not isinstance(value, str):
        return NUMBER_BYTES
    # A lone surrogate is three bytes here and an escape in the table; it must not fail here.
    return len(value.encode("utf-8", "surrogatepass"))


def write_units(size: int) -> int:
    """Write units of one item of that size, outside a transaction."""
    return max(1, -(-size // WRITE_UNIT_BYTES))


def read_units(size: int, *, strong: bool = True) -> float:
    """Read units of one item, or of one page's items together; also where nothing was found."""
    return max(1, -(-size // READ_UNIT_BYTES)) * (1.0 if strong else 0.5)


def check_item(item: Item) -> int:
    """The item's size. Raises TooLargeError past 400 KB."""
    size = item_bytes(item)
    if size > ITEM_BYTES:
        raise TooLargeError(what="an item", limit=ITEM_BYTES)
    return size


def check_transaction(writes: Sequence[object]) -> None:
    """Raises TooLargeError past 100 writes."""
    if len(writes) > TRANSACTION_ITEMS:
        raise TooLargeError(what="a transaction", limit=TRANSACTION_ITEMS)


def check_transaction_bytes(sizes: Iterable[int]) -> None:
    """Raises TooLargeError past 4 MB."""
    if sum(sizes) > TRANSACTION_BYTES:
        raise TooLargeError(what="a transaction", limit=TRANSACTION_BYTES)
