"""What receivers do to a sender: each answer is classed, none hangs, none makes a second copy."""

import asyncio

import pytest

from service.adapters.webhook_http import BODY_KEPT_MAX, WebhookSender
from tests.contract.webhook_http.posting import BODY, patient_sender, post
from tests.support.patience import PATIENCE
from tests.support.webhook_sink import (
    Reply,
    WebhookSink,
    answer,
    drip,
    hang,
    raw,
    reset,
    webhook_sink,
)

OK_HEAD = b"HTTP/1.1 200 OK\r\n"


async def test_the_request_is_one_post_with_the_bytes_as_they_are(
    sink: WebhookSink, sender: WebhookSender
) -> None:
    got = await post(sender, f"http://127.0.0.1:{sink.port}/a%2Fb/../c?x=%7e&y=z#part")

    request = sink.requests[0]
    assert got.status == 200
    assert (request.method, request.path) == ("POST", "/a%2Fb/../c?x=%7e&y=z")
    assert request.body == BODY
    assert request.headers == {
        "host": f"127.0.0.1:{sink.port}",
        "x-own": "1",
        "content-length": "10",
    }


@pytest.mark.parametrize(
    "status", [200, 201, 202, 204, 206, 299, 304, 400, 410, 429, 500, 599, 999]
)
async def test_a_final_status_is_the_answer(
    sink: WebhookSink, sender: WebhookSender, status: int
) -> None:
    sink.reply = answer(status, body=b"" if status in {204, 304} else b"text")

    got = await post(sender, sink.url)

    assert (got.status, got.error) == (status, None)


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 2000,
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n",
    ],
)
async def test_interim_answers_are_passed_over(
    sink: WebhookSink, sender: WebhookSender, interim: bytes
) -> None:
    sink.reply = raw(interim + OK_HEAD + b"content-length: 0\r\n\r\n")

    assert (await post(sender, sink.url)).status == 200


