"""Lists of sessions: newest first, filtered, in pages that neither lose nor repeat."""

from dataclasses import replace

import pytest

from service.domain.errors import InvalidRequestError
from service.domain.ids import DeploymentName, TenantName
from service.domain.session import PublicState, Session, State
from service.ports import SessionFilter
from tests.contract.store.conftest import Table
from tests.support.store_builders import NOW, TENANT, a_session, unique

EVERYTHING = SessionFilter()


async def create(table: Table, session: Session, **replacing: Session) -> Session:
    old = replacing.get("instead_of")
    await table.sessions.create(
        session,
        events=[],
        sends=[],
        idempotency=None,
        may_replace=None if old is None else old.id,
    )
    return session


async def pages(table: Table, wanted: SessionFilter, limit: int) -> list[list[Session]]:
    found: list[list[Session]] = []
    cursor: str | None = None
    while True:
        page = await table.sessions.list_sessions(TENANT, wanted, cursor=cursor, limit=limit)
        found.append(list(page.items))
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_sessions_are_listed_newest_first_in_pages(table: Table) -> None:
    made = [await create(table, a_session(created_at=NOW + number)) for number in range(5)]
    await create(table, a_session(tenant=TenantName("other")))

    found = await pages(table, EVERYTHING, 2)

    newest = list(reversed(made))
    assert found == [newest[:2], newest[2:4], newest[4:]]


async def test_a_page_that_is_just_full_has_no_next(table: Table) -> None:
    for _ in range(2):
        await create(table, a_session())

    page = await table.sessions.list_sessions(TENANT, EVERYTHING, cursor=None, limit=2)

    assert len(page.items) == 2
    assert page.next_cursor is None


async def test_filters_hold_over_pages(table: Table) -> None:
    shop, bank = DeploymentName("shop"), DeploymentName("bank")
    made = [
        await create(
            table, a_session(created_at=NOW + number, deployment=bank if number % 3 else shop)
        )
        for number in range(9)
    ]
    ended = await table.sessions.commit(made[0], replace(made[0], state=State.ENDED))

    by_deployment = await pages(table, SessionFilter(deployment=shop), 2)
    by_both = await pages(table, SessionFilter(deployment=shop, state=PublicState.ENDED), 2)

    assert by_deployment == [[made[6], made[3]], [ended]]
    assert by_both == [[ended]]


async def test_sessions_that_ever_had_an_external_id_are_listed(table: Table) -> None:
    old = await create(table, a_session(external_id=unique("ext")))
    new = await create(table, a_session(external_id=old.external_id), instead_of=old)

    found = await pages(table, SessionFilter(external_id=old.external_id), 1)

    assert found == [[new], [old]]
    wrong_state = SessionFilter(external_id=old.external_id, state=PublicState.FAILED)
    assert await pages(table, wrong_state, 5) == [[]]
    assert await pages(table, SessionFilter(external_id="nobody"), 5) == [[]]


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "%%%", "bm8", "W10", "WzEsMl0", "eyJhIjoxfQ", "é", "a" * 5000, "[" * 3000],
)
async def test_a_bad_cursor_is_the_callers_fault(table: Table, cursor: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        await table.sessions.list_sessions(TENANT, EVERYTHING, cursor=cursor, limit=2)

    assert refused.value.faults[0].pointer == "/query/cursor"


async def test_a_cursor_fits_only_its_own_listing(table: Table) -> None:
    for _ in range(3):
        await create(table, a_session())
    page = await table.sessions.list_sessions(TENANT, EVERYTHING, cursor=None, limit=1)
    cursor = page.next_cursor
    assert cursor is not None

    for tenant, wanted in (
        (TenantName("other"), EVERYTHING),
        (TENANT, SessionFilter(state=PublicState.ENDED)),
        (TENANT, SessionFilter(external_id="x")),
    ):
        with pytest.raises(InvalidRequestError):
            await table.sessions.list_sessions(tenant, wanted, cursor=cursor, limit=1)


async def test_live_sessions_of_a_shard_are_those_that_want_a_link(table: Table) -> None:
    opening = await create(table, a_session(shard=5))
    over = await create(table, a_session(shard=5))
    await create(table, a_session(shard=6))
    assert set(await table.sessions.live_in_shard(5)) == {opening.id, over.id}

    ended = await table.sessions.commit(over, replace(over, state=State.ENDED))
    assert await table.sessions.live_in_shard(5) == [opening.id]

    await table.sessions.commit(ended, replace(ended, state=State.LOST))
    assert set(await table.sessions.live_in_shard(5)) == {opening.id, over.id}


async def test_sessions_that_want_a_link_are_counted_by_deployment(table: Table) -> None:
    shop, bank, tenant = DeploymentName("shop"), DeploymentName("bank"), TenantName("other")
    for session in (
        a_session(shard=7, deployment=shop),
        a_session(shard=7, deployment=shop),
        a_session(shard=7, deployment=bank),
        a_session(shard=7, deployment=bank, tenant=tenant),
        a_session(shard=7, deployment=bank, state=State.DORMANT),
        a_session(shard=8, deployment=shop),
    ):
        await create(table, session)

    found = await table.sessions.live_by_deployment(7)

    assert found == {(TENANT, shop): 2, (TENANT, bank): 1, (tenant, bank): 1}


@pytest.mark.parametrize("state", [State.READ_ONLY, State.DORMANT, State.ENDED, State.FAILED])
async def test_a_session_at_rest_wants_no_link(table: Table, state: State) -> None:
    session = await create(table, a_session())

    await table.sessions.commit(session, replace(session, state=state))

    assert await table.sessions.live_in_shard(session.shard) == []


async def test_a_deployment_has_open_sessions_until_all_have_ended(table: Table) -> None:
    session = await create(table, a_session())
    await create(table, a_session(deployment=DeploymentName("bank")))
    assert await table.sessions.has_open_sessions(TENANT, session.deployment)

    await table.sessions.commit(session, replace(session, state=State.ENDED))

    assert not await table.sessions.has_open_sessions(TENANT, session.deployment)
    assert not await table.sessions.has_open_sessions(TENANT, DeploymentName("unknown"))
