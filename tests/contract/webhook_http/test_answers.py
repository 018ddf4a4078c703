"""Heads as servers really write them, and what is made of each: delivered, failed, or no answer."""

import asyncio
import gzip
import zlib

import pytest

from service.adapters.system import SystemClock
from service.adapters.webhook_connections import ANSWER_MAX, PIECE
from service.adapters.webhook_http import BODY_KEPT_MAX, WebhookSender
from service.webhook.directive import Directive
from tests.contract.webhook_http.posting import BODY, patient_sender, post
from tests.support.patience import PATIENCE
from tests.support.webhook_sink import WebhookSink, answer, raw

EMPTY = b"content-length: 0\r\n\r\n"
ZEROS = b"\0" * 3_000_000
BOMBS = {
    "gzip": gzip.compress(ZEROS),
    "deflate": zlib.compress(ZEROS),
    "gzip, gzip": gzip.compress(gzip.compress(ZEROS)),
    "br": b"\xcf\xff\xff\x7f\xf8" + b"\0" * 40,
    "zstd": b"\x28\xb5\x2f\xfd" + b"\0" * 40,
    "made-up": b"whatever",
}


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"HTTP/1.1 200\r\n" + EMPTY, 200),
        (b"HTTP/1.1 200 \r\n" + EMPTY, 200),
        (b"HTTP/1.0 200 OK\r\n\r\n", 200),
        (b"HTTP/1.1 200 OK\ncontent-length: 0\n\n", 200),
        (b"HTTP/1.1 200 OK\r\n\r\n", 200),
        (b"HTTP/1.1 200 Cr\xe9\xe9\r\nx: caf\xe9 \xff\r\n" + EMPTY, 200),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            200,
        ),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: 0\r\n\r\n", 200),
        (b"HTTP/1.1 520 Web Server Returned an Unknown Error\r\n" + EMPTY, 520),
        (b"HTTP/1.1 527 Railgun\r\n" + EMPTY, 527),
        (b"HTTP/1.1 600 Beyond\r\n" + EMPTY, 600),
        (b"HTTP/1.1 999 Denied\r\n" + EMPTY, 999),
    ],
    ids=[
        "no reason",
        "an empty reason",
        "HTTP/1.0 until close",
        "bare line feeds",
        "a status line only",
        "no UTF-8",
        "a length and chunks",
        "one length twice",
        *["520", "527", "600", "999"],
    ],
)
async def test_a_head_that_can_be_read_is_an_answer(
    sink: WebhookSink, sender: WebhookSender, head: bytes, status: int
) -> None:
    """To take a readable 200 for a failure would only make a second copy of what was delivered."""
    sink.reply = raw(head)

    got = await post(sender, sink.url)

    assert (got.status, got.error) == (status, None)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 20 Short\r\n" + EMPTY,
        b"HTTP/1.1 2000 Long\r\n" + EMPTY,
        b"HTTP/1.1 abc Text\r\n" + EMPTY,
        b"HTTP/1.1 200 OK\r\nno colon\r\n" + EMPTY,
        b"HTTP/1.1 200 OK\r\nx\0y: 1\r\n" + EMPTY,
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=[
        "two digits",
        "four digits",
        "no digits",
        "a line without a colon",
        "NUL in a name",
        "a negative length",
        "a length in words",
        "a transfer coding nobody asked for",
        "TLS",
    ],
)
async def test_a_head_that_cannot_be_read_is_a_protocol_failure_told_in_safe_text(
    sink: WebhookSink, sender: WebhookSender, head: bytes
) -> None:
    sink.reply = raw(head)

    got = await post(sender, sink.url)

    assert (got.status, got.error) == (None, "protocol")
    assert got.detail.isprintable()
    assert 0 < len(got.detail) <= 300


class Turns(SystemClock):
    """Counts the turns that are given to others."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0

    async def sleep(self, seconds: float) -> None:
        self.given += 1
        await super().sleep(seconds)


async def test_a_flood_of_interim_answers_is_cut_off_long_before_the_deadline(
    sink: WebhookSink,
) -> None:
    """To parse them for as long as they come would cost a processor until the deadline."""
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> bool:
        nonlocal sent
        while not writer.is_closing():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
            await writer.drain()
            sent += 2500
        return False

    sink.reply = flood

    clock = Turns()
    sender = patient_sender(clock=clock)

    got = await post(sender, sink.url, seconds=600.0)
    await sender.close()

    assert (got.status, got.error) == (None, "protocol")
    assert got.seconds < PATIENCE
    assert sent >= ANSWER_MAX
    assert clock.given >= ANSWER_MAX // PIECE


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://other.example/",
        "/hook",
        "//10.0.0.1/",
        "",
    ],
)
async def test_a_redirect_is_an_answer_wherever_it_points(
    sink: WebhookSink, sender: WebhookSender, status: int, location: str
) -> None:
    sink.reply = answer(status, headers={"location": location})

    got = await post(sender, sink.url)

    assert (got.status, got.error) == (status, None)
    assert [(request.method, request.path) for request in sink.requests] == [("POST", "/hook")]


@pytest.mark.parametrize("encoding", BOMBS)
async def test_no_encoding_is_ever_decoded(
    sink: WebhookSink, sender: WebhookSender, encoding: str
) -> None:
    sink.reply = answer(200, headers={"content-encoding": encoding}, body=BOMBS[encoding])

    got = await post(sender, sink.url)

    assert (got.status, got.body) == (200, BOMBS[encoding][:BODY_KEPT_MAX])


async def test_chunks_without_end_are_cut_off(sink: WebhookSink, sender: WebhookSender) -> None:
    async def flood(writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"1000\r\n" + b"y" * 0x1000 + b"\r\n")
            await writer.drain()
        return False

    sink.reply = flood

    got = await post(sender, sink.url)

    assert (got.status, got.body) == (200, b"y" * BODY_KEPT_MAX)


async def test_the_status_counts_and_not_what_the_body_says(
    sink: WebhookSink, sender: WebhookSender
) -> None:
    page = "<h1>500</h1> d\xe9sol\xe9 \xff\0".encode("latin-1")
    sink.reply = answer(200, headers={"content-type": "text/html"}, body=page)

    got = await post(sender, sink.url)

    assert (got.status, got.body) == (200, page)


@pytest.mark.parametrize(
    ("lines", "wish"),
    [
        ("webhook-delivery: disable", Directive.DISABLE),
        ("Webhook-Delivery:  Abort-Message ", Directive.ABORT_MESSAGE),
        ("webhook-delivery: explode", None),
        ("webhook-delivery: disable\r\nwebhook-delivery: abort-message", None),
        ("x: y", None),
    ],
)
async def test_what_the_receiver_wishes_beside_the_status_is_told(
    sink: WebhookSink, sender: WebhookSender, lines: str, wish: Directive | None
) -> None:
    sink.reply = raw(f"HTTP/1.1 400 Bad\r\n{lines}\r\ncontent-length: 0\r\n\r\n".encode())

    assert (await post(sender, sink.url)).directive is wish


async def test_the_length_is_that_of_the_bytes_and_the_encoding_asked_for_is_ours(
    sink: WebhookSink, sender: WebhookSender
) -> None:
    await sender.post(
        sink.url, headers={"accept-encoding": "identity"}, body=BODY, timeout_seconds=PATIENCE
    )

    headers = sink.requests[0].headers
    assert headers["content-length"] == str(len(BODY)) != str(len(BODY.decode()))
    assert headers["accept-encoding"] == "identity"
    assert "transfer-encoding" not in headers
