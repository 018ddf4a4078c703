"""Opening links to peers on loopback that accept, refuse, redirect, lie or are not there."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from service.domain.errors import ConfigurationError, LinkDeniedError, LinkLostError
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
    Authority,
    deployment_at,
    raw_server,
    websocket_server,
)


async def test_the_upgrade_says_what_it_should_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    seen: list[Request] = []

    async def note(peer: ServerConnection) -> None:
        assert peer.request is not None
        seen.append(peer.request)

    async with websocket_server(note) as endpoint:
        link = await sockets().open(deployment_at(endpoint, deployment_id="a b&c"))
        await loss_of(link)

    headers = seen[0].headers
    assert seen[0].path == "/v1?deploymentId=a%20b%26c"
    assert headers["Origin"] == "https://shop.example"
    assert headers["User-Agent"] == "guest-session-broker"
    assert "Sec-WebSocket-Extensions" not in headers


async def test_without_an_origin_none_is_sent() -> None:
    seen: list[Request] = []

    async def note(peer: ServerConnection) -> None:
        assert peer.request is not None
        seen.append(peer.request)

    async with websocket_server(note) as endpoint:
        link = await sockets().open(deployment_at(endpoint, origin=None))
        await loss_of(link)

    assert "Origin" not in seen[0].headers


@pytest.mark.parametrize(
    ("status", "retry_after", "wait"),
    [
        *((403, None, None), (429, "7", 7.0), (503, None, None), (500, "soon", None)),
        (503, f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT", None),
    ],
)
async def test_a_refused_upgrade_tells_status_and_wait(
    status: int, retry_after: str | None, wait: float | None
) -> None:
    def refuse(peer: ServerConnection, _: Request) -> Response:
        answer = peer.respond(HTTPStatus(status), "no")
        if retry_after is not None:
            answer.headers["Retry-After"] = retry_after
        return answer

    async with websocket_server(stay, process_request=refuse) as endpoint:
        with pytest.raises(LinkDeniedError) as caught:
            await sockets().open(deployment_at(endpoint))

    assert (caught.value.status, caught.value.retry_after_seconds) == (status, wait)


async def test_a_redirect_is_not_followed() -> None:
    reached: list[ServerConnection] = []

    async def elsewhere(peer: ServerConnection) -> None:
        reached.append(peer)

    def redirect(peer: ServerConnection, _: Request) -> Response:
        answer = peer.respond(HTTPStatus.FOUND, "there")
        answer.headers["Location"] = other.replace("http", "ws")
        return answer

    async with (
        websocket_server(elsewhere) as other,
        websocket_server(stay, process_request=redirect) as endpoint,
    ):
        with pytest.raises(LinkDeniedError) as caught:
            await sockets().open(deployment_at(endpoint))

    assert (caught.value.status, reached) == (302, [])


async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
    writer.close()


@pytest.mark.parametrize(
    ("peer", "reason"), [(hang_up, "reset"), (babble, "handshake"), (say_nothing, "timeout")]
)
async def test_an_upgrade_without_answer_is_a_lost_link(
    peer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], reason: str
) -> None:
    deadlines = PATIENT._replace(open=0.3) if reason == "timeout" else PATIENT
    async with raw_server(peer) as endpoint:
        with pytest.raises(LinkLostError) as caught:
            await sockets(deadlines=deadlines).open(deployment_at(endpoint))

    assert (caught.value.code, caught.value.reason) == (1006, reason)


async def test_a_closed_port_is_a_lost_link() -> None:
    endpoint = await closed_endpoint()

    with pytest.raises(LinkLostError) as caught:
        await sockets().open(deployment_at(endpoint))

    assert (caught.value.code, caught.value.reason) == (1006, "refused")


async def test_a_closed_port_at_several_addresses_is_refused_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endpoint = (await closed_endpoint()).replace("127.0.0.1", "two.example")
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, int(port)))
        for port in [endpoint.rpartition(":")[2]]
        for address in ("127.0.0.1", "127.0.0.2")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    with pytest.raises(LinkLostError) as caught:
        await sockets().open(deployment_at(endpoint))

    assert caught.value.reason == "refused"


@pytest.mark.parametrize(
    ("endpoint", "reason"), [("http://no..name", "dns"), ("http://", "address")]
)
async def test_an_address_that_is_none_is_a_lost_link(endpoint: str, reason: str) -> None:
    with pytest.raises(LinkLostError) as caught:
        await sockets().open(deployment_at(endpoint))

    assert (caught.value.code, caught.value.reason) == (1006, reason)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 20.5, float("nan"), float("inf")])
async def test_a_heartbeat_that_finds_a_dead_link_too_late_is_refused(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="heartbeatSeconds"):
        await sockets().open(deployment_at("http://127.0.0.1:9", heartbeat_seconds=seconds))


@pytest.fixture(name="authority")
def _authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def test_tls_holds_with_the_given_authority(authority: Authority) -> None:
    tls = authority.server_context("localhost")
    async with websocket_server(echo, host="localhost", ssl=tls) as endpoint:
        link = await sockets(ca_file=authority.ca_file).open(deployment_at(endpoint))
        await link.send("private")
        answer = await link.receive()
        await link.close()

    assert answer == "private"


async def test_tls_of_an_unknown_authority_is_refused(authority: Authority) -> None:
    tls = authority.server_context("localhost")
    async with websocket_server(echo, host="localhost", ssl=tls) as endpoint:
        with pytest.raises(LinkLostError) as caught:
            await sockets().open(deployment_at(endpoint))

    assert (caught.value.code, caught.value.reason) == (1006, "tls")


async def test_tls_for_another_host_is_refused(authority: Authority) -> None:
    tls = authority.server_context("elsewhere.example")
    async with websocket_server(echo, host="localhost", ssl=tls) as endpoint:
        with pytest.raises(LinkLostError) as caught:
            await sockets(ca_file=authority.ca_file).open(deployment_at(endpoint))

    assert caught.value.reason == "tls"
