"""A function as AWS runs it: out of its zip, under AWS's own runtime client and emulator.

`make lambda-test` sets both up in `.venv-lambda`, with a Python 3.13 that has nothing else
installed, and builds the zips. One emulator is one execution environment: it takes one invocation
at a time (a second one during the first makes it panic).
"""

import contextlib
import json
import os
import platform
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
VENV: Final = ROOT / ".venv-lambda"
ARCHITECTURE: Final = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
INVOKE: Final = "/2015-03-31/functions/function/invocations"
READY_SECONDS: Final = 20.0
MISSING: Final = "NOT RUN: {} is missing; `make lambda-test` makes it"


def zip_of(function: str) -> Path:
    """What `make package` built for this machine."""
    return _there(ROOT / "dist" / ARCHITECTURE / f"{function}.zip")


def unpacked(function: str, folder: Path) -> Path:
    """The folder that a function's code is in, as Lambda unpacks it."""
    code = folder / function
    with zipfile.ZipFile(zip_of(function)) as archive:
        archive.extractall(code)
    return code


def _there(path: Path) -> Path:
    if not path.exists():
        pytest.skip(MISSING.format(path.relative_to(ROOT)))
    return path


def _emulator() -> Path:
    found = [*VENV.glob(f"lib/*/site-packages/samcli/local/rapid/aws-lambda-rie-{ARCHITECTURE}")]
    return found[0] if found else _there(VENV / "aws-lambda-rie")


@dataclass(kw_only=True)
class Emulator:
    """One execution environment of one function."""

    code: Path
    handler: str
    folder: Path
    """Its log is kept here."""
    timeout: int
    variables: Mapping[str, str]
    also: Path | None = None
    """Another folder to import from, after the code."""
    _port: int = 0
    _process: "subprocess.Popen[bytes] | None" = None
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def start(self) -> None:
        """Start it; AWS initialises the function at the first invocation."""
        self._port = _free_port()
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    str(_emulator()),
                    *("--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"),
                    *("--runtime-api-address", f"127.0.0.1:{_free_port()}"),
                    *("--log-level", "info"),
                    *(str(_there(VENV / "bin" / "python")), "-m", "awslambdaric", self.handler),
                ],
                cwd=self.code,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _wait_for(self._port)

    def _environment(self) -> dict[str, str]:
        """Nothing of this machine's but PATH."""
        folders = [self.code, *([self.also] if self.also else [])]
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(map(str, folders)),
            "LAMBDA_TASK_ROOT": str(self.code),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self.timeout),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
            "AWS_LAMBDA_FUNCTION_NAME": self.handler.rsplit(".", 2)[-2],
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_REGION": "eu-central-1",
            **self.variables,
        }

    @property
    def log_file(self) -> Path:
        """What emulator and function wrote."""
        return self.folder / f"{self.handler}.{id(self)}.log"

    def log(self) -> str:
        """All of it."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The function's own lines of one event."""
        found = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [each for each in found if each.get("event") == event]

    def inits(self) -> list[float]:
        """How many milliseconds each start of the function's process took, imports included."""
        return [
            float(each) for each in re.findall(r"INIT REPORT\(durationMs: ([\d.]+)\)", self.log())
        ]

    def invoke(self, event: object) -> Any:  # noqa: ANN401 - any JSON
        """Invoke it, after those that wait; what it answered, or how it failed."""
        return self.begin(event).result()

    def begin(self, event: object) -> "Future[Any]":
        """Invoke it, without waiting."""
        return self._thread.submit(self._post, json.dumps(event).encode())

    def freeze(self) -> None:
        """Stop the function's process, as if it hung."""
        for child in self._children():
            os.kill(child, signal.SIGSTOP)

    def stop(self) -> None:
        """End it with all that it started."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._process is not None:
            for process in (*self._children(), self._process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            self._process.wait()

    def _post(self, body: bytes) -> Any:  # noqa: ANN401 - any JSON
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{INVOKE}", data=body)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout + READY_SECONDS) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode()
        try:
            return json.loads(text)
        except ValueError:
            return text

    def _children(self) -> list[int]:
        assert self._process is not None
        found: list[int] = []
        for task in Path(f"/proc/{self._process.pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(pid) for pid in task.read_text().split()]
        return found


@contextmanager
def emulated(**fields: Any) -> Iterator[Emulator]:  # noqa: ANN401 - fields of any type
    """One environment, until the context ends."""
    emulator = Emulator(**fields)
    emulator.start()
    try:
        yield emulator
    finally:
        emulator.stop()


@contextmanager
def invoke_door(emulators: Mapping[str, Emulator]) -> Iterator[str]:
    """Lambda's Invoke, for asynchronous invocations of these functions; its endpoint."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            function = self.path.removeprefix("/2015-03-31/functions/").partition("/")[0]
            known = function in emulators and self.headers.get("X-Amz-Invocation-Type") == "Event"
            if known:
                emulators[function].begin(event)
            self.send_response(202 if known else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    pytest.fail("the runtime interface emulator does not listen")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
