"""The simulator runs on either event loop: the one of Python and uvloop."""

import asyncio
from collections.abc import Callable

import pytest
import uvloop
from websockets.exceptions import ConnectionClosedError

from tests.integration.simulator.line import T, joined, simulator


@pytest.mark.parametrize(
    "make_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_a_message_is_echoed_and_a_reset_is_a_reset(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def story() -> tuple[int, BaseException | None]:
        async with simulator() as sim, joined(sim) as line:
            await line.say("hello")
            code = (await line.hear())["code"]
            sim.control.drop(T)
            with pytest.raises(ConnectionClosedError) as lost:
                await line.hear()
        return code, lost.value.__cause__

    with asyncio.Runner(loop_factory=make_loop) as runner:
        code, cause = runner.run(story())

    assert code == 200
    assert isinstance(cause, ConnectionResetError)
