"""Open links to peers on loopback that talk, leave, vanish, shout or fall silent."""

import asyncio
import time

import pytest
import uvloop
from websockets.asyncio.server import ServerConnection

from service.adapters.guest_socket import MAX_FRAME_BYTES, Deadlines
from service.domain.errors import LinkLostError
from service.ports.wires import Link
from tests.contract.guest.links import (
    PATIENT,
    closed_endpoint,
    echo,
    hang_up,
    loss_of,
    say_nothing,
    sockets,
    stay,
)
from tests.contract.guest.loopback import (
    deployment_at,
    raw_server,
    upgrade_then_ignore,
    websocket_server,
)
from tests.support.patience import PATIENCE, eventually

HASTY = PATIENT._replace(close_frame=0.3, close=0.5)
"""Of a peer that does not close."""


async def test_frames_travel_both_ways() -> None:
    async with websocket_server(echo) as endpoint:
        link = await sockets().open(deployment_at(endpoint))
        await link.send('{"text": "grüße"}')
        answer = await link.receive()
        await link.close()

    assert answer == '{"text": "grüße"}'


def test_a_dead_link_is_known_within_thirty_seconds() -> None:
    deadlines = Deadlines()

    assert 20 + deadlines.pong + deadlines.close_frame < 30
    assert deadlines.pong <= 8
    assert deadlines.close < 2


async def test_a_clean_close_tells_code_and_reason() -> None:
    async def leave(peer: ServerConnection) -> None:
        await peer.send("last words")
        await peer.close(1001, "going away")

    async with websocket_server(leave) as endpoint:
        link = await sockets().open(deployment_at(endpoint))
        frame = await link.receive()
        lost = await loss_of(link)

    assert (frame, lost.code, lost.reason) == ("last words", 1001, "going away")


async def test_a_cut_connection_is_1006() -> None:
    async def vanish(peer: ServerConnection) -> None:
        peer.transport.abort()

    async with websocket_server(vanish) as endpoint:
        link = await sockets().open(deployment_at(endpoint))
        lost = await loss_of(link)

    assert lost.code == 1006


async def test_a_peer_that_answers_no_ping_is_found() -> None:
    deadlines = HASTY._replace(pong=0.2)
    async with raw_server(upgrade_then_ignore) as endpoint:
        link = await sockets(deadlines=deadlines).open(
            deployment_at(endpoint, heartbeat_seconds=0.1)
        )
        started = time.monotonic()
        lost = await loss_of(link)

    assert (lost.code, lost.reason) == (1006, "keepalive ping timeout")
    assert 0.25 < time.monotonic() - started < PATIENCE


async def test_a_peer_that_answers_pings_is_kept() -> None:
    """Several times as long as it would take to find a dead one; a busy machine may need a few."""
    async with websocket_server(stay) as endpoint:

        async def kept() -> bool:
            link = await sockets(deadlines=PATIENT._replace(pong=0.2)).open(
                deployment_at(endpoint, heartbeat_seconds=0.05)
            )
            try:
                await asyncio.wait_for(link.receive(), 0.6)
            except TimeoutError:
                return True
            except LinkLostError:
                return False
            finally:
                await link.close()
            pytest.fail("it said nothing")

        await eventually(kept)


async def test_an_oversized_frame_closes_with_1009() -> None:
    async def shout(peer: ServerConnection) -> None:
        await peer.send("x" * MAX_FRAME_BYTES)
        await peer.send("x" * (MAX_FRAME_BYTES + 1))

    async with websocket_server(shout) as endpoint:
        link = await sockets().open(deployment_at(endpoint))
        largest = await link.receive()
        lost = await loss_of(link)

    assert (len(largest), lost.code) == (MAX_FRAME_BYTES, 1009)


async def test_a_binary_frame_closes_with_1003_on_both_sides() -> None:
    seen = asyncio.Queue[int | None]()

    async def send_bytes(peer: ServerConnection) -> None:
        await peer.send(b"\x00")
        await peer.wait_closed()
        seen.put_nowait(peer.close_code)

    async with websocket_server(send_bytes) as endpoint:
        link = await sockets().open(deployment_at(endpoint))
        lost = await loss_of(link)
        again = await loss_of(link)
        theirs = await asyncio.wait_for(seen.get(), PATIENCE)

    assert (lost.code, again.code, theirs) == (1003, 1003, 1003)


async def test_text_that_is_no_utf8_closes_with_1007() -> None:
    async def garble(peer: ServerConnection) -> None:
        await peer.send(b"\xff", text=True)
        await peer.wait_closed()

    async with websocket_server(garble) as endpoint:
        link = await sockets().open(deployment_at(endpoint))
        lost = await loss_of(link)

    assert lost.code == 1007


