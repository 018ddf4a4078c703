"""Lambda's Invoke on this machine, with the listener's function behind it in real processes.

It answers an asynchronous invocation at once with 202 and runs it in an environment that is free,
or in a new one, as AWS does. Retries nothing: those of AWS are to be off for this function.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
ENDED: Final = "Runtime.ExitError"
"""How AWS names the end of an environment within an invocation."""


@dataclass
class Invocation:
    """One term of a listener; `answer` is None as long as it lasts."""

    environment: int
    answer: Mapping[str, Any] | None = None


@dataclass
class LoopbackLambda:
    """The function, and its environments."""

    function: str
    folder: Path
    """What they log is kept here."""
    timeout: float
    variables: Mapping[str, str]
    endpoint: str = ""
    invocations: list[Invocation] = field(default_factory=list)
    environments: "list[subprocess.Popen[str]]" = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    threads: list[threading.Thread] = field(default_factory=list)

    def invoke(self, event: str) -> None:
        """Begin one invocation."""
        with self.lock:
            at = self.free.pop() if self.free else self._new()
            invocation = Invocation(environment=at)
            self.invocations.append(invocation)
            thread = threading.Thread(target=self._run, args=(invocation, event))
            self.threads.append(thread)
        thread.start()

    def log(self) -> str:
        """What all environments logged, its end."""
        return (self.folder / "lambda.log").read_text(encoding="utf-8")[-6000:]

    def close(self) -> None:
        """End every environment."""
        for process in self.environments:
            process.kill()
        for thread in self.threads:
            thread.join()
        for process in self.environments:
            process.communicate()

    def _new(self) -> int:
        with (self.folder / "lambda.log").open("ab") as log:
            process = subprocess.Popen(
                (sys.executable, "-m", "tests.support.lambda_environment", str(self.timeout)),
                cwd=ROOT,
                env={**os.environ, **self.variables},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.environments.append(process)
        return len(self.environments) - 1

    def _run(self, invocation: Invocation, event: str) -> None:
        process = self.environments[invocation.environment]
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(event + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        with self.lock:
            invocation.answer = json.loads(line) if line else {"errorType": ENDED}
            if line:
                self.free.append(invocation.environment)


@contextmanager
def loopback_lambda(
    function: str, folder: Path, *, timeout: float, **variables: str
) -> Iterator[LoopbackLambda]:
    """One function, with these variables in its environments, until the context ends."""
    there = LoopbackLambda(function=function, folder=folder, timeout=timeout, variables=variables)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _door(there))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    there.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield there
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        there.close()


def _door(there: LoopbackLambda) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            event = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            known = self.path == f"/2015-03-31/functions/{there.function}/invocations"
            is_event = self.headers.get("X-Amz-Invocation-Type") == "Event"
            if known and is_event:
                there.invoke(event)
            self.send_response(202 if known and is_event else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return Door
