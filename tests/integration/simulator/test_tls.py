"""The simulator behind a certificate, resets included."""

import datetime as dt
import ssl
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from service.simulator.server import Certificate, SimulatorServer
from tests.integration.simulator.line import D


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    local = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    chain = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(local, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = Certificate(chain=tmp_path / "chain.pem", key=tmp_path / "key.pem")
    files.chain.write_bytes(chain.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


async def test_a_secure_socket_works_and_can_be_reset(certificate: Certificate) -> None:
    trust = ssl.create_default_context(cafile=str(certificate.chain))
    async with SimulatorServer(certificate=certificate) as sim:
        assert sim.ws_url.startswith("wss://")
        async with connect(f"{sim.ws_url}?deploymentId={D}", ssl=trust) as socket:
            await (await socket.ping())
            sim.control.drop()
            with pytest.raises(ConnectionClosedError) as lost:
                await socket.recv()

    assert lost.value.rcvd is None
