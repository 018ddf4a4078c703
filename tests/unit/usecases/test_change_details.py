"""What a caller keeps with a session, changed: races, limits, and who is told."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.errors import (
    AttributesTooLargeError,
    InvalidRequestError,
    SessionEndedError,
    UnavailableError,
    VersionConflictError,
)
from service.domain.ids import SessionId
from service.domain.session import Session, State
from service.usecases.change_details import TRIES, DetailsRequest
from tests.support.api_bench import Bench, open_bench
from tests.support.losing import losing


async def changed(bench: Bench, session_id: SessionId, **given: Any) -> Session:  # noqa: ANN401
    request = DetailsRequest(key=await bench.caller(), session_id=session_id, given=given)
    answer = await bench.broker.change_details(request)
    assert answer.status == 200
    return await bench.table.sessions.load(session_id)


async def test_attributes_change_one_by_one_and_each_change_is_a_version() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made(custom_attributes={"a": "1", "b": "2"})

        after = await changed(bench, session_id, custom_attributes={"a": "3", "b": None})
        assert (after.custom_attributes, after.attributes_version) == ({"a": "3"}, 1)
        same = await changed(bench, session_id, custom_attributes={"a": "3"})
        assert (same.version, same.attributes_version) == (after.version, 1)
        gone = await changed(bench, session_id, custom_attributes=None)
        assert (gone.custom_attributes, gone.attributes_version) == ({}, 2)


async def test_metadata_is_patched_and_sends_nothing() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made(metadata={"n": {"x": 1}})

        after = await changed(bench, session_id, metadata={"n": {"y": 2}, "m": 3})
        assert after.metadata == {"n": {"x": 1, "y": 2}, "m": 3}
        assert after.attributes_version == 0
        assert (await changed(bench, session_id, metadata=None)).metadata is None


async def test_limits_hold_for_what_comes_of_it() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made(custom_attributes={"a": "x" * 2000})

        with pytest.raises(AttributesTooLargeError):
            await changed(bench, session_id, custom_attributes={"b": "x" * 100})
        with pytest.raises(InvalidRequestError):
            await changed(bench, session_id, metadata={"k": "v" * 16384})
        await bench.put(session_id, State.LIVE, max_custom_data_bytes=4096)
        await changed(bench, session_id, custom_attributes={"b": "x" * 100})


async def test_whoever_holds_the_link_is_told() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        bench.hints.sessions.clear()
        await changed(bench, session_id, metadata={"n": 1})
        assert bench.hints.sessions == []
        await bench.put(session_id, State.LIVE, held_by="own_1")
        await changed(bench, session_id, metadata={"n": 2})
        assert bench.hints.sessions == [session_id]


async def test_a_lost_race_is_run_again_but_not_for_ever() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        lost = [VersionConflictError(item="session")]
        request = DetailsRequest(
            key=await bench.caller(), session_id=session_id, given={"metadata": {"n": 1}}
        )
        once = losing(bench.table.sessions, commit=lost)
        answer = await replace(bench.broker.change_details, sessions=once)(request)
        assert answer.body is not None
        assert answer.body["metadata"] == {"n": 1}

        always = losing(bench.table.sessions, commit=lost * TRIES)
        with pytest.raises(UnavailableError):
            await replace(bench.broker.change_details, sessions=always)(
                replace(request, given={"metadata": {"n": 2}})
            )


async def test_what_is_over_stays_as_it_is() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        await bench.put(session_id, State.ENDED)

        with pytest.raises(SessionEndedError):
            await changed(bench, session_id, metadata={"n": 1})
