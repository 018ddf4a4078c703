"""The embedded store under kill -9 and beside another process.

What was answered is there, and nobody shares it.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from service.adapters.embedded import EmbeddedTable, open_embedded
from service.domain.errors import ConfigurationError, UnavailableError
from service.domain.ids import ListenerName, SessionId
from service.domain.session import Lock
from tests.contract.store.conftest import CIPHER
from tests.support.store_builders import NOW, a_lane, a_session, an_attempt, an_event

ROOT = Path(__file__).parent.parent.parent.parent
WRITERS = 4
ANSWERS = 60


def opened(path: Path) -> EmbeddedTable:
    return open_embedded(path, cipher=CIPHER, clock_now=lambda: NOW)


@pytest_asyncio.fixture
async def table(tmp_path: Path) -> AsyncIterator[EmbeddedTable]:
    made = opened(tmp_path)
    yield made
    await made.close()


async def append_for_ever(path: Path) -> None:
    """What the killed process does: append, and say so when it was answered."""
    table = opened(path)

    async def one(number: int) -> None:
        for place in range(1, 1_000_000):
            await table.sessions.append(an_event(SessionId(f"ses_{number}"), place))
            print(number, place, flush=True)

    await asyncio.gather(*(one(number) for number in range(WRITERS)))


async def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    command = (
        "import asyncio, sys; from pathlib import Path;"
        "from tests.contract.store.test_crash import append_for_ever;"
        "asyncio.run(append_for_ever(Path(sys.argv[1])))"
    )
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs here
        [sys.executable, "-c", command, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(ANSWERS)]
        os.kill(writer.pid, signal.SIGKILL)
        lines += writer.stdout.readlines()
    answered: dict[int, int] = {}
    for line in lines:
        if line.endswith("\n"):
            number, place = map(int, line.split())
            answered[number] = place

    table = opened(tmp_path)
    for number, place in answered.items():
        log = await table.sessions.seen_after(SessionId(f"ses_{number}"), after=0)
        found = [event.sequence for event in log]
        assert found[:place] == list(range(1, place + 1))
        assert len(found) <= place + 1
    await table.close()
    assert sum(answered.values()) >= ANSWERS


async def test_a_directory_belongs_to_one_process(tmp_path: Path, table: EmbeddedTable) -> None:
    with pytest.raises(ConfigurationError, match="another process has the data directory"):
        opened(tmp_path)

    await table.close()
    again = opened(tmp_path)
    await again.close()


async def test_the_directory_is_for_its_user_alone(tmp_path: Path) -> None:
    table = opened(tmp_path / "new" / "data")

    assert (tmp_path / "new" / "data").stat().st_mode & 0o777 == 0o700
    await table.close()


async def test_a_closed_table_says_that_it_is_closed(table: EmbeddedTable) -> None:
    await table.close()
    await table.close()

    with pytest.raises(UnavailableError):
        await table.sessions.load(SessionId("ses_1"))
    with pytest.raises(UnavailableError):
        await table.sessions.append(an_event(SessionId("ses_1"), 1))


async def test_closing_finishes_what_is_queued(tmp_path: Path) -> None:
    table = opened(tmp_path)
    session_id = SessionId("ses_1")
    tasks = [
        asyncio.create_task(table.sessions.append(an_event(session_id, place)))
        for place in range(1, 20)
    ]
    await asyncio.sleep(0)

    await table.close()

    await asyncio.gather(*tasks)
    again = opened(tmp_path)
    assert len(await again.sessions.seen_after(session_id, after=0)) == 19
    await again.close()


async def test_what_a_dead_process_held_is_free_again(tmp_path: Path, table: EmbeddedTable) -> None:
    session = a_session()
    await table.sessions.create(session, events=[], sends=[], idempotency=None, may_replace=None)
    await table.sessions.mark_work(session.id, NOW + 60)
    lock = Lock(token="dead", until=NOW + 35)
    await table.sessions.take_lock(session, lock, now=NOW)
    await table.shards.acquire(session.shard, ListenerName("dead"), now=NOW, until=NOW + 15)
    lane = await table.lanes.claim(a_lane(session), token="dead", now=NOW, until=NOW + 60)
    assert lane is not None
    await table.close()

    again = opened(tmp_path)

    found = await again.sessions.load(session.id)
    assert (found.lock, found.look_at) == (None, NOW + 60)
    assert (await again.shards.lease(session.shard)).owner is None
    assert await again.lanes.claim(lane, token="new", now=NOW, until=NOW + 60) is not None
    await again.close()


async def test_many_writers_share_one_commit(table: EmbeddedTable) -> None:
    session_id = SessionId("ses_1")
    commits: list[str] = []
    table.driver.trace(commits.append)

    await asyncio.gather(
        *(table.sessions.append(an_event(session_id, place)) for place in range(1, 101))
    )

    assert 1 <= sum(statement == "COMMIT" for statement in commits) <= 4
    assert len(await table.sessions.seen_after(session_id, after=0)) == 100


async def test_what_need_not_last_is_not_synced_and_what_must_is(table: EmbeddedTable) -> None:
    session = a_session()
    held = await table.lanes.claim(a_lane(session), token="a", now=NOW, until=NOW + 60)
    assert held is not None
    lane = await table.lanes.save(held, replace(held, claim=None))
    said: list[str] = []
    table.driver.trace(said.append)

    claimed = await table.lanes.claim(lane, token="b", now=NOW, until=NOW + 60)
    await table.attempts.record(an_attempt())
    assert claimed is not None
    await table.lanes.save(claimed, replace(claimed, cursor=1, claim=None))

    syncs = [each for each in said if each.startswith("PRAGMA") or each == "COMMIT"]
    unsynced, synced = "PRAGMA synchronous=NORMAL", "PRAGMA synchronous=FULL"
    assert syncs == [unsynced, "COMMIT", "COMMIT", synced, "COMMIT"]


async def test_a_cancelled_caller_takes_nothing_from_the_others(table: EmbeddedTable) -> None:
    first = asyncio.create_task(table.sessions.append(an_event(SessionId("ses_1"), 1)))
    second = asyncio.create_task(table.sessions.append(an_event(SessionId("ses_2"), 1)))
    await asyncio.sleep(0)
    first.cancel()

    await second

    assert await table.sessions.last_event(SessionId("ses_2")) is not None
    assert first.cancelled()
