"""The relay between the story's processes: were it deaf, the story would only become slower."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from service.adapters.embedded.hints import InProcessHints
from service.adapters.system import SystemClock
from service.domain.ids import SessionId
from tests.support.relay import Relay

SHARD = 3
KNOWN = SessionId("ses_known")
LATE = SessionId("ses_late")


@asynccontextmanager
async def relay(folder: Path) -> AsyncIterator[Relay]:
    opened = Relay(folder=folder, here=InProcessHints(SystemClock()))
    await opened.open()
    try:
        yield opened
    finally:
        opened.close()


async def test_whoever_waits_at_the_mailbox_hears_what_another_says(tmp_path: Path) -> None:
    async with relay(tmp_path) as speaker, relay(tmp_path) as hearer:
        waiting = asyncio.create_task(hearer.receive(SHARD))
        await asyncio.sleep(0)
        await speaker.session(KNOWN, SHARD + 1)
        await speaker.session(KNOWN, SHARD)

        assert await waiting == [KNOWN]


async def test_what_nobody_here_waited_for_is_not_kept(tmp_path: Path) -> None:
    async with relay(tmp_path) as speaker, relay(tmp_path) as hearer:
        hearer.hear(KNOWN, SHARD)
        waiting = asyncio.create_task(hearer.receive(SHARD))
        await asyncio.sleep(0)
        await speaker.session(LATE, SHARD)

        assert await waiting == [LATE]


async def test_one_that_is_gone_is_no_hindrance(tmp_path: Path) -> None:
    async with relay(tmp_path) as dead:
        left_behind = {name.name for name in tmp_path.iterdir()}
    for name in left_behind:
        (tmp_path / name).touch()
    async with relay(tmp_path) as speaker:
        waiting = asyncio.create_task(speaker.receive(SHARD))
        await asyncio.sleep(0)
        await dead.session(KNOWN, SHARD)
        await speaker.session(LATE, SHARD)

        assert await waiting == [LATE]
