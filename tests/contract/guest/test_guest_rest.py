"""History and configuration against HTTP peers on loopback that answer, refuse, stall or flood."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from service.adapters.genesys_http import MAX_ANSWER_BYTES, GenesysHttp
from service.adapters.guest_rest import MAX_PUBLIC_BYTES, HttpGuestRest
from service.adapters.system import SystemClock
from service.adapters.trust import trust
from service.domain.errors import HistoryUnavailableError, PlatformUnavailableError
from tests.contract.guest.http_peer import Asked, Reply, http_peer
from tests.contract.guest.links import hang_up, usual_trust
from tests.contract.guest.loopback import Authority, deployment_at, raw_server, websocket_server
from tests.support.patience import PATIENCE

HASTY = 0.5
"""Seconds for a peer that is never done; one that is has all the time that a busy machine needs."""
FOR_EVER = 600.0


@asynccontextmanager
async def guest_rest(
    ca_file: Path | None = None, *, seconds: float = PATIENCE
) -> AsyncIterator[HttpGuestRest]:
    http = GenesysHttp(
        clock=SystemClock(), tls=trust(ca_file) if ca_file else usual_trust(), whole_seconds=seconds
    )
    try:
        yield HttpGuestRest(http)
    finally:
        await http.close()


async def history_failure(
    endpoint: str, *, jwt: str = "J", seconds: float = PATIENCE
) -> HistoryUnavailableError:
    async with guest_rest(seconds=seconds) as rest:
        with pytest.raises(HistoryUnavailableError) as caught:
            await rest.history(deployment_at(endpoint), jwt=jwt, page=1, page_size=100)
    return caught.value


async def failure_after(reply: Reply) -> HistoryUnavailableError:
    seconds = HASTY if reply.stall_seconds else PATIENCE
    async with http_peer(lambda _: reply) as peer:
        return await history_failure(peer.endpoint, seconds=seconds)


async def test_a_page_of_history_is_asked_with_bearer_and_origin() -> None:
    page = '{"entities": ["ä"]}'
    async with http_peer(lambda _: Reply(body=page.encode())) as peer, guest_rest() as rest:
        deployment = deployment_at(peer.endpoint)
        text = await rest.history(deployment, jwt="a.b.c", page=3, page_size=100)

    asked = peer.asked[0]
    assert text == page
    assert asked.method == "GET"
    assert asked.target == "/api/v2/webmessaging/messages?pageSize=100&pageNumber=3"
    assert asked.headers["authorization"] == "bearer a.b.c"
    assert asked.headers["origin"] == "https://shop.example"
    assert asked.headers["user-agent"] == "guest-session-broker"


async def test_the_environment_adds_no_proxy_and_no_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hidden\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    async with http_peer(lambda _: Reply(body=b"{}")) as peer, guest_rest() as rest:
        await rest.configuration(deployment_at(peer.endpoint, origin=None))

    assert "authorization" not in peer.asked[0].headers
    assert "origin" not in peer.asked[0].headers


async def test_the_configuration_lies_under_the_deployment_id() -> None:
    async with http_peer(lambda _: Reply(body=b'{"status": ""}')) as peer, guest_rest() as rest:
        text = await rest.configuration(deployment_at(peer.endpoint, deployment_id="a/b"))

    assert text == '{"status": ""}'
    assert peer.asked[0].target == "/webdeployments/v1/deployments/a%2Fb/config.json"


async def test_an_unknown_deployment_has_no_configuration() -> None:
    async with http_peer(lambda _: Reply(status=403)) as peer, guest_rest() as rest:
        with pytest.raises(PlatformUnavailableError) as caught:
            await rest.configuration(deployment_at(peer.endpoint))

    assert caught.value.status == 403


async def test_a_configuration_nobody_serves_is_unavailable() -> None:
    async with guest_rest() as rest:
        with pytest.raises(PlatformUnavailableError) as caught:
            await rest.configuration(deployment_at("http://127.0.0.1:1"))

    assert caught.value.status is None


async def test_the_allowed_domains_lie_beside_it() -> None:
    async with http_peer(lambda _: Reply(body=b'{"a": 1}')) as peer, guest_rest() as rest:
        text = await rest.domains(deployment_at(peer.endpoint, deployment_id="d"))

    assert text == '{"a": 1}'
    assert peer.asked[0].target == "/webdeployments/v1/deployments/d/domains.json"


@pytest.mark.parametrize(
    ("endpoint", "failure"),
    [("http://no-such-host.invalid", "dns"), ("http://127.0.0.1:1", "refused")],
)
async def test_how_no_answer_came_is_told(endpoint: str, failure: str) -> None:
    async with guest_rest() as rest:
        with pytest.raises(PlatformUnavailableError) as caught:
            await rest.domains(deployment_at(endpoint))

    assert (caught.value.status, caught.value.failure) == (None, failure)


async def test_silence_is_told_as_such() -> None:
    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(FOR_EVER)
        await hang_up(reader, writer)

    async with raw_server(stall) as endpoint, guest_rest(seconds=HASTY) as rest:
        with pytest.raises(PlatformUnavailableError) as silent:
            await rest.configuration(deployment_at(endpoint))

    assert silent.value.failure == "timeout"


@pytest.mark.parametrize("status", [204, 302, 401, 404, 500, 503])
async def test_any_status_but_200_is_a_failure_with_it(status: int) -> None:
    failure = await failure_after(Reply(status=status, headers={"Location": "/elsewhere"}))

    assert failure.status == status


async def test_a_redirect_is_not_followed() -> None:
    async with http_peer(lambda _: Reply(status=302, headers={"Location": "/there"})) as peer:
        await history_failure(peer.endpoint)

    assert len(peer.asked) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("13", 13.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 2999 00:00:00 GMT", 86_400.0),
        ("99999999999", 86_400.0),
        ("-1", None),
        ("later", None),
        (f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT", None),
        (f"Mon, 01 Jan 2024 00:00:00 +{'9' * 20}", None),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0.0),
    ],
)
async def test_a_rate_limit_tells_how_long_to_wait(header: str, seconds: float | None) -> None:
    failure = await failure_after(Reply(status=429, headers={"Retry-After": header}))

    assert (failure.status, failure.retry_after_seconds) == (429, seconds)


async def test_an_answer_at_the_limit_is_read_and_one_above_is_not() -> None:
    largest = b"x" * MAX_ANSWER_BYTES
    async with http_peer(lambda _: Reply(body=largest)) as peer, guest_rest() as rest:
        deployment = deployment_at(peer.endpoint)
        text = await rest.history(deployment, jwt="J", page=1, page_size=100)

    failure = await failure_after(Reply(body=largest + b"x"))

    assert len(text) == MAX_ANSWER_BYTES
    assert failure.status is None


async def test_a_public_file_may_be_no_longer_than_what_is_parsed_in_a_moment() -> None:
    bodies = [b"x" * MAX_PUBLIC_BYTES] * 2 + [b"x" * (MAX_PUBLIC_BYTES + 1)] * 2
    async with http_peer(lambda _: Reply(body=bodies.pop(0))) as peer, guest_rest() as rest:
        deployment = deployment_at(peer.endpoint)
        read = [len(await rest.configuration(deployment)), len(await rest.domains(deployment))]
        for ask in (rest.configuration, rest.domains):
            with pytest.raises(PlatformUnavailableError) as caught:
                await ask(deployment)
            assert (caught.value.status, caught.value.failure) == (None, "other")

    assert read == [MAX_PUBLIC_BYTES] * 2


async def test_a_small_answer_that_unpacks_to_a_large_one_is_a_failure() -> None:
    bomb = gzip.compress(b"x" * (2 * MAX_ANSWER_BYTES))

    failure = await failure_after(Reply(body=bomb, headers={"Content-Encoding": "gzip"}))

    assert failure.status is None


async def test_a_packed_answer_that_was_not_asked_for_is_read() -> None:
    def packed(asked: Asked) -> Reply:
        assert asked.headers["accept-encoding"] == "identity"
        return Reply(body=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"})

    async with http_peer(packed) as peer, guest_rest() as rest:
        assert await rest.configuration(deployment_at(peer.endpoint)) == "{}"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(body=b"\xff"), id="no UTF-8"),
        pytest.param(Reply(body=b"{", headers={"Content-Length": "9"}), id="cut short"),
        pytest.param(Reply(body=b"{}", headers={"Content-Encoding": "gzip"}), id="not packed"),
        pytest.param(Reply(body=b"{}", stall_seconds=FOR_EVER), id="stalled"),
    ],
)
async def test_an_incomplete_answer_is_none(reply: Reply) -> None:
    failure = await failure_after(reply)

    assert failure.status is None


async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("peer", [drip, hang_up])
async def test_a_peer_that_never_finishes_is_given_up(
    peer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> None:
    async with raw_server(peer) as endpoint:
        failure = await asyncio.wait_for(history_failure(endpoint, seconds=HASTY), PATIENCE)

    assert failure.status is None


@pytest.mark.parametrize("jwt", ["with\r\nnewline: x", "nön-ascii"])
async def test_a_token_that_fits_no_header_is_a_failure_not_a_crash(jwt: str) -> None:
    async with http_peer(lambda _: Reply(body=b"{}")) as peer:
        failure = await history_failure(peer.endpoint, jwt=jwt)

    assert (failure.status, peer.asked) == (None, [])


async def test_only_the_given_authority_is_trusted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = authority.server_context("localhost")

    async def unused(_: object) -> None:
        return

    async with websocket_server(unused, host="localhost", ssl=tls) as endpoint:
        deployment = deployment_at(endpoint)
        statuses: list[int | None] = []
        for ca_file in (authority.ca_file, None):
            async with guest_rest(ca_file) as rest:
                with pytest.raises(PlatformUnavailableError) as caught:
                    await rest.configuration(deployment)
                statuses.append(caught.value.status)

    # 426: the WebSocket server was reached and wants an upgrade.
    assert statuses == [426, None]
    assert caught.value.failure == "tls"
