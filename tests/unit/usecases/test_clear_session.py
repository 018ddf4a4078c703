"""Clearing a session."""

import pytest

from service.domain.errors import SessionEndedError, SessionFailedError
from service.domain.session import FailureReason, State
from service.usecases.end_session import VerbRequest
from tests.support.api_bench import open_bench


@pytest.mark.parametrize(("clears", "status"), [(True, 200), (False, 202)])
async def test_the_answer_says_whether_it_is_done(clears: bool, status: int) -> None:  # noqa: FBT001 - a parameter
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        bench.visitor.clears = clears
        wish = VerbRequest(
            key=await bench.caller(), session_id=session_id, patience=bench.patience(1)
        )

        answer = await bench.broker.clear_session(wish)

    assert answer.status == status


@pytest.mark.parametrize(
    ("state", "error"), [(State.ENDED, SessionEndedError), (State.FAILED, SessionFailedError)]
)
async def test_a_session_that_is_over_is_not_cleared(state: State, error: type[Exception]) -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        reason = FailureReason(code="403", detail="not allowed")
        await bench.put(session_id, state, failure=reason)
        wish = VerbRequest(
            key=await bench.caller(), session_id=session_id, patience=bench.patience()
        )

        with pytest.raises(error):
            await bench.broker.clear_session(wish)

        assert (await bench.table.sessions.load(session_id)).state is state
