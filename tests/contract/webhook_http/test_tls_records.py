"""Records that are no records, or come when nobody expects any: TLS itself goes wrong."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.contract.webhook_http.peers import Peer, peer_at
from tests.contract.webhook_http.test_tls import post, server_context

HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"
OK: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
PROXY: Final = b"HTTP/1.1 502 said by a proxy\r\n\r\n"
"""Plain text where a record should be."""


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
