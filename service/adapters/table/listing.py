"""Lists of sessions: of a tenant by time, by external id, by conversation.

An index entry or a listing item is only a hint that the session may belong here: the session itself
is loaded and asked. So a listing may miss what is very new, and never shows what is not so.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from service.adapters.table import cursors, index_keys, schema
from service.adapters.table.conditions import Item, Key, Value, key_of
from service.adapters.table.driver import Driver, Query
from service.adapters.table.paging import below, due_before, every_item
from service.adapters.table.session_items import read_session
from service.adapters.table.unsealing import readable
from service.domain.ids import DeploymentName, SessionId, TenantName
from service.domain.session import PublicState, Session, State
from service.ports import Cipher, DuePage, Page, SessionFilter

ROUNDS: Final = 20
"""Pages read for one answer at most.

A filter that fits little answers with a short page and a cursor.
"""

PAGE: Final = 100
"""As many as one batch of reads takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where candidates come from, newest first."""

    query: Query
    name: str

    def start(self, cursor: str | None) -> Mapping[str, Value] | None:
        """Where to go on."""
        index = self.query.index
        if cursor is None:
            return None
        if index is None:
            (sk,) = cursors.read(self.name, cursor, parts=1)
            return {"pk": self.query.partition, "sk": cursors.within(self.query, sk)}
        place, pk = cursors.read(self.name, cursor, parts=2)
        return {index.pk: self.query.partition, index.sk: place, "pk": pk, "sk": schema.META}

    def cursor_after(self, row: Item) -> str:
        """The cursor that goes on after this row."""
        index = self.query.index
        parts = [row["sk"]] if index is None else [row[index.sk], row["pk"]]
        return cursors.spell(self.name, [str(part) for part in parts])

    def session_key(self, row: Item) -> Key:
        """The session that a row points at."""
        if self.query.index is not None:
            return Key(pk=str(row["pk"]), sk=schema.META)
        return schema.session_key(SessionId(str(row["sk"]).removeprefix(schema.SESSIONS)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What one tenant asked to see."""

    driver: Driver
    cipher: Cipher
    tenant: TenantName
    wanted: SessionFilter

    async def page(self, *, cursor: str | None, limit: int) -> Page[Session]:
        """One page. Raises InvalidRequestError for a bad cursor."""
        source = _source(self.tenant, self.wanted)
        query = replace(source.query, limit=min(PAGE, limit + 1), start=source.start(cursor))
        shown: list[Session] = []
        following: str | None = None
        for _ in range(ROUNDS):
            found = await self.driver.query(query)
            fitting = await self._fitting(source, found.items)
            room = limit - len(shown)
            shown += [session for _, session in fitting[:room]]
            if len(fitting) > room:
                following = source.cursor_after(fitting[room - 1][0]) if room else following
                return Page(items=shown, next_cursor=following)
            if found.last is None:
                return Page(items=shown, next_cursor=None)
            following = source.cursor_after(found.items[-1])
            query = replace(query, start=found.last)
        return Page(items=shown, next_cursor=following)

    async def _fitting(
        self, source: _Source, rows: Sequence[Item]
    ) -> Sequence[tuple[Item, Session]]:
        """The sessions that the rows name, as they are now, where they are what is wanted."""
        hopeful = [row for row in rows if _may_fit(row, self.wanted)]
        keys = [source.session_key(row) for row in hopeful]
        items = await self.driver.get_many(keys) if keys else []
        read = await readable(items, lambda item: read_session(item, self.cipher))
        sessions = {key_of(item): session for item, session in read}
        pairs = ((row, sessions.get(key)) for row, key in zip(hopeful, keys, strict=True))
        return [
            (row, session)
            for row, session in pairs
            if session is not None and _fits(session, self.tenant, self.wanted)
        ]


def _source(tenant: TenantName, wanted: SessionFilter) -> _Source:
    """The narrowest listing that has all that is wanted; the others are filters on it."""
    if wanted.conversation_id is not None:
        query = below(
            schema.conversation_partition(tenant, wanted.conversation_id), schema.SESSIONS
        )
    elif wanted.external_id is not None:
        query = below(schema.external_partition(tenant, wanted.external_id), schema.SESSIONS)
    else:
        query = Query(partition=schema.tenant_partition(tenant), index=schema.TENANT)
    name = f"{query.partition}|{wanted.state}|{wanted.deployment}|{wanted.external_id}"
    return _Source(query=replace(query, forward=False), name=name)


def _may_fit(row: Item, wanted: SessionFilter) -> bool:
    """Whether the row itself does not rule it out; its state may be old, so that is not asked."""
    deployment = row.get("deployment")
    return None in {deployment, wanted.deployment} or deployment == wanted.deployment


def _fits(session: Session, tenant: TenantName, wanted: SessionFilter) -> bool:
    return (
        session.tenant == tenant
        and session.state is not State.ERASED
        and wanted.state in {None, session.public}
        and wanted.deployment in {None, session.deployment}
        and wanted.external_id in {None, session.external_id}
        and wanted.conversation_id in {None, *session.conversations}
    )


async def due_sessions(
    driver: Driver, *, before: float, limit: int, after: object | None
) -> DuePage[tuple[SessionId, int]]:
    """(session, shard) that are due before then, oldest first."""
    partition = index_keys.due_sessions_partition
    page = await due_before(driver, partition, before=before, limit=limit, after=after)
    found = [(schema.session_of(str(row["pk"])), int(row["shard"])) for row in page.items]
    return DuePage(items=found, rest=page.rest)


async def live_in_shard(driver: Driver, shard: int) -> Sequence[SessionId]:
    """Sessions of a shard that want a link, as the index has it."""
    query = Query(partition=index_keys.live_partition(shard), index=schema.LIVE)
    return [SessionId(str(row[schema.LIVE.sk])) async for row in every_item(driver, query)]


async def live_by_deployment(
    driver: Driver, shard: int
) -> Mapping[tuple[TenantName, DeploymentName], int]:
    """How many sessions of each deployment want a link, as the index has it."""
    query = Query(partition=index_keys.live_partition(shard), index=schema.LIVE)
    rows = [row async for row in every_item(driver, query)]
    return Counter(
        (TenantName(str(row["tenant"])), DeploymentName(str(row["deployment"]))) for row in rows
    )


async def has_open_sessions(driver: Driver, tenant: TenantName, deployment: DeploymentName) -> bool:
    """Whether a session of the deployment has not ended, as the index has it."""
    query = Query(partition=schema.tenant_partition(tenant), index=schema.TENANT, forward=False)
    async for row in every_item(driver, query):
        if row.get("deployment") == deployment and row.get("state") != PublicState.ENDED:
            return True
    return False
