"""The simulator behind a certificate: socket and HTTP on one origin, resets included."""

import asyncio
import signal
import ssl
import sys
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from service.simulator.server import Certificate, SimulatorServer
from tests.integration.simulator.line import PATIENCE, D
from tests.support.certificates import Certificates, certificates

ROOT = Path(__file__).parents[3]


@pytest.fixture(name="files")
def _files(tmp_path: Path) -> Certificates:
    return certificates(tmp_path)


def _trust(files: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(files.authority))


async def test_a_secure_socket_works_and_can_be_reset(files: Certificates) -> None:
    certificate = Certificate(chain=files.chain, key=files.key)
    async with SimulatorServer(certificate=certificate) as sim:
        assert sim.ws_url.startswith("wss://")
        async with connect(f"{sim.ws_url}?deploymentId={D}", ssl=_trust(files)) as socket:
            await (await socket.ping())
            sim.control.drop()
            with pytest.raises(ConnectionClosedError) as lost:
                await socket.recv()

    assert lost.value.rcvd is None


async def test_the_command_line_serves_both_on_one_secure_origin(files: Certificates) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "service.simulator"),
        *("--tls-cert", str(files.chain), "--tls-key", str(files.key)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            url = (await process.stdout.readline()).decode().split()[1]
            origin = url.partition("/v1?")[0].replace("wss", "https", 1)
            async with connect(url, ssl=_trust(files)) as socket:
                await (await socket.ping())
                async with httpx2.AsyncClient(
                    verify=_trust(files), trust_env=False, timeout=PATIENCE
                ) as http:
                    counts = await http.get(f"{origin}/__sim__/connections")
    finally:
        process.send_signal(signal.SIGTERM)
        status = await process.wait()

    assert url.startswith("wss://127.0.0.1:")
    assert counts.status_code == 200
    assert len(counts.json()) == 1
    assert status == 0
