"""What happens to the connection itself: resets, early answers, leftovers, and who gets it next."""

import asyncio
import socket
from contextlib import closing

import httpcore2
import pytest

from service.adapters.system import SystemClock
from service.adapters.webhook_connections import BoundedBackend, has_leftover
from service.adapters.webhook_http import WebhookSender
from service.adapters.webhook_pool import KeptConnections
from tests.contract.webhook_http.peers import fill, peer_at, tear_down
from tests.contract.webhook_http.posting import patient_sender, post
from tests.support.patience import PATIENCE, eventually
from tests.support.webhook_sink import Reply, WebhookSink, answer, hang, raw, reset

LARGE = b"x" * 8_000_000
"""More than the buffers of both ends hold, so that it is still under way."""
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def test_a_reset_while_we_still_send_is_a_failure(sender: WebhookSender) -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        tear_down(writer)

    async with peer_at(leave) as port:
        got = await post(sender, f"http://127.0.0.1:{port}/hook", body=LARGE)

    assert (got.status, got.error) == (None, "reset")


async def test_a_peer_that_stops_reading_is_left_at_the_deadline(sender: WebhookSender) -> None:
    done = asyncio.Event()

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()

    async with peer_at(stall) as port:
        got = await post(sender, f"http://127.0.0.1:{port}/hook", body=LARGE, seconds=0.3)
        done.set()

    assert (got.status, got.error) == (None, "timeout")


@pytest.mark.parametrize("size", [0, 64 * 1024, 1024 * 1024])
async def test_an_answer_that_comes_before_the_request_was_read_is_used(
    sender: WebhookSender, size: int
) -> None:
    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()

    async with peer_at(hasty) as port:
        got = await post(sender, f"http://127.0.0.1:{port}/hook", body=LARGE[:size])

    assert (got.status, got.error) == (413, None)


async def test_a_peer_that_takes_no_connection_is_left_at_the_connect_limit() -> None:
    sender = patient_sender(connect_seconds=0.2)
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        place = listener.getsockname()
        waiting = fill(place)

        got = await post(sender, f"http://127.0.0.1:{place[1]}/hook", seconds=2 * PATIENCE)

        for each in waiting:
            each.close()
    await sender.close()

    assert (got.status, got.error) == (None, "timeout")
    assert 0.2 <= got.seconds < PATIENCE


async def test_the_connect_limit_holds_for_each_address_within_one_deadline() -> None:
    """Four addresses that take no connection cost no more than the deadline.

    Each has a third of what is left, and Linux would try for minutes.
    """
    with closing(socket.socket()) as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = fill(("127.0.0.1", port))

        async def four(host: str, _: int) -> list[str]:
            return ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"]

        sender = patient_sender(resolver=four)

        got = await post(sender, f"http://hooks.example:{port}/hook", seconds=0.6)

        for each in waiting:
            each.close()
    await sender.close()

    assert (got.status, got.error) == (None, "timeout")
    assert got.seconds < PATIENCE


