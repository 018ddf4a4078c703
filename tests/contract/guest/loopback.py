"""Peers on loopback: WebSocket servers that behave or do not, and authorities for their TLS."""

import asyncio
import base64
import datetime as dt
import hashlib
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.asyncio.server import Server, ServerConnection, serve

from service.domain.deployment import Deployment
from service.domain.ids import DeploymentName, TenantName

LOOPBACK: Final = "127.0.0.1"
_ACCEPT_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3

RawPeer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def deployment_at(endpoint: str, **changes: Any) -> Deployment:  # noqa: ANN401 - as many types as fields
    """Make a deployment that lives at this endpoint."""
    given: dict[str, Any] = {"deployment_id": "dep-1", "origin": "https://shop.example"} | changes
    return Deployment(
        tenant=TenantName("default"), name=DeploymentName("test"), endpoint=endpoint, **given
    )


@asynccontextmanager
async def websocket_server(
    handler: Callable[[ServerConnection], Awaitable[None]],
    *,
    host: str = LOOPBACK,
    **options: Any,  # noqa: ANN401 - handed on to websockets
) -> AsyncIterator[str]:
    """Serve WebSockets; gives the endpoint, with `host` as its name."""
    server: Server
    async with serve(handler, LOOPBACK, 0, close_timeout=0.2, **options) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"{'https' if options.get('ssl') else 'http'}://{host}:{port}"


@asynccontextmanager
async def raw_server(
    peer: RawPeer, *, host: str = LOOPBACK, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Serve TCP with whatever `peer` does, as `host`; its connections are cut at the end."""
    writers: list[asyncio.StreamWriter] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await peer(reader, writer)

    server = await asyncio.start_server(meet, LOOPBACK, 0, ssl=tls)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"{'https' if tls else 'http'}://{host}:{port}"
    finally:
        server.close()
        for writer in writers:
            if not writer.is_closing():
                writer.transport.abort()
        await server.wait_closed()


async def upgrade_then_ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the upgrade and then neither read nor write: a half-open peer."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    key = next(
        line.split(": ")[1] for line in lines if line.lower().startswith("sec-websocket-key")
    )
    accept = base64.b64encode(hashlib.sha1(key.encode() + _ACCEPT_GUID).digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport has it


class Authority:
    """A certificate authority of its own, made for one test run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
        self._certificate = self._sign(
            self._name, self._key, x509.BasicConstraints(ca=True, path_length=0)
        )
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def server_context(self, *hosts: str) -> ssl.SSLContext:
        """Make a server's context with a certificate for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        certificate = self._sign(x509.Name([]), key, names)
        file = self._folder / "server.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _sign(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(extension, critical=True)
            .sign(self._key, hashes.SHA256())
        )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
