"""What is kept for later costs descriptors: it goes at its time, and there is a bound to it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpcore2
import pytest
import uvloop

from service.adapters.system import SystemClock
from service.adapters.webhook_connections import PIECE, BoundedBackend
from service.adapters.webhook_pool import KeptConnections
from tests.contract.webhook_http.posting import patient_sender, post
from tests.support.patience import PATIENCE, eventually
from tests.support.webhook_sink import WebhookSink, answer, raw, webhook_sink

EVERYWHERE = "0.0.0.0"
"""All of 127.0.0.0/8, for hosts whose addresses change."""


def pool_of(
    *, idle: float = PATIENCE, host_most: int = 50, kept_most: int = 256
) -> KeptConnections:
    clock = SystemClock()
    return KeptConnections(
        clock=clock,
        backend=BoundedBackend(clock),
        idle_seconds=idle,
        host_most=host_most,
        kept_most=kept_most,
    )


async def ask(
    pool: KeptConnections, sink: WebhookSink, name: str, *, address: str = "127.0.0.1"
) -> None:
    url = httpcore2.URL(scheme="http", host=address, port=sink.port, target="/")
    headers = [("host", name), ("content-length", "0")]
    request = httpcore2.Request("POST", url, headers=headers, content=b"")
    response = await pool.request(request, name=name, tls=None)
    await response.aread()
    await response.aclose()


@pytest.mark.parametrize(
    "make_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_what_nobody_asks_for_again_is_closed_at_its_time(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """A host whose addresses change leaves a connection at each, and hosts are deleted."""

    async def story() -> tuple[float, float]:
        async with webhook_sink(host=EVERYWHERE) as sink:
            pool = pool_of(idle=0.5)
            for number in range(10):
                await ask(pool, sink, "moving.example", address=f"127.0.0.{number + 1}")
            begun = time.monotonic()
            await asyncio.sleep(0.3)
            await ask(pool, sink, "late.example")
            later = time.monotonic()
            await eventually(lambda: sink.open_connections <= 1)
            first = time.monotonic() - begun
            await eventually(lambda: sink.open_connections == 0)
            late = time.monotonic() - later
            await pool.aclose()
            return first, late

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert min(runner.run(story())) > 0.4


async def test_what_a_peer_closed_leaves_no_socket_behind(sink: WebhookSink) -> None:
    """Else it would stand in CLOSE_WAIT until that address is asked for again."""
    pool = pool_of(idle=0.1)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(5):
        await ask(pool, sink, f"h{number}.example")
    await sink.close()
    await eventually(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before)
    await pool.aclose()


async def test_no_more_are_kept_in_all_than_may_be_and_the_oldest_go(sink: WebhookSink) -> None:
    pool = pool_of(kept_most=3)
    for name in ("a", "b", "c", "a", "d", "e", "a", "b"):
        await ask(pool, sink, name)
        await eventually(lambda: sink.open_connections <= 3)
    await pool.aclose()

    assert [request.connection for request in sink.requests] == [1, 2, 3, 1, 4, 5, 1, 6]


async def test_a_host_has_a_bound_of_its_own_over_all_its_addresses() -> None:
    async with webhook_sink(host=EVERYWHERE) as sink:
        pool = pool_of(host_most=2)
        await ask(pool, sink, "still.example")
        for number in range(6):
            await ask(pool, sink, "moving.example", address=f"127.0.0.{number + 1}")
        await ask(pool, sink, "moving.example", address="127.0.0.5")
        await ask(pool, sink, "still.example")
        await eventually(lambda: sink.open_connections == 3)
        await pool.aclose()

    assert [request.connection for request in sink.requests][-2:] == [6, 1]


async def test_one_tenants_moving_hosts_leave_descriptors_for_the_others() -> None:
    async def moves(host: str, _: int) -> Sequence[str]:
        number = len(sink.requests)
        return [f"127.0.{number // 250}.{number % 250 + 1}"]

    async with webhook_sink(host=EVERYWHERE) as sink:
        sink.reply = answer(200)
        sender = patient_sender(resolver=moves, kept_most=20)
        for number in range(60):
            url = f"http://h{number % 3}.example:{sink.port}/"
            got = await sender.post(url, headers={}, body=b"{}", timeout_seconds=PATIENCE)
            assert got.status == 200
        await eventually(lambda: sink.open_connections == 20)
        await sender.close()
        await eventually(lambda: sink.open_connections == 0)


async def test_after_its_end_nothing_is_kept(sink: WebhookSink) -> None:
    pool = pool_of()
    await ask(pool, sink, "a")
    await pool.aclose()
    await ask(pool, sink, "a")

    await eventually(lambda: sink.open_connections == 0)
    assert sink.connections == 2


def piece_of_answer(total: int) -> bytes:
    """A whole answer of so many bytes, head and body."""
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %05d\r\n\r\n"
    body = b"a" * (total - len(head % 0))
    return head % len(body) + body


@pytest.mark.parametrize("size", [PIECE, 2 * PIECE])
@pytest.mark.parametrize(
    "make_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_what_comes_after_a_whole_number_of_pieces_is_not_the_next_answer_either(
    make_loop: Callable[[], asyncio.AbstractEventLoop], size: int
) -> None:
    """It is neither in the socket nor in the parser, but in the queue between."""

    async def story() -> list[tuple[int | None, int]]:
        late = b"HTTP/1.1 299 Late\r\ncontent-length: 0\r\n\r\n"
        async with webhook_sink() as sink:
            whole = piece_of_answer(size)
            sink.script.extend([raw(whole, keep=True), raw(whole + late, keep=True)])
            sink.reply = answer(503)
            sender = patient_sender()
            got = [(await post(sender, sink.url)).status for _ in range(4)]
            await sender.close()
            return list(zip(got, [each.connection for each in sink.requests], strict=True))

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert runner.run(story()) == [(200, 1), (200, 1), (503, 2), (503, 2)]
