"""A guest's login in the table: encrypted, gone when it is over, and not lost to older code."""

from dataclasses import replace
from typing import Final

import pytest

from service.adapters.table import schema
from service.adapters.table.conditions import Equals, Update
from service.domain.errors import LockHeldError, VersionConflictError
from service.domain.log import EventType
from service.domain.session import Lock, Session, State
from service.domain.sign_in import SignIn
from tests.contract.store.conftest import Table
from tests.support.store_builders import NOW, a_session, an_event

LOGIN: Final = SignIn(
    jwt="a.jwt.of-ann",
    refresh_token="refresh-of-ann",
    issued_at=NOW,
    name="Ann",
    stepping_up=True,
)


async def signed_in(table: Table) -> Session:
    session = a_session(sign_in=LOGIN)
    await table.sessions.create(session, events=(), sends=(), idempotency=None, may_replace=None)
    return session


async def item_of(table: Table, session: Session) -> str:
    return str(await table.driver.get(schema.session_key(session.id)))


async def test_a_login_is_kept_and_not_in_the_clear(table: Table) -> None:
    session = await signed_in(table)

    assert (await table.sessions.load(session.id)).sign_in == LOGIN
    item = await item_of(table, session)
    assert [text for text in ("of-ann", "Ann") if text in item] == []


async def test_a_login_changes_and_goes_with_its_session(table: Table) -> None:
    session = await signed_in(table)
    fresh = replace(LOGIN, jwt="another", stepping_up=False)

    kept = await table.sessions.commit(session, replace(session, sign_in=fresh))
    assert (await table.sessions.load(session.id)).sign_in == fresh
    anonymous = await table.sessions.commit(kept, replace(kept, sign_in=None))

    assert (await table.sessions.load(session.id)).sign_in is None
    assert "sign_in" not in await item_of(table, anonymous)
    item = await table.driver.get(schema.session_key(session.id))
    assert item is not None


async def test_erasing_needs_no_secret_and_leaves_no_login(table: Table) -> None:
    session = await signed_in(table)
    shut = await table.sessions.load_to_erase(session.id)
    assert shut.sign_in is None

    stone = an_event(session, 1, type=EventType.ERASED, data={})
    await table.sessions.erase(shut, replace(shut, state=State.ERASED), stone)

    assert "sign_in" not in await item_of(table, session)


async def test_what_older_code_left_behind_goes_with_the_purge(table: Table) -> None:
    session = await signed_in(table)
    shut = await table.sessions.load_to_erase(session.id)
    stone = an_event(session, 1, type=EventType.ERASED, data={})
    await table.sessions.erase(shut, replace(shut, state=State.ERASED), stone)
    key = schema.session_key(session.id)
    await table.driver.write(Update(key=key, put={"sign_in": "x"}, condition=Equals("erased", 1)))

    while not await table.sessions.purge(replace(shut, state=State.ERASED, version=2)):
        pass

    assert "sign_in" not in await item_of(table, session)


async def test_older_code_that_changes_the_session_keeps_the_login(table: Table) -> None:
    """It sets body and version, and lets attributes alone that it does not know."""
    session = await signed_in(table)
    item = await table.driver.get(schema.session_key(session.id))
    assert item is not None
    older = {"body": item["body"], "version": 2}
    key = schema.session_key(session.id)
    await table.driver.write(Update(key=key, put=older, condition=Equals("version", 1)))

    assert (await table.sessions.load(session.id)).sign_in == LOGIN


async def test_one_at_a_time_renews_a_login(table: Table) -> None:
    session = await signed_in(table)
    mine, other = (Lock(token=name, until=NOW + 20) for name in ("mine", "other"))
    await table.sessions.claim_renewal(session, mine, now=NOW)
    await table.sessions.claim_renewal(session, mine, now=NOW)

    with pytest.raises(LockHeldError) as held:
        await table.sessions.claim_renewal(session, other, now=NOW + 19)
    await table.sessions.release_renewal(session.id, "other")
    with pytest.raises(LockHeldError):
        await table.sessions.claim_renewal(session, other, now=NOW + 19)

    assert held.value.until == NOW + 20
    assert await table.sessions.load(session.id) == session
    await table.sessions.claim_renewal(session, replace(other, until=NOW + 40), now=NOW + 20)
    await table.sessions.release_renewal(session.id, "other")
    await table.sessions.claim_renewal(session, mine, now=NOW + 20)


async def test_whoever_changed_the_session_may_have_renewed_its_login(table: Table) -> None:
    session = await signed_in(table)
    claim, other = (Lock(token=name, until=NOW + 20) for name in ("mine", "other"))
    await table.sessions.claim_renewal(session, claim, now=NOW)
    noted = await table.sessions.commit(session, replace(session, metadata={"a": "b"}))

    for stale in (session, a_session()):
        with pytest.raises(VersionConflictError):
            await table.sessions.claim_renewal(stale, claim, now=NOW)
    with pytest.raises(LockHeldError):
        await table.sessions.claim_renewal(noted, other, now=NOW)
    fresh = replace(noted, sign_in=replace(LOGIN, jwt="another"))
    renewed = await table.sessions.commit(noted, fresh)
    await table.sessions.claim_renewal(renewed, other, now=NOW)
