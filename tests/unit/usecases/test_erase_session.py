"""Erasing: the tombstone, races, the first pages of the purge."""

from dataclasses import replace

import pytest

from service.domain.errors import (
    ConfigurationError,
    NotFoundError,
    PlaceTakenError,
    UnavailableError,
    VersionConflictError,
)
from service.domain.ids import SessionId, TenantName
from service.domain.session import Session
from service.usecases import erase_session as module
from tests.support.api_bench import open_bench
from tests.support.losing import losing


async def test_lost_races_are_run_again() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        races = [PlaceTakenError(sequence=2), VersionConflictError(item="session")]
        erase = replace(
            bench.broker.erase_session, sessions=losing(bench.table.sessions, erase=races)
        )

        answer = await erase(await bench.caller(), session_id)

    assert answer.status == 204


async def test_a_race_that_is_always_lost_is_told() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        races = [PlaceTakenError(sequence=2)] * 99
        erase = replace(
            bench.broker.erase_session, sessions=losing(bench.table.sessions, erase=races)
        )

        with pytest.raises(UnavailableError):
            await erase(await bench.caller(), session_id)


async def test_a_session_without_any_event_gets_its_tombstone_first() -> None:
    async with open_bench(serving=False) as bench:
        bench.visitor.opens = False
        session_id = await bench.made(patience=bench.patience(0))

        await bench.broker.erase_session(await bench.caller(), session_id)
        [tombstone] = await bench.table.sessions.tail(session_id, limit=5)

    assert tombstone.sequence == 1


async def test_what_one_request_has_no_time_to_purge_is_left_to_the_job() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        sessions = bench.table.sessions
        pages = 0

        class Endless:
            def __getattr__(self, name: str) -> object:
                return getattr(sessions, name)

            async def purge(self, session: Session) -> bool:
                nonlocal pages
                pages += 1
                return False

        erase = replace(bench.broker.erase_session, sessions=Endless())  # type: ignore[arg-type] # a store by delegation
        answer = await erase(await bench.caller(), session_id)

    assert answer.status == 204
    assert pages == module.PURGE_PAGES


async def test_the_owner_of_the_link_is_told() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        await bench.broker.erase_session(await bench.caller(), session_id)

    assert bench.hints.sessions == [SessionId(session_id)]
    assert bench.bell.rung[-1] == session_id


async def test_the_tombstone_takes_the_next_place_and_holds_nothing() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made(metadata={"k": "v"})
        before = await bench.log_length(session_id)

        await bench.broker.erase_session(await bench.caller(), session_id)
        [tombstone] = await bench.table.sessions.tail(session_id, limit=5)

    assert tombstone.sequence == before + 1


async def test_one_whose_secrets_do_not_open_any_more_is_erased() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        lost = [ConfigurationError("the table has no such data key")] * 9
        erase = replace(
            bench.broker.erase_session, sessions=losing(bench.table.sessions, load=lost)
        )

        answer = await erase(await bench.caller(), session_id)

    assert answer.status == 204


async def test_one_of_another_tenant_is_not_erased() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        with pytest.raises(NotFoundError):
            await bench.broker.erase_session(
                replace(await bench.caller(), tenant=TenantName("other")), session_id
            )