@pytest.mark.parametrize(
    "first",
    [
        raw(OK + OK, keep=True),
        raw(OK + b"HTTP/1.1 500 Late\r\ncontent-length: 0\r\n\r\n", keep=True),
        raw(OK + b"more than was announced", keep=True),
        raw(b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello", keep=True),
        raw(b"HTTP/1.1 204 No Content\r\n\r\nhello", keep=True),
        raw(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\nhello", keep=True),
        raw(OK.replace(b"200", b"205") + b"\r\n", keep=True),
    ],
    ids=[
        "a second 200",
        "a second 500",
        "a longer body",
        "204 with a body",
        "204 with a body of no length",
        "304 with a body",
        "a line too many",
    ],
)
async def test_what_comes_after_an_answer_is_not_the_answer_to_the_next_request(
    sink: WebhookSink, sender: WebhookSender, first: Reply
) -> None:
    """Else an event could be lost: delivered by an answer given before anybody saw it."""
    sink.script.extend([first, answer(202), answer(503)])

    got = [(await post(sender, sink.url)).status for _ in range(3)]

    assert got[1:] == [202, 503]
    assert len(sink.requests) == 3


def test_where_leftovers_cannot_be_looked_for_no_connection_is_trusted() -> None:
    assert has_leftover(httpcore2.Response(200))


@pytest.mark.parametrize("status", [204, 205])
async def test_a_success_that_should_have_no_body_is_a_delivery_with_one(
    sink: WebhookSink, sender: WebhookSender, status: int
) -> None:
    sink.reply = answer(status, body=b"hello")

    assert (await post(sender, sink.url)).status == status


async def test_a_misdirected_request_is_tried_again_over_another_connection(
    sink: WebhookSink, sender: WebhookSender
) -> None:
    sink.script.extend([answer(200), answer(421), answer(200)])

    got = [(await post(sender, sink.url)).status for _ in range(3)]

    assert got == [200, 421, 200]
    assert [request.connection for request in sink.requests] == [1, 1, 2]


async def test_a_kept_connection_that_its_peer_closed_is_replaced_without_a_failure(
    sink: WebhookSink, sender: WebhookSender
) -> None:
    sink.script.extend([raw(OK), answer(200)])
    await post(sender, sink.url)
    await eventually(lambda: sink.open_connections == 0)

    got = await post(sender, sink.url)

    assert got.status == 200
    assert [request.connection for request in sink.requests] == [1, 2]


async def test_the_connection_given_back_last_is_used_first(
    sink: WebhookSink, sender: WebhookSender
) -> None:
    both = asyncio.Event()

    async def together(writer: asyncio.StreamWriter) -> bool:
        if len(sink.requests) > 1:
            both.set()
        await both.wait()
        return await answer(200)(writer)

    sink.script.extend([together, together])
    await asyncio.gather(post(sender, sink.url), post(sender, sink.url))

    for _ in range(4):
        await post(sender, sink.url)

    assert sink.connections == 2
    assert len({request.connection for request in sink.requests[2:]}) == 1


async def test_connections_that_were_kept_too_long_are_closed_and_no_more_are_kept_than_may_be(
    sink: WebhookSink,
) -> None:
    clock = Ahead()
    backend = BoundedBackend(clock)
    pool = KeptConnections(clock=clock, backend=backend, idle_seconds=PATIENCE, host_most=2)
    url = httpcore2.URL(scheme="http", host="127.0.0.1", port=sink.port, target="/")

    async def ask() -> httpcore2.Response:
        request = httpcore2.Request(
            "POST", url, headers={"host": "sink", "content-length": "0"}, content=b""
        )
        return await pool.request(request, name="sink", tls=None)

    for given in [await ask(), await ask(), await ask()]:
        await given.aread()
        await given.aclose()
        await given.aclose()
    await eventually(lambda: sink.open_connections == 2)
    await asyncio.sleep(0.05)
    kept = sink.open_connections
    clock.ahead = PATIENCE
    late = await ask()
    await late.aread()
    await late.aclose()
    await eventually(lambda: sink.open_connections == 1)
    last = await ask()
    await pool.aclose()
    await last.aclose()

    await eventually(lambda: sink.open_connections == 0)
    assert (sink.connections, kept) == (4, 2)


class Ahead(SystemClock):
    """A clock that can be put forward."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


async def test_head_and_body_of_a_request_leave_together(sender: WebhookSender) -> None:
    pieces: list[bytes] = []

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pieces.append(await reader.read(65536))
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        await writer.drain()

    async with peer_at(count) as port:
        got = await post(sender, f"http://127.0.0.1:{port}/hook", body=b'{"a":1}')

    assert got.status == 204
    assert pieces[0].endswith(b'\r\n\r\n{"a":1}')


async def test_the_limit_of_one_answer_is_not_one_for_all_answers_of_a_connection(
    sink: WebhookSink, sender: WebhookSender
) -> None:
    sink.reply = answer(200, body=b"x" * 60_000)

    got = [(await post(sender, sink.url)).status for _ in range(5)]

    assert got == [200] * 5
    assert sink.connections == 1


async def test_a_connection_whose_body_was_left_unread_is_not_used_again(
    sink: WebhookSink, sender: WebhookSender
) -> None:
    sink.script.extend([answer(200, body=b"x" * 200_000), answer(200)])

    got = [(await post(sender, sink.url)).status for _ in range(2)]

    assert got == [200, 200]
    assert sink.connections == 2


async def test_the_parts_of_an_attempt_are_timed(sink: WebhookSink) -> None:
    async def slow(host: str, _: int) -> list[str]:
        await asyncio.sleep(0.05)
        return ["127.0.0.1"]

    async def late(writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(0.1)
        return await answer()(writer)

    sink.reply = late
    sender = patient_sender(resolver=slow)

    first, kept = [await post(sender, f"http://hooks.example:{sink.port}/") for _ in range(2)]
    await sender.close()

    assert first.phases.dns is not None
    assert first.phases.connect is not None
    assert first.phases.first_byte is not None
    assert first.phases.tls is None
    assert first.phases.dns >= 0.05
    assert first.phases.connect > 0.0
    assert first.phases.first_byte >= 0.1
    known = first.phases.dns + first.phases.connect + first.phases.first_byte
    assert known <= first.seconds
    assert kept.phases.connect is None
    assert kept.phases.first_byte is not None


async def test_the_part_in_which_an_attempt_failed_is_timed_too(
    sink: WebhookSink, sender: WebhookSender
) -> None:
    sink.script.append(answer())
    sink.reply = hang()
    await post(sender, sink.url)  # to connect may take long; this is about what comes then
    silent = await post(sender, sink.url, seconds=0.3)
    sink.reply = reset()
    torn = await post(sender, sink.url)
    blocked = await post(sender, "https://10.0.0.1/")

    assert silent.phases.first_byte is not None
    assert 0.0 < silent.phases.first_byte <= silent.seconds
    assert torn.phases.connect is not None
    assert blocked.phases.dns is blocked.phases.connect is blocked.phases.first_byte is None
