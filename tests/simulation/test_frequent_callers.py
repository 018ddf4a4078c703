"""Callers who speak often where no listener holds a link: each message has a visit of its own."""

import asyncio
from dataclasses import replace

import pytest

from service.adapters.bell import InProcessBell
from service.bootstrap import Assembly, assemble
from service.config import LocalSettings
from service.domain.errors import PlaceTakenError
from service.domain.session import Session
from service.simulator.faults import FaultKind
from tests.support.visit_stage import Stage, on_virtual_time, staged

SECONDS = 80
SWEPT_SECONDS = 400
WAIT_SECONDS = 25.0


@on_virtual_time
@pytest.mark.parametrize("apart", [False, True], ids=["one process", "a process a request"])
@pytest.mark.parametrize(("every", "longest"), [(4.0, 0.5), (1.0, 4.5), (0.5, 3.0)])
async def test_who_speaks_often_never_waits_for_most_of_a_minute(
    every: float,
    longest: float,
    *,
    apart: bool,
) -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted("Hello")
        await stage.clock.sleep(60)
        begun = stage.now
        callers = Callers(stage, session, apart=apart)
        asked: list[asyncio.Task[float]] = []
        while stage.now - begun < SECONDS:
            number = len(asked)
            asked.append(asyncio.create_task(callers.post(f"{number}")))
            if number % 7 == 3:
                stage.say(session, f"answer to {number}")
            await stage.clock.sleep(every)
        waited = await asyncio.gather(*asked)
        await stage.clock.sleep(60)
        await stage.reconcile(session)

        assert max(waited) <= longest
        assert stage.arrived() == ["Hello", *(f"{n}" for n in range(len(asked)))]
        assert len(await stage.texts(session)) == len(range(3, len(asked), 7))
        assert "session.recovered" not in await stage.types(session)


@on_virtual_time
@pytest.mark.parametrize(
    ("sweeps_every", "apart"),
    [(2.0, False), (60.0, True)],
    ids=["one machine", "functions"],
)
async def test_nobody_waits_behind_the_sweeper(sweeps_every: float, *, apart: bool) -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted("Hello")

        async def sweeps() -> None:
            while True:
                await stage.assembly.sweep(with_lanes=False)
                await stage.clock.sleep(sweeps_every)

        sweeper = asyncio.create_task(sweeps())
        callers = Callers(stage, session, apart=apart)
        begun, asked = stage.now, list[asyncio.Task[float]]()
        while stage.now - begun < SWEPT_SECONDS:
            asked.append(asyncio.create_task(callers.post(f"{len(asked)}")))
            await stage.clock.sleep(7.7)
        waited = await asyncio.gather(*asked)
        sweeper.cancel()

        assert max(waited) <= 0.5
        assert stage.arrived() == ["Hello", *(f"{n}" for n in range(len(asked)))]


@on_virtual_time
async def test_a_replacement_of_which_another_process_could_not_be_told_is_told() -> None:
    async with staged(history_lag_seconds=5) as stage:
        session = await stage.chatted("1", "2", "3")
        stage.control.forget(session.client_id)

        async def change() -> None:
            found = await stage.broker.ports.sessions.load(session.id)
            changed = replace(found, metadata={"by": "somebody else"})
            await stage.broker.ports.sessions.commit(found, changed)

        stage.sessions.before("commit", change)
        await stage.accept(session, "4")
        stage.control.fault(FaultKind.DELAY, frame_class="SessionResponse", seconds=2, count=1)
        await stage.attend(session, seconds=1)
        opened, told = stage.wires.opened, await stage.types(session)
        callers = Callers(stage, session, apart=True)
        await callers.post("5")

        assert (opened, told.count("session.replaced")) == (2, 0)
        assert (await stage.types(session)).count("session.replaced") == 1
        assert sorted(stage.arrived()[-2:]) == ["4", "5"]


class Callers:
    """Whoever posts messages, each to a process that has nothing else to do at that moment."""

    def __init__(self, stage: Stage, session: Session, *, apart: bool) -> None:
        self.stage, self.session, self.apart = stage, session, apart
        self.idle: list[Assembly] = []

    async def post(self, text: str) -> float:
        """What the API does with a message; how long its caller waits."""
        stage, begun = self.stage, self.stage.now
        assembly = self._taken()
        while True:
            try:
                send = await stage.accept(self.session, text)
                break
            except PlaceTakenError:
                await stage.clock.sleep(0.01)

        async def satisfied() -> bool:
            left = await stage.ports.sessions.open_sends(self.session.id)
            return all(each.message_id != send.message_id for each in left)

        until = stage.clock.monotonic() + WAIT_SECONDS
        await assembly.attend(self.session.id, until=until, satisfied=satisfied)
        self.idle.append(assembly)
        return stage.now - begun

    def _taken(self) -> Assembly:
        if not self.apart:
            return self.stage.assembly
        if self.idle:
            return self.idle.pop()
        ports = replace(self.stage.ports, bell=InProcessBell(self.stage.clock))
        return assemble(LocalSettings(shards=4), ports)
