"""TLS: the certificate must be for the name, although the connection goes to an address."""

import asyncio
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.ports import WebhookAnswer
from tests.contract.webhook_http.peers import peer_at, tear_down
from tests.contract.webhook_http.posting import patient_sender
from tests.support.certificates import certificates
from tests.support.patience import PATIENCE
from tests.support.webhook_sink import answer, raw, reset, webhook_sink


def server_context(
    folder: Path, name: str, *, since: int = -30, days: int = 1, alternative: bool = True
) -> ssl.SSLContext:
    """A server with a self-signed certificate for that name, valid from and to these days."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    names = [name] if alternative else ["another.example"]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=since))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "cert.pem").write_bytes(pem)
    (folder / "both.pem").write_bytes(secret + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context


async def loopback(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def post(
    port: int,
    *,
    trust: Path | None,
    host: str = "hooks.example",
    connect_seconds: float = PATIENCE,
    timeout_seconds: float = PATIENCE,
) -> WebhookAnswer:
    sender = patient_sender(
        tls=None if trust is None else ssl.create_default_context(cafile=str(trust)),
        resolver=loopback,
        connect_seconds=connect_seconds,
    )
    got = await sender.post(
        f"https://{host}:{port}/x", headers={}, body=b"{}", timeout_seconds=timeout_seconds
    )
    await sender.close()
    return got


async def test_a_certificate_for_the_name_is_good_on_a_pinned_address(tmp_path: Path) -> None:
    context = server_context(tmp_path, "hooks.example")
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    async with webhook_sink(tls=context) as sink:
        got = await post(sink.port, trust=tmp_path / "cert.pem")

    assert (got.status, got.error) == (200, None)
    assert asked == ["hooks.example"]
    assert sink.requests[0].headers["host"] == f"hooks.example:{sink.port}"


async def test_only_over_tls_somebodys_clock_is_told(tmp_path: Path) -> None:
    date = "Sun, 17 Mar 2030 17:46:40 GMT"
    context = server_context(tmp_path, "hooks.example")
    async with webhook_sink(tls=context) as sink, webhook_sink() as plain:
        sink.reply = plain.reply = answer(200, headers={"date": date})
        secured = await post(sink.port, trust=tmp_path / "cert.pem")
        sender = patient_sender()
        unsecured = await sender.post(plain.url, headers={}, body=b"{}", timeout_seconds=PATIENCE)
        await sender.close()

    assert (secured.status, secured.date) == (200, date)
    assert (unsecured.status, unsecured.date) == (200, None)


async def test_a_kept_connection_of_one_name_is_not_lent_to_another(tmp_path: Path) -> None:
    """Both names have the same address: the certificate was checked for one of them only."""
    context = server_context(tmp_path, "hooks.example")
    async with webhook_sink(tls=context) as sink:
        sender = patient_sender(
            tls=ssl.create_default_context(cafile=str(tmp_path / "cert.pem")), resolver=loopback
        )
        first, second = [
            await sender.post(
                f"https://{host}:{sink.port}/x", headers={}, body=b"{}", timeout_seconds=PATIENCE
            )
            for host in ("hooks.example", "other.example")
        ]
        await sender.close()

    assert (first.status, second.error) == (200, "tls")


@pytest.mark.parametrize(
    "case",
    ["unknown authority", "another name", "the name only as subject", "expired", "not yet valid"],
)
async def test_a_certificate_that_does_not_hold_is_a_failure(tmp_path: Path, case: str) -> None:
    context = server_context(
        tmp_path,
        "other.example" if case == "another name" else "hooks.example",
        since=1 if case == "not yet valid" else -30,
        days={"expired": -1, "not yet valid": 30}.get(case, 1),
        alternative=case != "the name only as subject",
    )
    trust = None if case == "unknown authority" else tmp_path / "cert.pem"
    async with webhook_sink(tls=context) as sink:
        got = await post(sink.port, trust=trust)

        assert (got.status, got.error) == (None, "tls")
        assert sink.requests == []


async def test_old_tls_is_refused(tmp_path: Path) -> None:
    context = server_context(tmp_path, "hooks.example")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with webhook_sink(tls=context) as sink:
        got = await post(sink.port, trust=tmp_path / "cert.pem")

    assert (got.status, got.error) == (None, "tls")


@pytest.mark.parametrize(
    "greeting",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28", b"junk" * 100],
    ids=["plain HTTP", "a fatal alert", "junk"],
)
async def test_what_is_no_handshake_is_a_tls_failure(greeting: bytes) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(greeting)

    async with peer_at(greet) as port:
        got = await post(port, trust=None)

    assert (got.status, got.error) == (None, "tls")


async def test_a_missing_intermediate_is_a_failure(tmp_path: Path) -> None:
    root = trustme.CA()
    leaf = root.create_child_ca().issue_cert("hooks.example")
    root.cert_pem.write_to_path(str(tmp_path / "root.pem"))
    got = {}
    for case, chain in (("whole", leaf.cert_chain_pems), ("leaf only", leaf.cert_chain_pems[:1])):
        file = tmp_path / f"{case}.pem"
        file.write_bytes(leaf.private_key_pem.bytes() + b"".join(blob.bytes() for blob in chain))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        async with webhook_sink(tls=context) as sink:
            got[case] = await post(sink.port, trust=tmp_path / "root.pem")

    assert got["whole"].status == 200
    assert (got["leaf only"].status, got["leaf only"].error) == (None, "tls")


async def test_an_address_needs_a_certificate_for_the_address_and_names_nobody(
    tmp_path: Path,
) -> None:
    files = certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    async with webhook_sink(tls=context) as sink:
        good = await post(sink.port, trust=files.authority, host="127.0.0.1")
        bad = await post(sink.port, trust=files.authority, host="127.0.0.2")

    assert (good.status, bad.status) == (200, None)
    assert asked[0] is None  # RFC 6066, 3: a literal address is no name


async def test_a_handshake_that_stalls_ends_at_the_connect_limit() -> None:
    done = asyncio.Event()

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        await done.wait()

    async with peer_at(stall) as port:
        got = await post(port, trust=None, connect_seconds=0.5, timeout_seconds=2 * PATIENCE)
        done.set()

    assert (got.status, got.error) == (None, "timeout")
    assert 0.5 <= got.seconds < PATIENCE
    assert got.phases.tls is not None
    assert got.phases.first_byte is None


async def test_plain_http_to_a_tls_port_is_a_failure_with_a_class(tmp_path: Path) -> None:
    context = server_context(tmp_path, "hooks.example")
    async with webhook_sink(tls=context) as sink:
        sender = patient_sender()
        got = await sender.post(
            f"http://127.0.0.1:{sink.port}/x", headers={}, body=b"{}", timeout_seconds=PATIENCE
        )
        await sender.close()

    # asyncio's server hangs up; one that sends its alert instead is a protocol failure.
    assert (got.status, got.error) == (None, "reset")


async def test_what_comes_after_an_answer_in_a_record_of_its_own_is_not_the_next_answer(
    tmp_path: Path,
) -> None:
    """Each write is a record: the parser saw only the first when the answer was complete."""

    async def twice(writer: asyncio.StreamWriter) -> bool:
        for _ in range(2):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        return True

    context = server_context(tmp_path, "hooks.example")
    async with webhook_sink(tls=context) as sink:
        sink.script.extend([twice, answer(202), answer(503)])
        sender = patient_sender(
            tls=ssl.create_default_context(cafile=str(tmp_path / "cert.pem")), resolver=loopback
        )
        got = [
            await sender.post(
                f"https://hooks.example:{sink.port}/x",
                headers={},
                body=b"{}",
                timeout_seconds=PATIENCE,
            )
            for _ in range(3)
        ]
        await sender.close()

    assert [each.status for each in got] == [200, 202, 503]
    assert [request.connection for request in sink.requests] == [1, 2, 2]


async def test_a_connection_that_its_peer_closed_with_the_answer_is_replaced(
    tmp_path: Path,
) -> None:
    context = server_context(tmp_path, "hooks.example")
    async with webhook_sink(tls=context) as sink:
        sink.reply = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        sender = patient_sender(
            tls=ssl.create_default_context(cafile=str(tmp_path / "cert.pem")), resolver=loopback
        )
        got = [
            await sender.post(
                f"https://hooks.example:{sink.port}/x",
                headers={},
                body=b"{}",
                timeout_seconds=PATIENCE,
            )
            for _ in range(3)
        ]
        await sender.close()

    assert [each.status for each in got] == [200, 200, 200]
    assert sink.connections == 3


async def test_a_reset_after_the_handshake_is_a_reset(tmp_path: Path) -> None:
    context = server_context(tmp_path, "hooks.example")
    async with webhook_sink(tls=context) as sink:
        sink.reply = reset()
        got = await post(sink.port, trust=tmp_path / "cert.pem")

    assert got.error == "reset"


async def test_a_peer_that_leaves_in_the_handshake_is_a_failure_with_a_class() -> None:
    async def tear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        tear_down(writer)

    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)

    async with peer_at(tear) as port:
        torn = await post(port, trust=None)
    async with peer_at(leave) as port:
        left = await post(port, trust=None)

    assert (torn.error, left.error) == ("reset", "tls")
