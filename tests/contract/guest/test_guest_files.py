"""Bytes of files, against HTTP peers on loopback that take, refuse, redirect, stall or flood."""

import time
from asyncio import gather
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from service.adapters.guest_files import AT_ONCE, HttpGuestFiles
from service.adapters.system import SystemClock
from service.adapters.trust import trust
from service.domain.attachment import Upload
from service.domain.deployment import Deployment
from service.domain.errors import FileTransferError
from service.domain.region import Regions
from tests.contract.guest.http_peer import Asked, Reply, http_peer
from tests.contract.guest.links import hang_up, usual_trust
from tests.contract.guest.loopback import Authority, deployment_at, raw_server
from tests.support.patience import PATIENCE, eventually

BYTES = bytes(range(256))
TAGS = {"x-amz-tagging": "organizationId=O&originPlatform=PureCloud"}


STORE = "files.test"
"""A name that a resolver of the test knows."""
PRIVATE = (ip_network("127.0.0.0/8"),)


@asynccontextmanager
async def guest_files(
    *,
    ca_file: Path | None = None,
    **given: Any,  # noqa: ANN401 - as many types as there are
) -> AsyncIterator[HttpGuestFiles]:
    files = HttpGuestFiles(
        clock=SystemClock(),
        tls=trust(ca_file) if ca_file else usual_trust(),
        **{"whole_seconds": PATIENCE, **given},
    )
    try:
        yield files
    finally:
        await files.close()


def _upload(endpoint: str) -> Upload:
    return Upload(url=f"{endpoint}/up?sig=a", headers=TAGS, expires_at=0.0)


async def _put(endpoint: str, *, seconds: float = PATIENCE) -> None:
    async with guest_files(whole_seconds=seconds) as files:
        await files.put(
            deployment_at(endpoint), _upload(endpoint), file_type="image/jpeg", body=BYTES
        )


async def _copy(endpoint: str, *, source: str = "/down", size: int = len(BYTES)) -> None:
    async with guest_files() as files:
        await files.copy(
            deployment_at(endpoint),
            endpoint + source,
            _upload(endpoint),
            file_type="image/jpeg",
            size=size,
        )


async def test_every_header_of_the_signature_goes_along_and_no_credentials() -> None:
    async with http_peer(lambda _: Reply()) as peer:
        await _put(peer.endpoint)

    [asked] = peer.asked
    assert (asked.method, asked.target, asked.body) == ("PUT", "/up?sig=a", BYTES)
    assert asked.headers["x-amz-tagging"] == TAGS["x-amz-tagging"]
    assert asked.headers["content-type"] == "image/jpeg"
    assert not {"authorization", "cookie", "origin"} & set(asked.headers)


@pytest.mark.parametrize("status", [204, 200])
async def test_any_2xx_is_an_upload(status: int) -> None:
    async with http_peer(lambda _: Reply(status=status)) as peer:
        await _put(peer.endpoint)


@pytest.mark.parametrize("status", [302, 403, 500])
async def test_no_other_answer_is(status: int) -> None:
    reply = Reply(status=status, headers={"Location": "http://127.0.0.1:1/"})
    async with http_peer(lambda _: reply) as peer:
        with pytest.raises(FileTransferError) as refused:
            await _put(peer.endpoint)

    assert refused.value.status == status


async def test_a_peer_that_hangs_up_or_stalls_is_told() -> None:
    async with raw_server(hang_up) as endpoint:
        with pytest.raises(FileTransferError):
            await _put(endpoint)
        with pytest.raises(FileTransferError):
            await _copy(endpoint)
    async with http_peer(lambda _: Reply(body=b"x", stall_seconds=600)) as peer:
        with pytest.raises(FileTransferError):
            await _put(peer.endpoint, seconds=0.5)


async def test_a_file_is_copied_through_the_redirects_of_a_cdn() -> None:
    def answer(asked: Asked) -> Reply:
        if asked.target == "/down":
            return Reply(status=302, headers={"Location": "/cdn"})
        return Reply(body=BYTES if asked.method == "GET" else b"")

    async with http_peer(answer) as peer:
        await _copy(peer.endpoint)

    assert [asked.target for asked in peer.asked] == ["/down", "/cdn", "/up?sig=a"]
    assert peer.asked[-1].body == BYTES


