"""Connections are lost for real: TCP reset, close frame, half-open silence."""

import asyncio

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from tests.integration.simulator.line import PATIENCE, T, joined, opened, simulator
from tests.support.machine import eventually


async def test_a_reset_is_a_tcp_reset() -> None:
    async with simulator() as sim, joined(sim) as line:
        sim.control.drop(T)

        with pytest.raises(ConnectionClosedError) as lost:
            await line.hear()

        assert lost.value.rcvd is None
        assert isinstance(lost.value.__cause__, ConnectionResetError)


async def test_a_close_has_its_code_and_reason() -> None:
    async with simulator() as sim, joined(sim) as line:
        sim.control.drop(T, how="close", code=1012, reason="Service restart")

        with pytest.raises(ConnectionClosed) as lost:
            await line.hear()

        assert lost.value.rcvd is not None
        assert (lost.value.rcvd.code, lost.value.rcvd.reason) == (1012, "Service restart")


async def test_a_half_open_line_answers_no_ping_and_stays_open() -> None:
    async with simulator() as sim, joined(sim) as line:
        pong = await line.socket.ping()
        await asyncio.wait_for(pong, PATIENCE)
        sim.control.drop(T, how="half_open")

        await line.say("anyone?")
        silent = await line.socket.ping()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(silent, 0.3)

        assert line.socket.close_code is None
        assert sim.control.transcript() == []


async def test_a_client_that_pings_notices_a_half_open_line() -> None:
    async with simulator() as sim, joined(sim) as line:
        sim.control.drop(T, how="half_open")
        # Not before: a busy machine may be too slow for so short a time to a pong.
        line.socket.ping_interval, line.socket.ping_timeout = 0.1, 0.2
        line.socket.start_keepalive()

        with pytest.raises(ConnectionClosedError) as lost:
            await line.hear()

        assert lost.value.sent is not None
        assert lost.value.sent.code == 1011


async def test_a_half_open_line_keeps_its_place_until_it_is_evicted() -> None:
    async with simulator() as sim, joined(sim):
        sim.control.drop(T, how="half_open")
        async with joined(sim), joined(sim):
            assert len(sim.control.connections()) == 3
            async with opened(sim) as fourth:
                assert (await fourth.configure())["body"]["newSession"] is False
                assert len(sim.control.sessions()[0]["connections"]) == 3  # type: ignore[arg-type]


async def test_a_drop_after_a_message_stores_it_and_answers_nothing() -> None:
    async with simulator() as sim, joined(sim) as line:
        sim.control.fault("drop", when="after", action="onMessage")

        await line.say("did this arrive?")
        with pytest.raises(ConnectionClosedError):
            await line.hear()

        async with joined(sim) as again:
            page = (await again.history()).json()
        assert [each["text"] for each in page["entities"]] == ["did this arrive?"]


async def test_a_drop_before_a_message_stores_nothing() -> None:
    async with simulator() as sim, joined(sim) as line:
        sim.control.fault("drop", when="before", action="onMessage")

        await line.say("did this arrive?")
        with pytest.raises(ConnectionClosedError):
            await line.hear()

        assert sim.control.transcript() == []


async def test_a_drop_at_the_start_comes_after_the_upgrade() -> None:
    async with simulator() as sim:
        sim.control.fault("drop", when="open", how="close", code=1011)

        async with opened(sim) as line:
            with pytest.raises(ConnectionClosedError) as lost:
                await line.hear()

        assert lost.value.rcvd is not None
        assert lost.value.rcvd.code == 1011


async def test_a_restart_resets_everyone_and_keeps_sessions() -> None:
    async with simulator() as sim, joined(sim) as first, joined(sim) as second:
        assert sim.control.restart() == 2

        for line in (first, second):
            with pytest.raises(ConnectionClosedError):
                await line.hear()
        async with opened(sim) as again:
            assert (await again.configure())["body"]["newSession"] is False


async def test_an_idle_socket_is_told_to_go_away() -> None:
    async def idle() -> None:
        """On a busy machine it is idle for so long before it has joined."""
        async with joined(sim) as line:
            await line.hear()

    async with simulator(idle_close_seconds=0.5) as sim:
        with pytest.raises(ConnectionClosed) as lost:
            await idle()

        assert lost.value.rcvd is not None
        assert lost.value.rcvd.code == 1001


async def test_the_end_of_the_simulator_is_a_clean_close() -> None:
    sim = simulator()
    await sim.start()
    async with joined(sim) as line:
        await sim.stop()

        with pytest.raises(ConnectionClosed) as lost:
            await line.hear()

    assert lost.value.rcvd is not None
    assert lost.value.rcvd.code == 1001


async def test_a_client_that_leaves_is_forgotten() -> None:
    async with simulator() as sim:
        async with joined(sim):
            assert len(sim.control.connections()) == 1
        await eventually(lambda: not sim.control.connections(), what="forgotten")
        async with joined(sim) as line:
            line.socket.transport.abort()
        await eventually(lambda: not sim.control.connections(), what="forgotten")

        assert sim.control.counts()["tokens"][T]["max_sockets"] == 1  # type: ignore[index]