async def test_closing_tells_the_peer_1000_and_may_be_repeated() -> None:
    seen = asyncio.Queue[int | None]()

    async def watch(peer: ServerConnection) -> None:
        await peer.wait_closed()
        seen.put_nowait(peer.close_code)

    async with websocket_server(watch) as endpoint:
        link = await sockets().open(deployment_at(endpoint))
        await link.close()
        await link.close()
        theirs = await asyncio.wait_for(seen.get(), PATIENCE)

    assert theirs == 1000


async def test_a_closed_link_neither_sends_nor_receives() -> None:
    async with websocket_server(echo) as endpoint:
        link = await sockets().open(deployment_at(endpoint))
        await link.close()

        with pytest.raises(LinkLostError) as sending:
            await link.send("late")
        receiving = await loss_of(link)

    assert (sending.value.code, receiving.code) == (1000, 1000)


async def test_sending_to_a_peer_that_closed_tells_its_code() -> None:
    async def leave(peer: ServerConnection) -> None:
        await peer.close(1012, "restart")

    async with websocket_server(leave) as endpoint:
        link = await sockets().open(deployment_at(endpoint))
        await loss_of(link)

        with pytest.raises(LinkLostError) as caught:
            await link.send("late")

    assert (caught.value.code, caught.value.reason) == (1012, "restart")


async def test_closing_does_not_wait_for_a_silent_peer() -> None:
    async with raw_server(upgrade_then_ignore) as endpoint:
        link = await sockets(deadlines=HASTY).open(deployment_at(endpoint))
        started = time.monotonic()
        await link.close()

    assert 0.25 < time.monotonic() - started < PATIENCE


async def fill(link: Link) -> None:
    """Write until the peer's and our own buffers are full, then wait in the send."""
    for _ in range(1_000):
        await link.send("x" * 65_536)


async def test_a_peer_that_stops_reading_costs_the_link() -> None:
    async with raw_server(upgrade_then_ignore) as endpoint:
        link = await sockets(deadlines=HASTY._replace(write=0.3)).open(deployment_at(endpoint))

        with pytest.raises(LinkLostError) as caught:
            await fill(link)
        after = await loss_of(link)

    assert (caught.value.code, caught.value.reason) == (1006, "write timeout")
    assert after.code == 1006


async def test_closing_a_stuffed_link_takes_no_longer() -> None:
    async with raw_server(upgrade_then_ignore) as endpoint:
        link = await sockets(deadlines=HASTY).open(deployment_at(endpoint))
        stuck = asyncio.create_task(fill(link))
        await asyncio.sleep(0.3)
        started = time.monotonic()
        await link.close()
        took = time.monotonic() - started
        with pytest.raises(LinkLostError):
            await stuck

    assert took < PATIENCE


async def test_a_cancelled_stuck_send_ends_the_link() -> None:
    async with raw_server(upgrade_then_ignore) as endpoint:
        link = await sockets().open(deployment_at(endpoint))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(fill(link), 0.3)

        lost = await asyncio.wait_for(loss_of(link), PATIENCE / 2)

    assert lost.code == 1006


async def test_cancelling_a_receive_loses_no_frame() -> None:
    async with websocket_server(echo) as endpoint:
        link = await sockets().open(deployment_at(endpoint))
        for number in range(20):
            waiting = asyncio.create_task(link.receive())
            await asyncio.sleep(0)
            await link.send(str(number))
            if number % 2:
                await asyncio.sleep(0.002)
            waiting.cancel()
            outcome = (await asyncio.gather(waiting, return_exceptions=True))[0]
            received = outcome if isinstance(outcome, str) else await link.receive()

            assert received == str(number)
        await link.close()


async def _refusals_on_any_loop() -> list[str]:
    reasons = []
    async with raw_server(hang_up) as resets, raw_server(say_nothing) as silence:
        for endpoint in (resets, silence, await closed_endpoint(), "http://no..name"):
            deadlines = PATIENT._replace(open=0.3) if endpoint is silence else PATIENT
            with pytest.raises(LinkLostError) as caught:
                await sockets(deadlines=deadlines).open(deployment_at(endpoint))
            reasons.append(caught.value.reason)
    return reasons


async def _life_on_any_loop() -> tuple[str, int]:
    async with websocket_server(echo) as endpoint:
        link = await sockets().open(deployment_at(endpoint))
        await link.send("hello")
        answer = await link.receive()
        await link.close()
        return answer, (await loss_of(link)).code


def test_uvloop_serves_as_well() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        life = runner.run(_life_on_any_loop())
        refusals = runner.run(_refusals_on_any_loop())

    assert life == ("hello", 1000)
    assert refusals == ["reset", "timeout", "refused", "dns"]
