"""Starts simulator and broker as processes: neither shares a loop with the one that measures."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
UNHINDERED = {"BROKER_CONNECTIONS_PER_MINUTE": "1000000"}
"""Nor would the broker's own budget of new connections, which keeps to one of them."""


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
            **UNHINDERED,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A broker on a data directory that outlives it."""

    address: str
    pid: int


@contextmanager
def broker_on(folder: str, **environment: str) -> Iterator[Held]:
    """A local broker whose data is in that folder."""
    given = {
        "BROKER_DATA_DIR": folder,
        "BROKER_PORT": "0",
        "BROKER_ADMIN_KEY": KEY,
        "BROKER_SIMULATOR": "off",
        **UNHINDERED,
        **environment,
    }
    command = [sys.executable, "-m", "service.entrypoints.local"]
    with _started(command, given) as process:
        yield Held(address=_ready(process).removeprefix("ready "), pid=process.pid)


def resident_kib(pid: int) -> float:
    """The memory a process has now (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def processor_seconds(pid: int) -> float:
    """The processor time a process has used so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waited_seconds(pid: int) -> float:
    """How long its main thread was ready and others had the processors (Linux)."""
    fields = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()
    return int(fields[1]) / 1e9


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[str]:
    with _started(command, environment) as process:
        yield _ready(process)


@contextmanager
def _started(command: list[str], environment: dict[str, str]) -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def _ready(process: "subprocess.Popen[str]") -> str:
    stream = process.stdout
    if stream is None:
        raise RuntimeError("no output to wait for")
    for line in stream:
        if line.startswith("ready "):
            return line.strip()
    raise RuntimeError("it ended before it was ready")
