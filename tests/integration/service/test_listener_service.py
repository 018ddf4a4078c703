"""Listeners in processes of their own, on DynamoDB's stand-in, beside an API that holds no link.

They are started, stopped and killed as a supervisor would.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support import stand_in
from tests.support.machine import Chat, Machine, eventually, running
from tests.support.real_process import BrokerProcess, broker_process

DOOR = "service.entrypoints.listener_service"
SHARDS = 4
SESSIONS = 4
PAUSE = 0.2
LOOK = 0.3
TAKE_OVER = 150.0
"""The rest of a lease that nobody gave back, the next look at it, and a busy machine."""


@pytest.fixture(scope="module", name="endpoint")
def _endpoint() -> Iterator[str]:
    with stand_in.ministack() as endpoint:
        yield endpoint


@dataclass(kw_only=True)
class Site:
    """An API, a simulator, and listeners beside them."""

    machine: Machine
    folder: Path
    environment: dict[str, str]
    said: dict[str, list[str]] = field(default_factory=dict)

    @asynccontextmanager
    async def listener(self, name: str, **environment: str) -> AsyncIterator[BrokerProcess]:
        folder = self.folder / name
        folder.mkdir()
        given = {**self.environment, **environment}
        async with broker_process(folder, door=DOOR, **given) as process:
            yield process

    async def talk(self, chats: list[Chat], tokens: list[str]) -> None:
        """Let agents speak until cancelled."""
        number = 0
        while True:
            for chat, token in zip(chats, tokens, strict=True):
                number += 1
                text = f"word {number}"
                self.said.setdefault(chat.id, []).append(text)
                self.machine.control.say(token, text)
                await asyncio.sleep(PAUSE / len(chats))

    async def is_held_by(self, process: BrokerProcess, links: int) -> bool:
        await asyncio.sleep(LOOK)
        health = await process.request("GET", "/healthz")
        told = health.json()
        return bool(health.status_code == 200 and told["shards"] == SHARDS) and (
            told["links"] == links == len(self.machine.control.connections())
        )


@pytest_asyncio.fixture(name="site")
async def _site(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Site]:
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    data = tmp_path / "data"
    settings = {"shards": SHARDS, "table": tmp_path.name}
    # No sweeper: it would visit what no listener holds, and so would open links of its own.
    async with running(
        data, listener=False, sweeper=False, aws_endpoint=endpoint, settings=settings
    ) as machine:
        given = {
            **environment,
            "AWS_ENDPOINT_URL": endpoint,
            "BROKER_STORE": "dynamodb",
            "BROKER_TABLE": tmp_path.name,
            "BROKER_DATA_DIR": str(data),
        }
        yield Site(machine=machine, folder=tmp_path, environment=given)


@pytest.mark.timeout(700)
async def test_another_listener_takes_over_from_one_that_stops_and_one_that_is_killed(
    site: Site,
) -> None:
    chats = [await site.machine.open() for _ in range(SESSIONS)]
    tokens = [await chat.token() for chat in chats]
    async with site.listener("first") as first, site.listener("second") as second:
        await eventually(lambda: site.is_held_by(first, SESSIONS), within=TAKE_OVER)
        talk = asyncio.create_task(site.talk(chats, tokens))
        status = await first.stop()
        await eventually(lambda: site.is_held_by(second, SESSIONS), within=TAKE_OVER)
        async with site.listener("third") as third:
            await second.kill()
            await eventually(lambda: site.is_held_by(third, SESSIONS), within=TAKE_OVER)
            talk.cancel()
            heard = [await _heard(chat, site.said[chat.id]) for chat in chats]
            third_status = await third.stop()

    assert status == third_status == 0
    assert heard == [site.said[chat.id] for chat in chats]
    # Nobody else opens any: what is closed by now stays closed.
    await eventually(lambda: site.machine.control.connections() == [])


@pytest.mark.timeout(600)
async def test_a_listener_ends_by_itself_once_its_heir_has_its_shards(site: Site) -> None:
    async with site.listener("brief", BROKER_GENERATION_SECONDS="5") as brief:
        assert brief.process is not None
        async with site.listener("heir") as heir:
            async with asyncio.timeout(TAKE_OVER):
                status = await brief.process.wait()
            logged, brief.process = brief.log(), None
            await eventually(lambda: site.is_held_by(heir, 0), within=TAKE_OVER)

    assert status == 0, logged
    assert '"reason":"retired"' in logged


async def test_a_listener_refuses_a_table_that_only_one_process_may_open(site: Site) -> None:
    broker = BrokerProcess(
        folder=site.folder, door=DOOR, environment={**site.environment, "BROKER_STORE": "embedded"}
    )
    process = await broker.spawn()
    status = await process.wait()
    await broker.http.aclose()

    assert status == 2
    assert "BROKER_STORE" in broker.log()


async def _heard(chat: Chat, texts: list[str]) -> list[str]:
    async def all_there() -> bool:
        await asyncio.sleep(LOOK)
        return len(await chat.texts()) >= len(texts)

    await eventually(all_there, within=TAKE_OVER)
    return await chat.texts()
