"""The simulator as a process of its own."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from service.simulator.__main__ import arguments, run
from service.simulator.server import SimulatorServer
from tests.integration.simulator.line import PATIENCE
from tests.support.machine import eventually

ROOT = Path(__file__).parents[3]
ID = "5151a7ed-0000-4000-8000-0000000000aa"


async def test_it_says_when_it_is_ready_and_ends_on_sigterm() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "service.simulator",
        "--deployment",
        f'{{"id":"{ID}","auto_start":true}}',
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        line = (await process.stdout.readline()).decode()
        word, url = line.split()
        async with connect(url):
            process.send_signal(signal.SIGTERM)
            status = await process.wait()

    assert word == "ready"
    assert url.startswith("ws://127.0.0.1:")
    assert url.endswith(f"/v1?deploymentId={ID}")
    assert status == 0


async def test_it_serves_until_a_signal_comes(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    serving = asyncio.create_task(run(arguments(["--seed", "7"])))
    # Any sooner, the signal would end this process.
    await eventually(lambda: signal.getsignal(signal.SIGTERM) is not before, what="a handler")
    signal.raise_signal(signal.SIGTERM)
    await serving

    assert capsys.readouterr().out.startswith("ready ws://127.0.0.1:")


def test_it_names_an_address_of_version_6_so_that_a_client_can_use_it() -> None:
    assert SimulatorServer(host="::1", port=8081).ws_url == "ws://[::1]:8081/v1"


@pytest.mark.parametrize(
    "wrong",
    [
        ["--deployment", "{broken"],
        ["--deployment", '{"dance":1}'],
        ["--tls-cert", "cert.pem"],
        ["--port", "high"],
    ],
)
def test_a_wrong_command_line_is_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        arguments(wrong)

    assert refused.value.code == 2