async def test_an_upgrade_nobody_asked_for_is_no_delivery(
    sink: WebhookSink, sender: WebhookSender
) -> None:
    sink.reply = raw(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")

    got = await post(sender, sink.url)

    assert (got.status, got.error) == (None, "protocol")


@pytest.mark.parametrize(
    "stall",
    [
        hang(),
        hang(b"HTTP/1.1 200 OK\r\nx: "),
        drip(b"HTTP/1.1 200 OK\r\nx: ", b"y", every=0.1),
        drip(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n", every=0.1),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", every=0.1),
    ],
    ids=["silence", "half a head", "a byte now and then", "endless headers", "endless 1xx"],
)
async def test_a_head_that_never_ends_ends_at_the_deadline(
    sink: WebhookSink, sender: WebhookSender, stall: Reply
) -> None:
    """Each read succeeds in time: only a deadline over everything helps, else it never ends."""
    sink.reply = stall

    got = await post(sender, sink.url, seconds=0.3)

    assert (got.status, got.error) == (None, "timeout")
    assert 0.25 < got.seconds < PATIENCE


@pytest.mark.parametrize(
    "body",
    [
        drip(OK_HEAD + b"content-length: 99999\r\n\r\n", b"x", every=0.1),
        drip(OK_HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n", every=0.1),
        hang(OK_HEAD + b"content-length: 5\r\n\r\n"),
        reset(OK_HEAD + b"content-length: 5\r\n\r\nab"),
        raw(OK_HEAD + b"content-length: 5\r\n\r\nab"),
        raw(OK_HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\nabc"),
        raw(OK_HEAD + b"content-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x08"),
        raw(OK_HEAD + b"\r\nno length at all"),
    ],
    ids=[
        "drip",
        "endless chunks",
        "no body comes",
        "reset",
        "cut short",
        "bad chunk",
        "cut gzip",
        "until close",
    ],
)
async def test_a_complete_200_head_is_a_delivery_whatever_the_body_does(
    sink: WebhookSink, body: Reply
) -> None:
    """Half of them never end by themselves, and the deadline is far."""
    sink.reply = body
    sender = patient_sender(body_seconds=0.2)

    got = await post(sender, sink.url, seconds=2 * PATIENCE)
    await sender.close()

    assert (got.status, got.error) == (200, None)
    assert got.seconds < PATIENCE


async def test_an_endless_flood_is_cut_off(sink: WebhookSink, sender: WebhookSender) -> None:
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> bool:
        nonlocal sent
        writer.write(OK_HEAD + b"content-length: 10000000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536
        return False

    sink.reply = flood

    got = await post(sender, sink.url)

    assert got.status == 200
    assert got.body == b"x" * BODY_KEPT_MAX
    assert sent < 20_000_000


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (reset(), "reset"),
        (reset(b"HTTP/1.1 200 OK\r\nx: y"), "reset"),
        (raw(b""), "reset"),
        (raw(b"<html>HTTP/0.9 has no head</html>"), "reset"),
        (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "reset"),
        (raw(b"hello, I am no web server\r\n\r\n"), "protocol"),
        (raw(b"HTTP/1.1 000 Zero\r\n\r\n"), "protocol"),
        (raw(OK_HEAD + b"x: a\0b\r\n\r\n"), "protocol"),
        (raw(OK_HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\n"), "protocol"),
        (raw(OK_HEAD + b"x: " + b"y" * 1_000_000 + b"\r\n\r\n"), "protocol"),
        (raw(OK_HEAD + b"x: yyyyyyyyyyyyyyyy\r\n" * 10_000 + b"\r\n"), "protocol"),
    ],
    ids=[
        "reset at once",
        "reset in the head",
        "closed at once",
        "no head at all",
        "another protocol's greeting",
        "garbage",
        "status 000",
        "NUL",
        "two lengths",
        "a huge header",
        "ten thousand headers",
    ],
)
async def test_a_broken_head_has_its_class(
    sink: WebhookSink, sender: WebhookSender, reply: Reply, error: str
) -> None:
    sink.reply = reply

    got = await post(sender, sink.url)

    assert (got.status, got.error) == (None, error)
    assert len(sink.requests) == 1


async def test_nobody_listening_is_refused(sender: WebhookSender) -> None:
    async with webhook_sink() as gone:
        url = gone.url

    assert (await post(sender, url)).error == "refused"


async def test_a_long_retry_after_reaches_the_planner_as_text(
    sink: WebhookSink, sender: WebhookSender
) -> None:
    sink.reply = answer(429, headers={"retry-after": "120"})

    assert (await post(sender, sink.url)).retry_after == "120"


async def test_two_retry_after_headers_are_not_one_number(
    sink: WebhookSink, sender: WebhookSender
) -> None:
    sink.reply = raw(
        b"HTTP/1.1 503 Busy\r\nretry-after: 1\r\nretry-after: 2\r\ncontent-length: 0\r\n\r\n"
    )

    assert (await post(sender, sink.url)).retry_after == "1, 2"


async def test_a_connection_is_kept_and_used_again(
    sink: WebhookSink, sender: WebhookSender
) -> None:
    for _ in range(3):
        await post(sender, sink.url)

    assert [request.connection for request in sink.requests] == [1, 1, 1]


async def test_a_kept_connection_that_died_on_us_is_no_silent_second_post(
    sink: WebhookSink, sender: WebhookSender
) -> None:
    sink.script.extend([answer(), reset(), answer()])
    await post(sender, sink.url)

    got = await post(sender, sink.url)

    assert got.error == "reset"
    assert len(sink.requests) == 2


async def test_proxy_settings_of_the_environment_are_ignored(
    sink: WebhookSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    sender = patient_sender()

    got = await post(sender, sink.url)
    await sender.close()

    assert got.status == 200


async def test_a_stuck_host_does_not_hold_up_its_neighbour(
    sink: WebhookSink, sender: WebhookSender
) -> None:
    async with webhook_sink() as stuck:
        stuck.reply = hang()
        waiting = [asyncio.create_task(post(sender, stuck.url, seconds=600)) for _ in range(50)]
        await stuck.received(50)

        got = await post(sender, sink.url)
        still_stuck = [each for each in waiting if not each.done()]
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    assert got.status == 200
    assert len(still_stuck) == 50
