"""A process that obeys: one JSON order on standard input, one JSON answer on standard output.

Both ends of it: `obey` for the process, `Obedient` for whoever gives the orders.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.bench.processes import ROOT

LONGEST_LINE = 16 * 1024 * 1024

Order = dict[str, Any]


async def obey(ready: str, carry_out: Callable[[Order], Awaitable[object]]) -> None:
    """Say `ready`, then carry out order after order until there is no more."""
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    print(json.dumps(ready), flush=True)
    while line := await reader.readline():
        print(json.dumps(await carry_out(json.loads(line))), flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Obedient:
    """Such a process, from outside."""

    process: asyncio.subprocess.Process
    ready: str

    async def order(self, **order: object) -> Any:  # noqa: ANN401 - any JSON
        """Give an order; its answer."""
        stdin = self.process.stdin
        if stdin is None:
            raise RuntimeError("no input to write to")
        stdin.write(json.dumps(order).encode() + b"\n")
        await stdin.drain()
        return await _line(self.process)


@asynccontextmanager
async def obedient(module: str, *arguments: str) -> AsyncIterator[Obedient]:
    """A module that runs as such a process, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module, *arguments),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    try:
        yield Obedient(process=process, ready=await _line(process))
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


async def _line(process: asyncio.subprocess.Process) -> Any:  # noqa: ANN401 - any JSON
    if process.stdout is None:
        raise RuntimeError("no output to wait for")
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("it ended before it answered")
    return json.loads(line)
