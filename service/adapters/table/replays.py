"""The ReplayStore of the single table. What is over expires by itself."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, cast

from service.adapters.table import index_keys, schema
from service.adapters.table.conditions import Absent, Equals, Item, Key, Put, Update, Value, key_of
from service.adapters.table.driver import Driver, Query
from service.adapters.table.paging import all_items, below, due_before, due_of, one_page
from service.adapters.table.records import plain_record, record, text_of
from service.adapters.table.session_steps import keep_answer
from service.adapters.table.steps import Step, run
from service.domain.access import IdempotencyRecord
from service.domain.endpoint import Claim
from service.domain.errors import UnavailableError, VersionConflictError
from service.domain.ids import EndpointId, ReplayId, SessionId, TenantName
from service.domain.replay import KEPT_SECONDS, Replay, ReplayState, Strand
from service.ports import Cipher, DuePage, DueStrand, FoundSession, Page

FINISH_TRIES: Final = 20
"""Strands that end together count one after the other: more than there are of them."""
DROPPED: Final = 5
"""Replays removed at a time, each with its strands."""


class ReplayTable:
    """Replays beside their endpoints, strands in partitions of their own."""

    def __init__(self, driver: Driver, cipher: Cipher) -> None:
        self._driver = driver
        self._cipher = cipher

    async def create(
        self, replay: Replay, strands: Sequence[Strand], *, idempotency: IdempotencyRecord | None
    ) -> Replay:
        """The replay and its strands in one transaction. Raises IdempotencyInProgressError."""
        kept = replace(replay, version=1)
        items = (_replay_item(kept), *(_strand_item(strand) for strand in strands))
        steps = [
            Step(
                write=Put(item=item, condition=Absent()),
                refusal=lambda _: VersionConflictError(item="replay"),
                identity=("version", "body"),
            )
            for item in items
        ]
        await run(self._driver, *steps, *keep_answer(idempotency, self._cipher))
        return kept

    async def replay(self, endpoint_id: EndpointId, replay_id: ReplayId) -> Replay | None:
        """The replay as it is."""
        item = await self._driver.get(schema.replay_key(endpoint_id, replay_id))
        return None if item is None else _read_replay(item)

    async def list_replays(
        self, endpoint_id: EndpointId, *, cursor: str | None, limit: int
    ) -> Page[Replay]:
        """Newest first: their ids rise with time."""
        query = below(schema.endpoint_partition(endpoint_id), schema.REPLAYS, forward=False)
        return await one_page(self._driver, query, cursor=cursor, limit=limit, read=_read_replay)

    async def change(self, before: Replay, after: Replay) -> Replay:
        """Put `after` in the place of `before`. Raises VersionConflictError."""
        kept = replace(after, version=before.version + 1)
        await run(self._driver, _change(before, kept))
        return kept

    async def strands_of(self, replay_id: ReplayId) -> Sequence[Strand]:
        """Every strand, by its number."""
        query = below(schema.replay_partition(replay_id), schema.STRANDS)
        return [_read_strand(item) for item in await all_items(self._driver, query)]

    async def strand(self, replay_id: ReplayId, number: int) -> Strand | None:
        """The strand as it is."""
        item = await self._driver.get(schema.strand_key(replay_id, number))
        return None if item is None else _read_strand(item)

    async def save(self, before: Strand, after: Strand) -> Strand:
        """Put `after` in the place of `before`. Raises VersionConflictError."""
        kept = replace(after, version=before.version + 1)
        await run(self._driver, _save(before, kept))
        return kept

    async def finish(self, before: Strand, after: Strand, *, now: float) -> Strand:
        """Both items in one transaction; a replay that is over, or gone, is left alone."""
        kept = replace(after, version=before.version + 1)
        for _ in range(FINISH_TRIES):
            found = await self.replay(before.endpoint_id, before.replay_id)
            steps = [_save(before, kept)]
            if found is not None and found.state is ReplayState.OPEN:
                counted = replace(found.without_one(at=now), version=found.version + 1)
                steps.append(_change(found, counted))
            try:
                await run(self._driver, *steps)
            except VersionConflictError as lost:
                if lost.item != "replay":
                    raise
                continue
            return kept
        raise UnavailableError(what="the replay (it changes too quickly)")

    async def sessions_from(
        self, tenant: TenantName, *, place: str, until: float, limit: int
    ) -> Sequence[FoundSession]:
        """One page of the index that has a tenant's sessions in the order of their creation."""
        partition, index = schema.tenant_partition(tenant), schema.TENANT
        query = Query(
            partition=partition,
            index=index,
            high=index_keys.created_sort(until, SessionId(schema.LAST)),
            limit=limit,
        )
        if place:
            pk = schema.session_partition(index_keys.session_created(place))
            start = {index.pk: partition, index.sk: place, "pk": pk, "sk": schema.META}
            query = replace(query, start=start)
        found = await self._driver.query(query)
        return [
            FoundSession(session_id=schema.session_of(str(row["pk"])), place=str(row[index.sk]))
            for row in found.items
        ]

    async def due_strands(
        self, *, before: float, limit: int, after: object | None = None
    ) -> DuePage[DueStrand]:
        """Strands that are due before then, oldest first."""
        page = await due_before(
            self._driver, index_keys.due_strands_partition, before=before, limit=limit, after=after
        )
        return DuePage(items=[_due(row) for row in page.items], rest=page.rest)

    async def drop_replays(self, endpoint_id: EndpointId) -> bool:
        """Strands first: a replay that is still there leads to what is left of them."""
        query = below(schema.endpoint_partition(endpoint_id), schema.REPLAYS, limit=DROPPED)
        found = await self._driver.query(query)
        keys: list[Key] = []
        for item in found.items:
            partition = schema.replay_partition(_read_replay(item).id)
            strands = await all_items(self._driver, below(partition, schema.STRANDS))
            keys += [key_of(strand) for strand in strands]
        await self._driver.delete_many(keys)
        await self._driver.delete_many([key_of(item) for item in found.items])
        return not found.items


