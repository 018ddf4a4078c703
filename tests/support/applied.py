"""Functions as Terraform made them: read back from the stand-in and run under AWS's own runtime.

The stand-in is API Gateway, SQS's trigger, the Scheduler and Lambda's Invoke: it hands each event
of a function to a door here, and the door to an environment of it. Code, handler, timeout, memory
and variables are those that the stand-in has; nothing is taken from the checkout.
"""

import base64
import hashlib
import json
import os
import threading
import urllib.request
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from tests.support.emulator import Emulator

PROXY: Final = "MINISTACK_LAMBDA_PROXY_"
"""Before a function's name: ministack's variable that says where its events are to be sent."""
DOWNLOAD_SECONDS: Final = 60
FAILED: Final = 500
"""What makes ministack count an invocation as failed; the emulator answers 200 whatever happens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What `make infra-check` tells the tests of what it applied."""

    endpoint: str
    """Of the stand-in."""
    door: int
    """The port that it sends the functions' events to."""
    outputs: Mapping[str, Any]
    """The module's."""
    admin_key: str
    host: str
    """An address of this machine that webhooks may lead to."""

    VARIABLE = "BROKER_APPLIED"

    @classmethod
    def told(cls) -> "Applied | None":
        """What is applied just now, if anything."""
        given = os.environ.get(cls.VARIABLE)
        return cls(**json.loads(given)) if given else None


def proxies(names: Iterable[str], port: int) -> dict[str, str]:
    """Variables of ministack, so that it sends these functions' events to that port."""
    return {f"{PROXY}{name}": f"http://127.0.0.1:{port}/{name}" for name in names}


@dataclass(kw_only=True)
class AppliedFunction:
    """One function, and its environments: as many as are at work at a time."""

    configuration: Mapping[str, Any]
    folder: Path
    endpoint: str
    environments: list[Emulator] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    """All that it was invoked with."""
    _free: list[Emulator] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def invoke(self, event: object) -> Any:  # noqa: ANN401 - any JSON
        """Invoke it in an environment that is free, or in a new one."""
        with self._lock:
            self.events.append(event)
            environment = self._free.pop() if self._free else self._another()
        answer = environment.invoke(event)
        with self._lock:
            self._free.append(environment)
        return answer

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Its log's lines of one event, environment after environment."""
        return [line for each in self.environments for line in each.lines(event)]

    def log(self) -> str:
        """All that its environments wrote."""
        return "\n".join(each.log() for each in self.environments)

    def stop(self) -> None:
        """End all environments."""
        for each in self.environments:
            each.stop()

    def _another(self) -> Emulator:
        told = self.configuration
        made = Emulator(
            code=self.folder / "code",
            handler=told["Handler"],
            folder=self.folder,
            timeout=told["Timeout"],
            variables=self._variables(),
        )
        made.start()
        self.environments.append(made)
        return made

    def _variables(self) -> dict[str, str]:
        """Its own, and those that Lambda sets (developer guide, "Defined runtime environment")."""
        told, logs = self.configuration, self.configuration["LoggingConfig"]
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_LAMBDA_FUNCTION_NAME": told["FunctionName"],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(told["MemorySize"]),
            "AWS_LAMBDA_LOG_FORMAT": logs["LogFormat"],
            "AWS_LAMBDA_LOG_LEVEL": logs["ApplicationLogLevel"],
            **told["Environment"]["Variables"],
        }


def read_back(client: Any, name: str, endpoint: str, folder: Path) -> AppliedFunction:  # noqa: ANN401 - boto3's
    """The function of that name as Lambda has it, its code unpacked into the folder."""
    told = client.get_function(FunctionName=name)
    configuration = told["Configuration"]
    code = _downloaded(told["Code"]["Location"])
    digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
    assert digest == configuration["CodeSha256"]
    # Nobody can write to /opt here, so a layer would be missed.
    assert not configuration.get("Layers")
    with zipfile.ZipFile(BytesIO(code)) as archive:
        archive.extractall(folder / "code")
    return AppliedFunction(configuration=configuration, folder=folder, endpoint=endpoint)


def _downloaded(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=DOWNLOAD_SECONDS) as answer:
        content: bytes = answer.read()
    return content


@contextmanager
def serving(functions: Mapping[str, AppliedFunction], port: int) -> Iterator[None]:
    """Take the events of these functions, by name, on that port, until the context ends."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                answer = functions[self.path.removeprefix("/")].invoke(event)
            except OSError as ended:
                answer = f"the environment has ended: {type(ended).__name__}"
            body = json.dumps(answer).encode()
            self.send_response(FAILED if has_failed(answer) else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Door)
    # A listener's invocation lasts as long as there are links.
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        for each in functions.values():
            each.stop()
        server.shutdown()
        thread.join()
        server.server_close()


def has_failed(answer: object) -> bool:
    """Whether the emulator tells of an error so, of a timeout, or of a process that died."""
    return isinstance(answer, str) or (isinstance(answer, dict) and "errorType" in answer)