async def test_redirects_end() -> None:
    async with http_peer(lambda _: Reply(status=302, headers={"Location": "/down"})) as peer:
        with pytest.raises(FileTransferError):
            await _copy(peer.endpoint)

    assert len(peer.asked) == 4


@pytest.mark.parametrize("size", [255, 257, 1])
async def test_a_file_of_another_size_is_not_uploaded(size: int) -> None:
    async with http_peer(lambda _: Reply(body=BYTES)) as peer:
        with pytest.raises(FileTransferError):
            await _copy(peer.endpoint, size=size)

    assert [asked.method for asked in peer.asked] == ["GET"]


async def test_an_address_that_is_dead_is_told() -> None:
    async with http_peer(lambda _: Reply(status=404)) as peer:
        with pytest.raises(FileTransferError) as gone:
            await _copy(peer.endpoint)

    assert gone.value.status == 404


async def test_no_address_without_tls_unless_the_deployment_is_without() -> None:
    async with http_peer(lambda _: Reply(body=BYTES)) as peer, guest_files() as files:
        shop = replace(deployment_at(peer.endpoint), endpoint=None, domain="mypurecloud.de")
        with pytest.raises(FileTransferError):
            await files.put(shop, _upload(peer.endpoint), file_type="a/b", body=b"")
        with pytest.raises(FileTransferError):
            await files.copy(
                shop, f"{peer.endpoint}/d", _upload(peer.endpoint), file_type="a/b", size=1
            )

    assert peer.asked == []


@pytest.mark.parametrize("where", ["https://[::1", "http://[x]/", "https://a.test:port/"])
async def test_a_redirect_to_no_address_is_told(where: str) -> None:
    async with http_peer(lambda _: Reply(status=302, headers={"Location": where})) as peer:
        with pytest.raises(FileTransferError):
            await _copy(peer.endpoint)


async def test_who_waits_for_a_turn_waits_no_longer_than_for_a_transfer() -> None:
    """One after the other they would take five times as long."""
    slow = Reply(body=b"x", stall_seconds=600)
    async with http_peer(lambda _: slow) as peer, guest_files(whole_seconds=0.5) as files:

        async def put() -> None:
            upload = _upload(peer.endpoint)
            await files.put(deployment_at(peer.endpoint), upload, file_type="a/b", body=b"")

        async def all_end_together() -> bool:
            started = time.monotonic()
            ends = await gather(*(put() for _ in range(5 * AT_ONCE)), return_exceptions=True)
            assert all(isinstance(end, FileTransferError) for end in ends)
            return time.monotonic() - started < 1.6

        await eventually(all_end_together)
        # No turn was lost with those who gave up.
        before = len(peer.asked)
        with pytest.raises(FileTransferError):
            await put()
        assert len(peer.asked) == before + 1


def _shop() -> Deployment:
    return replace(deployment_at("http://x"), endpoint=None, domain="mypurecloud.de")