def _change(before: Replay, kept: Replay) -> Step:
    return Step(
        write=Put(item=_replay_item(kept), condition=Equals("version", before.version)),
        refusal=lambda _: VersionConflictError(item="replay"),
        identity=("version", "body"),
    )


def _save(before: Strand, kept: Strand) -> Step:
    attributes = _strand_attributes(kept)
    claim = () if kept.claim is None else ("claim_token",)
    return Step(
        write=Update(
            key=schema.strand_key(before.replay_id, before.number),
            put=attributes,
            remove=tuple(name for name in SOMETIMES if name not in attributes),
            condition=Equals("version", before.version),
        ),
        refusal=lambda _: VersionConflictError(item="strand"),
        identity=("version", "body", *claim),
    )


def _replay_item(kept: Replay) -> Item:
    key = schema.replay_key(kept.endpoint_id, kept.id)
    item: dict[str, Value] = {
        schema.PK: key.pk,
        schema.SK: key.sk,
        "version": kept.version,
        "body": text_of(_apart(kept, "version")),
    }
    if kept.finished_at is not None:
        item[schema.TTL] = int(kept.finished_at) + KEPT_SECONDS
    return item


def _read_replay(item: Item) -> Replay:
    return record(Replay, {**_body(item), "version": int(item["version"])})


SOMETIMES: Final = ("claim_token", "claim_until", schema.DUE.pk, schema.DUE.sk, schema.TTL)
"""What a strand has only at times. Claims have the names that lanes give them: who opens the table
of a dead process takes them all away."""


def _strand_attributes(strand: Strand) -> dict[str, Value]:
    """The due keys change when it is claimed and when it is let go of, not with each event."""
    attributes: dict[str, Value] = {
        "version": strand.version,
        "body": text_of(_apart(strand, "version", "claim")),
    }
    if strand.claim is not None:
        attributes |= {"claim_token": strand.claim.token, "claim_until": strand.claim.until}
    if strand.due_at is not None:
        number = index_keys.bucket(f"{strand.replay_id}{strand.number}", schema.DUE_BUCKETS)
        attributes |= {
            schema.DUE.pk: index_keys.due_strands_partition(number),
            schema.DUE.sk: strand.due_at,
        }
    if strand.done:
        attributes[schema.TTL] = int(strand.updated_at) + KEPT_SECONDS
    return attributes


def _strand_item(strand: Strand) -> Item:
    key = schema.strand_key(strand.replay_id, strand.number)
    return {schema.PK: key.pk, schema.SK: key.sk, **_strand_attributes(strand)}


def _read_strand(item: Item) -> Strand:
    strand = record(Strand, {**_body(item), "version": int(item["version"])})
    if "claim_token" not in item:
        return strand
    claim = Claim(token=str(item["claim_token"]), until=float(item["claim_until"]))
    return replace(strand, claim=claim)


def _due(row: Item) -> DueStrand:
    replay_id, number = schema.strand_named(str(row["pk"]), str(row["sk"]))
    return DueStrand(replay_id=replay_id, number=number, due_at=due_of(row))


def _apart(kept: Replay | Strand, *apart: str) -> dict[str, object]:
    return {name: member for name, member in plain_record(kept).items() if name not in apart}


def _body(item: Item) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(str(item["body"])))
