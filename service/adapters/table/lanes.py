"""The LaneStore of the single table."""

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Final

from service.adapters.table import index_keys, schema
from service.adapters.table.conditions import (
    Absent,
    Check,
    Condition,
    Equals,
    Item,
    Key,
    Present,
    Put,
    Update,
    all_of,
    free,
    key_of,
)
from service.adapters.table.driver import Driver, NotWrittenError, Query, Verdict
from service.adapters.table.healths import read_health
from service.adapters.table.limits import BATCH_DELETE_ITEMS
from service.adapters.table.log_items import (
    absent_lane_attributes,
    lane_attributes,
    lane_item,
    read_lane,
)
from service.adapters.table.paging import below, due_before, every_item
from service.adapters.table.steps import CONTENTION_TRIES, Step, run
from service.adapters.table.tenant_items import endpoint_reader
from service.adapters.table.unsealing import unsealed
from service.domain.endpoint import Claim, Lane
from service.domain.errors import NotFoundError, UnavailableError, VersionConflictError
from service.domain.ids import EndpointId, LogId, SessionId, tenant_of
from service.ports import Cipher, DuePage, LaneView

LOOKED_AT: Final = 2500
"""Of a bucket, to count what waits in it: about half a megabyte."""


class LaneTable:
    """Lanes of sessions towards endpoints."""

    def __init__(self, driver: Driver, cipher: Cipher, *, looked_at: int = LOOKED_AT) -> None:
        self._driver = driver
        self._read_endpoint = endpoint_reader(cipher)
        self._looked_at = looked_at

    async def look(self, endpoint_id: EndpointId, session_id: LogId) -> LaneView:
        """Four items in one batch. Raises NotFoundError where there is no endpoint."""
        keys = [
            schema.endpoint_key(endpoint_id),
            schema.health_key(endpoint_id),
            schema.lane_key(endpoint_id, session_id),
        ]
        tenant = tenant_of(session_id)
        if tenant is None:
            keys.append(schema.session_key(SessionId(session_id)))
        there = {key_of(item): item for item in await self._driver.get_many(keys)}
        found, health, lane, *session = (there.get(key) for key in keys)
        if found is None:
            raise NotFoundError(kind="webhook", name=endpoint_id)
        endpoint = await unsealed(lambda: self._read_endpoint(found))
        alive = all(item is not None and "erased" not in item for item in session)
        return LaneView(
            endpoint=endpoint,
            health=read_health(health),
            lane=None if lane is None else read_lane(lane),
            has_log=alive if tenant is None else tenant == endpoint.tenant,
        )

    async def lane(self, endpoint_id: EndpointId, session_id: LogId) -> Lane | None:
        """The lane as it is."""
        item = await self._driver.get(schema.lane_key(endpoint_id, session_id))
        return None if item is None else read_lane(item)

    async def lanes_of(self, session_id: SessionId) -> Sequence[Lane]:
        """Every lane of a session."""
        query = below(schema.session_partition(session_id), schema.LANE)
        return [read_lane(item) async for item in every_item(self._driver, query)]

    async def claim(self, lane: Lane, *, token: str, now: float, until: float) -> Lane | None:
        """Claim it for a courier (creating it as given where absent).

        None if somebody validly holds it.
        """
        claim = Claim(token=token, until=until)
        if lane.version == 0:
            made, there = await self._make(lane, claim)
            if made is not None or there is None:
                return made
        found = await self._take(lane, claim, now)
        if isinstance(found, Lane):
            return found
        if found is not None:
            return None
        made, _ = await self._make(lane, claim)
        return made

    async def _make(self, lane: Lane, claim: Claim) -> tuple[Lane | None, Item | None]:
        """The new lane, or what is there already; neither where the session was erased.

        A courier that overslept the erasing must not leave a lane behind it, so making one looks
        at the session in the same transaction; no tenant is ever erased. Once a lane: every later
        claim is one plain write.
        """
        new = dataclasses.replace(lane, claim=claim, version=1)
        put = Put(item=lane_item(new), condition=Absent())
        alive = Check(key=_owner(lane.session_id), condition=Absent("erased"))
        for _ in range(CONTENTION_TRIES):
            try:
                await self._driver.transact([put, alive])
            except NotWrittenError as refused:
                if all(each.verdict is not Verdict.REFUSED for each in refused.outcomes):
                    continue
                there = refused.outcomes[0].item
                return (new if _is_held_by(there, claim) else None), there
            return new, None
        raise UnavailableError(what="the lane (it changes too quickly)")

    async def _take(self, lane: Lane, claim: Claim, now: float) -> Lane | Item | None:
        """The lane as it now is, or the item whose claim is live; None where there is no lane."""
        update = Update(
            key=schema.lane_key(lane.endpoint_id, lane.session_id),
            put={"claim_token": claim.token, "claim_until": claim.until},
            add={"version": 1},
            condition=all_of(Present(), free("claim_until", now)),
        )
        try:
            item = await self._driver.write(update, lasting=False)
        except NotWrittenError as refused:
            item = refused.outcomes[0].item
            if not _is_held_by(item, claim):
                return item
        return None if item is None else read_lane(item)

    async def save(self, before: Lane, after: Lane) -> Lane:
        """Move the lane on; the claim's token and version decide. Raises VersionConflictError."""
        kept = dataclasses.replace(after, version=before.version + 1)
        update = Update(
            key=schema.lane_key(before.endpoint_id, before.session_id),
            put=lane_attributes(kept),
            remove=absent_lane_attributes(kept),
            condition=all_of(Equals("version", before.version), _held(before)),
        )
        step = Step(
            write=update,
            refusal=lambda _: VersionConflictError(item="lane"),
            identity=("version", "body"),
        )
        await run(self._driver, step)
        return kept

    async def due_lanes(
        self, *, before: float, limit: int, after: object | None = None
    ) -> DuePage[tuple[EndpointId, LogId]]:
        """Lanes whose retry is due before then, oldest first."""
        page = await due_before(
            self._driver, index_keys.due_lanes_partition, before=before, limit=limit, after=after
        )
        lanes = [schema.lane_of(str(row["pk"]), str(row["sk"])) for row in page.items]
        return DuePage(items=lanes, rest=page.rest)

    async def waiting_lanes(self, endpoint_id: EndpointId, *, limit: int) -> Sequence[LogId]:
        """Of each bucket one page, the latest sessions first: all lanes are in this index.

        Every session that ever was has one, and nearly all of them wait for nothing.
        """
        queries = [
            Query(
                partition=index_keys.endpoint_lanes_partition(endpoint_id, number),
                index=schema.LANES,
                forward=False,
                limit=self._looked_at,
            )
            for number in range(schema.LANE_BUCKETS)
        ]
        pages = await asyncio.gather(*(self._driver.query(query) for query in queries))
        rows = [row for page in pages for row in page.items if schema.DUE.sk in row]
        return [schema.log_in(str(row["pk"])) for row in rows[:limit]]

    async def count_waiting(self, endpoint_id: EndpointId, *, most: int) -> int:
        """As many as `waiting_lanes` finds."""
        return len(await self.waiting_lanes(endpoint_id, limit=most))

    async def drop_lanes(self, endpoint_id: EndpointId) -> bool:
        """Remove lanes of a deleted endpoint, one page at a time; True when nothing is left."""
        queries = [
            Query(
                partition=index_keys.endpoint_lanes_partition(endpoint_id, number),
                index=schema.LANES,
                limit=BATCH_DELETE_ITEMS,
            )
            for number in range(schema.LANE_BUCKETS)
        ]
        pages = await asyncio.gather(*(self._driver.query(query) for query in queries))
        for page in pages:
            keys = [Key(pk=str(row["pk"]), sk=str(row["sk"])) for row in page.items]
            if keys:
                await self._driver.delete_many(keys)
        return not any(page.items for page in pages)


def _owner(log_id: LogId) -> Key:
    tenant = tenant_of(log_id)
    return schema.session_key(SessionId(log_id)) if tenant is None else schema.log_key(tenant)


def _held(lane: Lane) -> Condition:
    if lane.claim is None:
        return Absent("claim_token")
    return Equals("claim_token", lane.claim.token)


def _is_held_by(item: Item | None, claim: Claim) -> bool:
    return item is not None and item.get("claim_token") == claim.token
