"""Records that are no records, or come when nobody expects any: TLS itself goes wrong."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

import pytest

from tests.contract.webhook_http.peers import Peer, peer_at
from tests.contract.webhook_http.posting import patient_sender
from tests.contract.webhook_http.test_tls import loopback, post, server_context
from tests.support.patience import PATIENCE

HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"
OK: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
PROXY: Final = b"HTTP/1.1 502 said by a proxy\r\n\r\n"
"""Plain text where a record should be."""
READ_BY_TLS: Final = 65536
"""Bytes that TLS takes from the queue at once."""
LARGE_ONES: Final = 12
"""Answers after which the kernel takes more than that at once."""


@dataclass(slots=True, kw_only=True)
class Secured:
    """A server's side of TLS whose records can be spoiled before they leave."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    tls: ssl.SSLObject
    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO

    async def handshake(self) -> None:
        """Raises SSLError, after the alert left."""
        try:
            while True:
                try:
                    self.tls.do_handshake()
                except ssl.SSLWantReadError:
                    await self._more()
                else:
                    return
        finally:
            self.writer.write(self.outgoing.read())
            await self.writer.drain()

    async def request(self) -> bytes:
        """Whatever was sent up to a closing brace."""
        got = b""
        while not got.endswith(b"}"):
            try:
                got += self.tls.read(65536)
            except ssl.SSLWantReadError:
                await self._more()
        return got

    def record(self, text: bytes) -> bytes:
        """What that text is on the wire."""
        self.tls.write(text)
        return self.outgoing.read()

    async def _more(self) -> None:
        self.writer.write(self.outgoing.read())
        came = await self.reader.read(65536)
        if not came:
            raise ConnectionResetError
        self.incoming.write(came)


def secured_peer(context: ssl.SSLContext, serve: Callable[[Secured], Awaitable[None]]) -> Peer:
    """A peer that does TLS by hand; who leaves, or is sent away, is no failure of it."""

    async def each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        secured = Secured(
            reader=reader, writer=writer, tls=tls, incoming=incoming, outgoing=outgoing
        )
        with suppress(ConnectionError, ssl.SSLError):
            await secured.handshake()
            await serve(secured)

    return each


def spoiled(record: bytes) -> bytes:
    """The same record with one bit of its secret part turned over."""
    return record[:20] + bytes([record[20] ^ 1]) + record[21:]


def in_records(size: int) -> list[bytes]:
    """A whole answer, in parts that are as long on the wire: TLS 1.3 adds 22 bytes to each."""
    lengths = [16384, 16384, 16384, 8000]
    lengths.append(size - 22 * 5 - sum(lengths))
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %05d\r\n\r\n"
    body = b"a" * (sum(lengths) - len(head % 0))
    whole = memoryview(head % len(body) + body)
    ends = list(accumulate(lengths))
    return [bytes(whole[end - length : end]) for end, length in zip(ends, lengths, strict=True)]


@pytest.mark.parametrize("plain", [True, False], ids=["no record", "a spoiled record"])
@pytest.mark.parametrize(
    ("first", "status", "error"),
    [
        (HEAD + b"a part", 200, None),
        (OK, 200, None),
        (HEAD.replace(b"200", b"503"), 503, None),
        (b"HTTP/1.1 200 O", None, "tls"),
    ],
    ids=["in the body", "after the answer", "in the body of a failure", "in the head"],
)
async def test_tls_that_breaks_takes_no_complete_head_back(
    tmp_path: Path,
    first: bytes,
    status: int | None,
    error: str | None,
    plain: bool,  # noqa: FBT001 - a parameter of the story
) -> None:
    async def breaks(peer: Secured) -> None:
        await peer.request()
        whole = peer.record(first)
        peer.writer.write(whole + (PROXY if plain else spoiled(peer.record(b"x" * 50))))
        await peer.writer.drain()
        await peer.reader.read()

    context = server_context(tmp_path, "hooks.example")
    async with peer_at(secured_peer(context, breaks)) as port:
        got = await post(port, trust=tmp_path / "cert.pem")

    assert (got.status, got.error) == (status, error)


@pytest.mark.parametrize("ahead", ["nothing", "a record", "part of a record"])
async def test_a_record_sent_ahead_in_the_same_breath_is_not_the_next_answer(
    tmp_path: Path, ahead: str
) -> None:
    """TLS asks the socket for 64 KiB at a time; what came beyond waits in a queue."""
    connections: list[int] = []

    async def hasty(peer: Secured) -> None:
        connections.append(0)
        while True:
            await peer.request()
            connections[-1] += 1
            if len(connections) > 1 or connections[-1] > LARGE_ONES:
                peer.writer.write(peer.record(OK.replace(b"200", b"503")))
                continue
            if connections[-1] < LARGE_ONES:
                peer.writer.write(b"".join(map(peer.record, in_records(READ_BY_TLS - 1500))))
                continue
            wire = b"".join(map(peer.record, in_records(READ_BY_TLS)))
            assert len(wire) == READ_BY_TLS
            late = b"" if ahead == "nothing" else peer.record(OK.replace(b"200", b"299"))
            peer.writer.write(wire + (late if ahead == "a record" else late[:9]))

    context = server_context(tmp_path, "hooks.example")
    async with peer_at(secured_peer(context, hasty)) as port:
        sender = patient_sender(
            tls=ssl.create_default_context(cafile=str(tmp_path / "cert.pem")), resolver=loopback
        )
        url = f"https://hooks.example:{port}/x"
        got = [
            (await sender.post(url, headers={}, body=b"{}", timeout_seconds=PATIENCE)).status
            for _ in range(LARGE_ONES + 1)
        ]
        await sender.close()

    assert got == [200] * LARGE_ONES + [503]
    assert connections == ([LARGE_ONES + 1] if ahead == "nothing" else [LARGE_ONES, 1])


async def test_who_wants_a_certificate_of_ours_after_the_handshake_is_a_tls_failure(
    tmp_path: Path,
) -> None:
    """With TLS 1.3 the alert comes when our handshake is over, instead of an answer."""

    async def never(peer: Secured) -> None:
        await peer.request()

    context = server_context(tmp_path, "hooks.example")
    context.load_verify_locations(tmp_path / "cert.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    async with peer_at(secured_peer(context, never)) as port:
        got = await post(port, trust=tmp_path / "cert.pem")

    assert (got.status, got.error) == (None, "tls")
    assert got.phases.tls is not None
