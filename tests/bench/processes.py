"""Starts simulator and broker as processes: neither shares a loop with the one that measures."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[2]
KEY = "bench-key"
BOUNDLESS = {
    "messages_per_second": 1_000_000,
    "requests_per_minute": 1_000_000,
    "configures_per_minute": 1_000_000,
    "handshakes_per_minute": 1_000_000,
}
"""The documented limits would measure waiting, not working."""


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def simulator(*, answer_delay_seconds: float) -> Iterator[str]:
    """A simulator whose frames all leave that much later, with a silent bot; its origin."""
    port = free_port()
    deployment = json.dumps({"bot": "silent"})
    command = [sys.executable, "-m", "service.simulator", "--port", str(port)]
    with _process([*command, "--deployment", deployment], {}):
        origin = f"http://127.0.0.1:{port}"
        knobs = {**BOUNDLESS, "answer_delay_seconds": answer_delay_seconds}
        post(f"{origin}/__sim__/knobs", knobs)
        yield origin


@contextmanager
def broker(*, listener: bool) -> Iterator[str]:
    """A broker on the embedded store; without a listener every visit is on demand. Its address."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "BROKER_DATA_DIR": folder,
            "BROKER_PORT": "0",
            "BROKER_ADMIN_KEY": KEY,
            "BROKER_SIMULATOR": "off",
        }
        door = "service.entrypoints.local" if listener else "tests.bench.on_demand_broker"
        with _process([sys.executable, "-m", door], environment) as line:
            yield line.removeprefix("ready ")


def post(url: str, body: object, *, key: str | None = None) -> object:
    """POST JSON, answer JSON."""
    headers = {"content-type": "application/json"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    with urlopen(Request(url, json.dumps(body).encode(), headers)) as answer:
        return json.loads(answer.read())


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[str]:
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield _ready(process)
    finally:
        process.terminate()
        process.wait(timeout=15)


def _ready(process: "subprocess.Popen[str]") -> str:
    stream = process.stdout
    if stream is None:
        raise RuntimeError("no output to wait for")
    for line in stream:
        if line.startswith("ready "):
            return line.strip()
    raise RuntimeError("it ended before it was ready")
