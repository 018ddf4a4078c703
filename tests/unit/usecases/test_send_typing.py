"""Typing."""

import pytest

from service.domain.errors import SessionFailedError
from service.domain.session import State
from tests.support.api_bench import open_bench


@pytest.mark.parametrize("sent", [True, False])
async def test_the_answer_is_what_the_visit_says(sent: bool) -> None:  # noqa: FBT001 - a parameter
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        bench.visitor.typing_sent = sent

        answer = await bench.broker.send_typing(
            await bench.caller(), session_id, patience=bench.patience()
        )

    assert answer.status == 202
    assert answer.body == {"sent": sent}


async def test_nobody_types_into_a_failed_session() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        await bench.put(session_id, State.FAILED)

        with pytest.raises(SessionFailedError):
            await bench.broker.send_typing(
                await bench.caller(), session_id, patience=bench.patience()
            )
