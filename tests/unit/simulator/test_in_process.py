"""The shell without sockets, on a virtual clock."""

import asyncio
import json

import pytest

from service.simulator.deployments import Deployment
from service.simulator.in_process import (
    ConnectionEndedError,
    HandshakeDeniedError,
    InProcessConnection,
    InProcessSimulator,
)
from service.simulator.knobs import Knobs
from service.simulator.state import WorldConfig
from service.simulator.system import seeded
from service.simulator.world import World
from tests.support.virtual_time import VirtualClock, run_virtual
from tests.unit.simulator.stage import D, Frame, T

URL = f"ws://any.test/v1?deploymentId={D}"


def simulator(*, knobs: Knobs | None = None) -> InProcessSimulator:
    config = WorldConfig(deployments=(Deployment(),), knobs=knobs or Knobs())
    return InProcessSimulator(World(config, seeded(1)), VirtualClock())


async def ask(line: InProcessConnection, **fields: object) -> Frame:
    await line.send(json.dumps(fields))
    answer: Frame = json.loads(await line.recv())
    return answer


async def joined(sim: InProcessSimulator) -> InProcessConnection:
    line = await sim.connect(URL)
    await ask(line, action="configureSession", token=T, deploymentId=D)
    return line


def test_a_conversation_of_three_days_takes_no_time() -> None:
    async def story() -> tuple[float, list[bool]]:
        sim = simulator()
        clock = VirtualClock()
        line = await joined(sim)
        await ask(line, action="onMessage", token=T, message={"type": "Text", "text": "hi"})
        began = clock.now()
        answer = json.loads(await line.recv())["body"]["text"]
        waited = clock.now() - began
        assert answer == "You said: hi"
        await line.close()
        news = []
        for pause in (259_000, 259_300):
            await clock.sleep(pause)
            line = await sim.connect(URL)
            told = await ask(line, action="configureSession", token=T, deploymentId=D)
            news.append(told["body"]["newSession"])
            await line.close()
        await sim.aclose()
        return waited, news

    waited, news = run_virtual(story())

    assert waited == pytest.approx(0.2)
    assert news == [False, True]


def test_history_is_read_without_a_socket() -> None:
    async def story() -> tuple[int, Frame]:
        sim = simulator()
        line = await joined(sim)
        sim.control.say(T, "hello")
        await line.recv()
        jwt = (await ask(line, action="getJwt", token=T))["body"]["jwt"]
        status, headers, body = await sim.http(
            "get",
            "http://any.test/api/v2/webmessaging/messages?pageSize=1",
            {"Authorization": f"bearer {jwt}"},
        )
        assert headers["content-type"] == "application/json"
        return status, json.loads(body)

    status, page = run_virtual(story())

    assert status == 200
    assert page["entities"][0]["text"] == "hello"


def test_a_denied_handshake_tells_its_status() -> None:
    async def story() -> None:
        await simulator().connect("ws://any.test/v1?deploymentId=nope")

    with pytest.raises(HandshakeDeniedError) as denied:
        run_virtual(story())

    assert denied.value.status == 403


@pytest.mark.parametrize(("how", "code", "clean"), [("close", 1012, True), ("reset", 1006, False)])
def test_the_end_of_a_connection_tells_how(how: str, code: int, *, clean: bool) -> None:
    async def story() -> list[ConnectionEndedError]:
        sim = simulator()
        line = await joined(sim)
        sim.control.say(T, "last words")
        sim.control.drop(T, how=how, code=1012)
        assert json.loads(await line.recv())["body"]["text"] == "last words"
        ends = []
        for action in (line.recv, line.recv, lambda: line.send("x"), line.ping):
            with pytest.raises(ConnectionEndedError) as ended:
                await action()
            ends.append(ended.value)
        return ends

    ends = run_virtual(story())

    assert {(each.code, each.clean) for each in ends} == {(code, clean)}


def test_a_half_open_line_neither_answers_nor_ends() -> None:
    async def story() -> list[str]:
        sim = simulator(knobs=Knobs(idle_close_seconds=0, max_age_seconds=0))
        line = await joined(sim)
        await line.ping()
        sim.control.drop(T, how="half_open")
        await line.send('{"action":"echo"}')
        stuck = []
        for name, action in (("recv", line.recv), ("ping", line.ping)):
            try:
                async with asyncio.timeout(60):
                    await action()
            except TimeoutError:
                stuck.append(name)
        return stuck

    assert run_virtual(story()) == ["recv", "ping"]


def test_a_hanging_handshake_can_be_given_up() -> None:
    async def story() -> list[Frame]:
        sim = simulator()
        sim.control.fault("hang_handshake")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(15):
                await sim.connect(URL)
        await sim.connect(URL)
        return sim.control.handshakes()

    assert [each["status"] for each in run_virtual(story())] == [0, 101]


def test_leaving_is_noticed_at_once() -> None:
    async def story() -> tuple[list[Frame], int]:
        sim = simulator()
        first, second = await joined(sim), await joined(sim)
        await first.close(1000)
        second.abort()
        second.abort()
        with pytest.raises(ConnectionEndedError) as ended:
            await second.recv()
        return sim.control.connections(), ended.value.code

    assert run_virtual(story()) == ([], 1006)


def test_slow_answers_take_their_time() -> None:
    async def story() -> float:
        sim = simulator(knobs=Knobs(rest_delay_seconds=3, answer_delay_seconds=0.025))
        clock = VirtualClock()
        began = clock.now()
        await joined(sim)
        await sim.http("GET", "http://any.test/nowhere")
        await sim.aclose()
        return clock.now() - began

    assert run_virtual(story()) == pytest.approx(3.025, abs=0.002)