class Names:
    """A name server that gives these addresses to every name."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    async def __call__(self, host: str, _: int) -> Sequence[str]:
        self.asked.append(host)
        return self.addresses


async def test_an_address_of_genesys_goes_to_the_judged_one_with_its_name(tmp_path: Path) -> None:
    authority, names = Authority(tmp_path), Names("127.0.0.1")
    tls, given = authority.server_context(STORE), {"resolver": names, "allowed_networks": PRIVATE}
    async with (
        http_peer(lambda _: Reply(body=BYTES), host=STORE, tls=tls) as peer,
        guest_files(ca_file=authority.ca_file, **given) as files,
    ):
        await files.copy(
            _shop(),
            f"{peer.endpoint}/d%2Fe?a=%20b",
            _upload(peer.endpoint),
            file_type="a/b",
            size=256,
        )

    assert [asked.target for asked in peer.asked] == ["/d%2Fe?a=%20b", "/up?sig=a"]
    assert {asked.headers["host"] for asked in peer.asked} == {
        peer.endpoint.removeprefix("https://")
    }
    assert names.asked == [STORE, STORE]


async def test_a_dead_address_gives_way_to_the_next(tmp_path: Path) -> None:
    authority, names = Authority(tmp_path), Names("127.0.1.9", "127.0.0.1")
    tls, given = authority.server_context(STORE), {"resolver": names, "allowed_networks": PRIVATE}
    async with (
        http_peer(lambda _: Reply(), host=STORE, tls=tls) as peer,
        guest_files(ca_file=authority.ca_file, **given) as files,
    ):
        await files.put(_shop(), _upload(peer.endpoint), file_type="a/b", body=BYTES)

    assert [asked.body for asked in peer.asked] == [BYTES]


@pytest.mark.parametrize(
    "addresses",
    [("127.0.0.1",), ("169.254.169.254",), ("10.1.2.3",), ("93.184.216.34", "127.0.0.1"), ()],
)
async def test_a_name_that_leads_inside_is_asked_nothing(
    addresses: Sequence[str], tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    tls, given = authority.server_context(STORE), {"resolver": Names(*addresses)}
    async with (
        http_peer(lambda _: Reply(body=BYTES), host=STORE, tls=tls) as peer,
        guest_files(ca_file=authority.ca_file, **given) as files,
    ):
        with pytest.raises(FileTransferError):
            await files.put(_shop(), _upload(peer.endpoint), file_type="a/b", body=b"x")
        with pytest.raises(FileTransferError):
            await files.copy(
                _shop(), f"{peer.endpoint}/d", _upload(peer.endpoint), file_type="a/b", size=256
            )

    assert peer.asked == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0x7f000001", "169.254.169.254"]
)
async def test_an_address_that_is_private_is_asked_nothing(host: str) -> None:
    names = Names("127.0.0.1")
    async with guest_files(resolver=names) as files:
        with pytest.raises(FileTransferError):
            await files.put(_shop(), _upload(f"https://{host}"), file_type="a/b", body=b"x")

    assert names.asked == []


async def test_no_redirect_leads_from_an_endpoint_to_its_neighbours() -> None:
    async with http_peer(lambda _: Reply(body=BYTES)) as inside:
        led = Reply(status=302, headers={"Location": f"{inside.endpoint}/secret"})
        async with http_peer(lambda _: led) as peer:
            with pytest.raises(FileTransferError):
                await _copy(peer.endpoint)

    assert len(peer.asked) == 1
    assert inside.asked == []


async def test_no_file_goes_without_tls_into_a_network_that_webhooks_may_reach() -> None:
    async with (
        http_peer(lambda _: Reply()) as peer,
        guest_files(allowed_networks=PRIVATE) as files,
    ):
        with pytest.raises(FileTransferError):
            await files.put(_shop(), _upload(peer.endpoint), file_type="a/b", body=b"x")

    assert peer.asked == []


async def test_no_file_moves_for_a_domain_that_is_not_allowed(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    given = {"resolver": Names("127.0.0.1"), "allowed_networks": PRIVATE}
    shop = replace(_shop(), domain="example.com")
    async with http_peer(
        lambda _: Reply(), host=STORE, tls=authority.server_context(STORE)
    ) as peer:
        async with guest_files(ca_file=authority.ca_file, **given) as files:
            with pytest.raises(FileTransferError):
                await files.put(shop, _upload(peer.endpoint), file_type="a/b", body=b"x")
        assert peer.asked == []
        regions = Regions(more=("example.com",))
        async with guest_files(ca_file=authority.ca_file, regions=regions, **given) as files:
            await files.put(shop, _upload(peer.endpoint), file_type="a/b", body=b"x")
        assert len(peer.asked) == 1


async def test_a_header_of_the_signature_makes_no_other_request_of_it() -> None:
    headers = {"host": "other", "Content-Length": "1", "Transfer-Encoding": "chunked", "x-a": "b"}
    async with http_peer(lambda _: Reply()) as peer, guest_files() as files:
        upload = Upload(url=f"{peer.endpoint}/up", headers=headers, expires_at=0.0)
        await files.put(deployment_at(peer.endpoint), upload, file_type="a/b", body=BYTES)
        broken = replace(upload, headers={"x-a": "ö"})
        with pytest.raises(FileTransferError):
            await files.put(deployment_at(peer.endpoint), broken, file_type="a/b", body=BYTES)

    [asked] = peer.asked
    assert asked.headers["host"] == peer.endpoint.removeprefix("http://")
    assert (asked.headers["content-length"], asked.headers["x-a"]) == ("256", "b")
    assert "transfer-encoding" not in asked.headers
    assert asked.body == BYTES
