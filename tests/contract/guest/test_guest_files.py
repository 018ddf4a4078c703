"""Bytes of files, against HTTP peers on loopback that take, refuse, redirect, stall or flood."""

import time
from asyncio import gather
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from service.adapters.guest_files import AT_ONCE, HttpGuestFiles
from service.adapters.system import SystemClock
from service.adapters.trust import trust
from service.domain.attachment import Upload
from service.domain.errors import FileTransferError
from tests.contract.guest.http_peer import Asked, Reply, http_peer
from tests.contract.guest.links import hang_up
from tests.contract.guest.loopback import deployment_at, raw_server

BYTES = bytes(range(256))
TAGS = {"x-amz-tagging": "organizationId=O&originPlatform=PureCloud"}


@asynccontextmanager
async def guest_files() -> AsyncIterator[HttpGuestFiles]:
    files = HttpGuestFiles(clock=SystemClock(), tls=trust(None), whole_seconds=0.5)
    try:
        yield files
    finally:
        await files.close()


def _upload(endpoint: str) -> Upload:
    return Upload(url=f"{endpoint}/up?sig=a", headers=TAGS, expires_at=0.0)


async def _put(endpoint: str) -> None:
    async with guest_files() as files:
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
    async with http_peer(lambda _: Reply(body=b"x", stall_seconds=2)) as peer:
        with pytest.raises(FileTransferError):
            await _put(peer.endpoint)


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
        shop = replace(deployment_at(peer.endpoint), endpoint=None, domain="example.com")
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
    slow = Reply(body=b"x", stall_seconds=2)
    async with http_peer(lambda _: slow) as peer, guest_files() as files:

        async def put() -> None:
            upload = _upload(peer.endpoint)
            await files.put(deployment_at(peer.endpoint), upload, file_type="a/b", body=b"")

        started = time.monotonic()
        ends = await gather(*(put() for _ in range(5 * AT_ONCE)), return_exceptions=True)
        assert all(isinstance(end, FileTransferError) for end in ends)
        assert time.monotonic() - started < 1.6
        # No turn was lost with those who gave up.
        before = len(peer.asked)
        with pytest.raises(FileTransferError):
            await put()
        assert len(peer.asked) == before + 1
