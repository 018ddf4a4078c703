"""AWS on this machine for tests: ministack, in a virtual environment of its own.

`make setup` makes it as `.venv-aws`. Without it the tests that need it are skipped with a reason;
in CI they fail.
"""

import contextlib
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

BINARIES: Final = Path(__file__).parent.parent.parent / ".venv-aws" / "bin"
READY_SECONDS: Final = 90.0
MINISTACK_SERVICES: Final = "dynamodb,sqs,secretsmanager,kms,ssm"


@contextlib.contextmanager
def ministack(
    services: str = MINISTACK_SERVICES,
    *,
    enforcing: bool = False,
    variables: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """A running stand-in of these services, or of all, with these variables; its endpoint.

    `enforcing`: it looks at policies; whoever says `test` for a key is the account's root.
    """
    port = free_port()
    environment = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SERVICES": services,
        "AUTH": str(enforcing).lower(),
        **(variables or {}),
    }
    endpoint = f"http://127.0.0.1:{port}"
    with _running([_binary("ministack")], environment, ready=f"{endpoint}/_ministack/health"):
        yield endpoint


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
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
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


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
