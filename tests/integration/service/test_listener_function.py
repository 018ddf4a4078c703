"""Listeners as invocations of a function, on DynamoDB's stand-in: who starts them, why they end.

The function runs in processes of its own, which are killed at its timeout as AWS does.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from service.adapters.cipher import file_key
from service.bootstrap import assemble
from service.config import ListenerFunctionSettings, LocalSettings
from service.domain.errors import ConfigurationError
from service.domain.lease import Lease
from service.entrypoints.listener import Environment
from tests.support import stand_in
from tests.support.lambda_environment import Context
from tests.support.loopback_lambda import LoopbackLambda, loopback_lambda
from tests.support.machine import Chat, Machine, eventually, running
from tests.support.real_process import broker_process

FUNCTION = "holds-links"
SHARDS = 2
TIMEOUT = 40.0
"""Leaves a generation of some 22 to 25 s, and 5 s to wait for a successor."""
LATER_TIMEOUT = 200.0
"""Of whoever is to become idle long before its generation ends, however busy the machine."""
IDLE = "5"
LEAD = 5.0
"""A little less than the quarter of a generation in which a successor may ask."""
LOOK = 0.2
PATIENCE = 150.0


@pytest.fixture(scope="module", name="aws")
def _aws() -> Iterator[str]:
    with stand_in.ministack() as endpoint:
        yield endpoint


@pytest.fixture(name="variables")
def _variables(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What every process of one broker has in its environment."""
    given = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": aws,
        "BROKER_STORE": "dynamodb",
        "BROKER_TABLE": tmp_path.name,
        "BROKER_QUEUE_PREFIX": tmp_path.name,
        "BROKER_SHARDS": str(SHARDS),
        "BROKER_DATA_DIR": str(tmp_path / "data"),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given


@pytest.fixture(name="function")
def _function(variables: dict[str, str], tmp_path: Path) -> Iterator[LoopbackLambda]:
    with loopback_lambda(
        FUNCTION, tmp_path, timeout=TIMEOUT, BROKER_IDLE_SECONDS=IDLE, **variables
    ) as function:
        yield function


@dataclass(kw_only=True)
class Site:
    """An API that holds no link, a simulator, and the function that holds them."""

    machine: Machine
    function: LoopbackLambda

    async def owner(self, *, links: int) -> Lease:
        """The lease of who holds so many links in one shard, once somebody does."""
        found: list[Lease] = []

        async def held() -> bool:
            await asyncio.sleep(LOOK)
            leases = await self.machine.opened.ports.shards.leases(SHARDS)
            found[:] = [each for each in leases if each.is_valid(time.time())]
            return sum(each.links for each in found) == links

        await eventually(held, within=PATIENCE, what=f"{links} links: {self.function.log()}")
        return next(each for each in found if each.links)

    async def ended(self, number: int) -> tuple[str, str]:
        """Who served that invocation and why it ended, once it did."""
        invocation = self.function.invocations[number]
        await eventually(lambda: invocation.answer is not None, within=PATIENCE)
        assert invocation.answer is not None
        assert "reason" in invocation.answer, f"{invocation.answer}: {self.function.log()}"
        return invocation.answer["listener"], invocation.answer["reason"]

    async def sweep(self) -> None:
        """One sweep by a process of its own, as the clock starts one each minute."""
        await assemble(LocalSettings(shards=SHARDS), self.machine.opened.ports).sweep()


@pytest_asyncio.fixture(name="site")
async def _site(function: LoopbackLambda, aws: str, tmp_path: Path) -> AsyncIterator[Site]:
    settings = {
        "shards": SHARDS,
        "table": tmp_path.name,
        "queue_prefix": tmp_path.name,
        "listener_function": FUNCTION,
        "AWS_ENDPOINT_URL_LAMBDA": function.endpoint,
    }
    async with running(
        tmp_path / "data", listener=False, sweeper=False, aws_endpoint=aws, settings=settings
    ) as machine:
        yield Site(machine=machine, function=function)


