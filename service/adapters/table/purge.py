"""Removes every stored byte of an erased session.

But for the stub and the tombstone that late writers run into.
"""

import dataclasses
from collections.abc import AsyncIterator, Sequence
from typing import Final

from service.adapters.table import schema
from service.adapters.table.conditions import Delete, Equals, Item, Key, Put, Update
from service.adapters.table.driver import Driver, NotWrittenError, Query
from service.adapters.table.limits import BATCH_DELETE_ITEMS
from service.adapters.table.session_items import SIGN_IN, session_attributes
from service.adapters.table.steps import Step
from service.domain.ids import ClientId
from service.domain.log import EventType
from service.domain.session import Session
from service.ports import Cipher

STUB_SECONDS: Final = 30 * 24 * 3600
"""How long the stub and the tombstone stay: longer than any writer can have slept."""

PAGE: Final = 4 * BATCH_DELETE_ITEMS


def stub(session: Session) -> Session:
    """What is kept of an erased session.

    Made anew, so that nothing of its caller or guest slips through.
    """
    return Session(
        id=session.id,
        tenant=session.tenant,
        deployment=session.deployment,
        external_id=None,
        shard=session.shard,
        state=session.state,
        version=session.version,
        incarnation=session.incarnation,
        client_id=ClientId(""),
        created_at=session.created_at,
        updated_at=session.updated_at,
    )


async def purge(driver: Driver, cipher: Cipher, session: Session) -> bool:
    """One page of rows, or the lookups when no row is left; True when nothing is left."""
    rows, more = await _rows(driver, session)
    answers = [
        schema.idempotency_key(session.tenant, str(row["answer"]))
        for row in rows
        if "answer" in row
    ]
    gone = [Key(pk=str(row["pk"]), sk=str(row["sk"])) for row in rows if _goes(row)]
    await _delete(driver, [*answers, *gone])
    if more or gone:
        return False
    await _forget(driver, session)
    await _strip(driver, cipher, session)
    return True


async def _rows(driver: Driver, session: Session) -> tuple[Sequence[Item], bool]:
    """The first page of the partition that has something to delete in it, or its last page."""
    query = Query(
        partition=schema.session_partition(session.id), limit=PAGE, attributes=("type", "answer")
    )
    found = await driver.query(query)
    while found.last is not None and not any(_goes(row) for row in found.items):
        found = await driver.query(dataclasses.replace(query, start=found.last))
    return found.items, found.last is not None


def _goes(row: Item) -> bool:
    return row["sk"] != schema.META and row.get("type") != EventType.ERASED


async def _delete(driver: Driver, keys: Sequence[Key]) -> None:
    for first in range(0, len(keys), BATCH_DELETE_ITEMS):
        await driver.delete_many(keys[first : first + BATCH_DELETE_ITEMS])


async def _forget(driver: Driver, session: Session) -> None:
    """The lookups; the reference only if it still names this session."""
    await _delete(driver, [key async for key in _lookups(session)])
    if session.external_id is None:
        return
    reference = schema.reference_key(session.tenant, session.external_id)
    try:
        await driver.write(Delete(key=reference, condition=Equals("session", session.id)))
    except NotWrittenError:
        return  # it names another session by now


async def _lookups(session: Session) -> AsyncIterator[Key]:
    if session.external_id is not None:
        partition = schema.external_partition(session.tenant, session.external_id)
        yield schema.listing_key(partition, session.id)
    for conversation_id in sorted(session.conversations):
        partition = schema.conversation_partition(session.tenant, conversation_id)
        yield schema.listing_key(partition, session.id)


async def _strip(driver: Driver, cipher: Cipher, session: Session) -> None:
    """The stub loses what was kept only to find the lookups."""
    update = Update(
        key=schema.session_key(session.id),
        put=session_attributes(stub(session), cipher),
        remove=("answer", SIGN_IN),
        condition=Equals("version", session.version),
    )
    try:
        await driver.write(update)
    except NotWrittenError:
        return  # another purge was there first


def expiring(step: Step, expires: int) -> Step:
    """The same step, its item removed by DynamoDB itself after that time."""
    write = step.write
    if isinstance(write, Put):
        return dataclasses.replace(
            step, write=dataclasses.replace(write, item={**write.item, schema.TTL: expires})
        )
    if isinstance(write, Update):
        return dataclasses.replace(
            step, write=dataclasses.replace(write, put={**write.put, schema.TTL: expires})
        )
    return step
