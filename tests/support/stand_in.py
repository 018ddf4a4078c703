"""AWS on this machine for tests: ministack, and microburst in front of it for the faults it never shows.

Both live in a virtual environment of their own (`.venv-aws`, made by `make setup`). Without it the tests that need
them are skipped with a reason, and in CI they fail.
"""

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

BINARIES: Final = Path(__file__).parent.parent.parent / ".venv-aws" / "bin"
READY_SECONDS: Final = 30.0
MINISTACK_SERVICES: Final = "dynamodb,sqs,secretsmanager"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultProxy:
    """A proxy to the stand-in that can be told to misbehave."""

    endpoint: str

    def set_rules(self, *rules: Mapping[str, object]) -> None:
        """Replace all rules; none clears them."""
        self._call("POST", "/_microburst/rules", list(rules))

    def fired(self) -> int:
        """How many faults it has injected since it started."""
        answer = self._call("GET", "/_microburst/fired", None)
        return len(answer) if isinstance(answer, list) else 0

    def _call(self, method: str, path: str, body: object) -> object:
        request = urllib.request.Request(
            self.endpoint + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            found: object = json.loads(answer.read() or b"null")
        return found


@contextlib.contextmanager
def ministack() -> Iterator[str]:
    """A running stand-in; its endpoint."""
    port = _free_port()
    environment = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SERVICES": MINISTACK_SERVICES,
    }
    endpoint = f"http://127.0.0.1:{port}"
    with _running([_binary("ministack")], environment, ready=f"{endpoint}/_ministack/health"):
        yield endpoint


@contextlib.contextmanager
def microburst(upstream: str) -> Iterator[FaultProxy]:
    """A fault proxy in front of a stand-in."""
    port = _free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [_binary("microburst"), "--upstream", upstream, "--port", str(port)]
    with _running([*command, "--host", "127.0.0.1"], {}, ready=f"{endpoint}/_microburst/health"):
        yield FaultProxy(endpoint=endpoint)


@contextlib.contextmanager
def _running(command: Sequence[str], environment: Mapping[str, str], ready: str) -> Iterator[None]:
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_ready(process, ready)
        yield
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"{process.args!r} ended at once with {process.returncode}")
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return
        time.sleep(0.05)
    pytest.fail(f"{process.args!r} did not answer within {READY_SECONDS:.0f} s")


def _binary(name: str) -> str:
    binary = BINARIES / name
    if binary.exists():
        return str(binary)
    reason = f"NOT RUN: {name} is missing; `make setup` makes .venv-aws"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