@pytest.mark.timeout(600)
async def test_requests_and_sweeps_start_listeners_which_hand_over_and_end_when_they_are_idle(
    site: Site,
) -> None:
    chat = await site.machine.open()
    first = await site.owner(links=1)
    site.function.timeout = LATER_TIMEOUT
    said: list[str] = []
    agent = asyncio.create_task(talk(chat, said))
    assert first.retires_at is not None
    await asyncio.sleep(max(0.0, first.retires_at - LEAD - time.time()))
    await site.sweep()
    retired = await site.ended(0)
    heir = await site.owner(links=1)
    await asyncio.sleep(3 * LOOK)
    agent.cancel()
    await chat.wait_for_text(said[-1])
    heard = await chat.texts()
    await chat.verb("end")
    idle = await site.ended(1)
    another = await site.machine.open()
    third = await site.owner(links=1)
    await another.agent_says("still there?")
    await another.wait_for_text("still there?")

    assert heard == said
    assert retired == (first.owner, "retired")
    assert idle == (heir.owner, "idle")
    assert third.owner not in {first.owner, heir.owner}
    # A second one beside the first, and later once more the one that became free last.
    assert [each.environment for each in site.function.invocations] == [0, 1, 1]


async def talk(chat: Chat, said: list[str]) -> None:
    """Let the agent speak until cancelled."""
    token = await chat.token()
    for number in itertools.count():
        said.append(f"word {number}")
        chat.machine.control.say(token, said[-1])
        await asyncio.sleep(LOOK)


@pytest.mark.timeout(600)
async def test_the_local_door_leaves_links_to_the_function(
    function: LoopbackLambda, variables: dict[str, str], tmp_path: Path
) -> None:
    given = {
        **variables,
        "AWS_ENDPOINT_URL_LAMBDA": function.endpoint,
        "BROKER_LISTENER_FUNCTION": FUNCTION,
        "BROKER_SIMULATOR": "on",
    }
    async with broker_process(tmp_path, **given) as broker:
        before = await broker.call("GET", "/v1/listeners")
        await broker.call("POST", "/v1/sessions?wait=25", {"deployment": "simulator"})

        async def held() -> bool:
            await asyncio.sleep(LOOK)
            listeners = await broker.call("GET", "/v1/listeners")
            return bool(listeners["totals"]["links"] == 1)

        await eventually(held, within=PATIENCE, what=broker.log() + function.log())
        status = await broker.stop()

    assert before["totals"]["heldShards"] == 0
    assert status == 0
    assert len(function.invocations) == 1


def test_what_is_opened_once_serves_one_invocation_after_another(
    variables: dict[str, str], tmp_path: Path
) -> None:
    begun: list[ListenerFunctionSettings] = []
    left: list[asyncio.Task[None]] = []

    def begin() -> ListenerFunctionSettings:
        left.append(asyncio.get_running_loop().create_task(asyncio.sleep(3600)))
        begun.append(ListenerFunctionSettings(idle_seconds=0.1))
        return begun[-1]

    file_key(tmp_path / "data" / "encryption.key")
    with contextlib.closing(Environment(begin)) as environment:
        answers = [environment.invoke(lasting(TIMEOUT)) for _ in range(2)]
        # Before the loop is closed: frozen with the environment, it would go on hours later.
        was_ended = left[0].cancelled()

    assert [answer["reason"] for answer in answers] == ["idle", "idle"]
    assert len({answer["listener"] for answer in answers}) == 2
    assert len(begun) == 1
    assert was_ended


def test_a_timeout_that_leaves_no_time_is_told_and_the_next_invocation_may_have_more(
    variables: dict[str, str], tmp_path: Path
) -> None:
    file_key(tmp_path / "data" / "encryption.key")
    settings = ListenerFunctionSettings(idle_seconds=0.1)
    with contextlib.closing(Environment(lambda: settings)) as environment:
        with pytest.raises(ConfigurationError, match="timeout"):
            environment.invoke(lasting(3.0))
        answer = environment.invoke(lasting(TIMEOUT))

    assert answer["reason"] == "idle"


def test_a_key_is_never_made_by_a_function(variables: dict[str, str], tmp_path: Path) -> None:
    settings = ListenerFunctionSettings()
    with (
        contextlib.closing(Environment(lambda: settings)) as environment,
        pytest.raises(ConfigurationError, match="BROKER_DATA_DIR"),
    ):
        environment.invoke(lasting(TIMEOUT))

    assert not (tmp_path / "data").exists()


def lasting(seconds: float) -> Context:
    return Context(time.monotonic() + seconds)
