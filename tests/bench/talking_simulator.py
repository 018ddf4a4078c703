"""A simulator whose agents speak by the clock, in a process of its own.

Orders: `tokens`, `rate` and `seconds` let agents speak so many times a second in turn, and answer
when each said what; none of them asks how many links there are.
"""

import asyncio
import sys
import time
from pathlib import Path

import uvloop

from service.simulator.deployments import Bot, Deployment
from service.simulator.knobs import Knobs
from service.simulator.server import Certificate, SimulatorServer
from service.simulator.settings import changed
from service.simulator.state import WorldConfig
from tests.bench.conversing import Order, obey
from tests.bench.processes import BOUNDLESS


async def serve(arguments: list[str]) -> None:
    """Serve until there are no more orders. Arguments: the files of a certificate and its key."""
    certificate = None
    if arguments:
        certificate = Certificate(chain=Path(arguments[0]), key=Path(arguments[1]))
    knobs = changed(Knobs(idle_close_seconds=0, max_age_seconds=0), BOUNDLESS)
    config = WorldConfig(deployments=(Deployment(bot=Bot.SILENT),), knobs=knobs)
    async with SimulatorServer(config, certificate=certificate) as sim:

        async def carry_out(order: Order) -> object:
            if "tokens" in order:
                return await _talk(sim, order["tokens"], order["rate"], order["seconds"])
            return len(sim.control.connections())

        await obey(sim.origin, carry_out)


async def _talk(
    sim: SimulatorServer, tokens: list[str], rate: float, seconds: float
) -> dict[str, float]:
    said: dict[str, float] = {}
    mark = f"{time.time():.3f}"
    begun = time.monotonic()
    for number in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        text = f"{mark} word {number}"
        said[text] = time.time()
        sim.control.say(tokens[number % len(tokens)], text)
    return said


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1:]))
