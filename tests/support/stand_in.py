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
STARTS: Final = 3
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
    environment = {
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SERVICES": services,
        "AUTH": str(enforcing).lower(),
        **(variables or {}),
    }
    with contextlib.ExitStack() as stack:
        yield _ministack(stack, environment)


def _ministack(stack: contextlib.ExitStack, environment: Mapping[str, str]) -> str:
    """One whose port nobody took between the choice and the start; its endpoint."""
    command = [_binary("ministack")]
    for _ in range(STARTS):
        port = free_port()
        endpoint = f"http://127.0.0.1:{port}"
        told = {**environment, "GATEWAY_PORT": str(port)}
        process = stack.enter_context(_running(command, told))
        if _is_ready(process, f"{endpoint}/_ministack/health"):
            return endpoint
    pytest.fail(f"{command!r} ended at once with {process.returncode}")


@contextlib.contextmanager
def _running(
    command: Sequence[str], environment: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _is_ready(process: "subprocess.Popen[bytes]", url: str) -> bool:
    """Whether it answers; it ended if not. Fails where it does neither."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return True
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
