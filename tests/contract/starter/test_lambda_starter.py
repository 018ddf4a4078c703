"""What is asked of Lambda's Invoke, against a loopback that answers as it does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from boto3.session import Session

from service.adapters.lambda_starter import LambdaSettings, LambdaStarter
from service.domain.errors import ConfigurationError

FUNCTION = "broker-listener"
INVOKE = f"/2015-03-31/functions/{FUNCTION}/invocations"


@dataclass
class Lambda:
    """Answers with these, one a request, then 202; remembers what it was asked."""

    answers: list[tuple[int, str]] = field(default_factory=list)
    asked: list[tuple[str, str | None, bytes]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    endpoint: str = ""

    def answer(self, path: str, kind: str | None, body: bytes) -> tuple[int, bytes]:
        with self.lock:
            self.asked.append((path, kind, body))
            status, code = self.answers.pop(0) if self.answers else (202, "")
        text = json.dumps({"Type": "User", "message": code}).encode() if code else b""
        return status, text


@contextmanager
def _lambda(*answers: tuple[int, str]) -> Iterator[Lambda]:
    there = Lambda(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            kind = self.headers.get("X-Amz-Invocation-Type")
            status, text = there.answer(self.path, kind, body)
            self.send_response(status)
            if text:
                self.send_header("x-amzn-ErrorType", json.loads(text)["message"])
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    there.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield there
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _starter(endpoint: str) -> LambdaStarter:
    session = Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1"
    )
    return LambdaStarter(LambdaSettings(function=FUNCTION, endpoint_url=endpoint), session)


async def test_each_listener_is_one_asynchronous_invocation_that_carries_nothing() -> None:
    with _lambda() as there:
        starter = _starter(there.endpoint)
        await starter.start(3)

        assert there.asked == [(INVOKE, "Event", b"{}")] * 3
        assert (starter.started, starter.failed) == (3, 0)
        await starter.close()


async def test_a_refusal_is_logged_and_counted_and_keeps_nobody_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with _lambda((404, "ResourceNotFoundException")) as there:
        starter = _starter(there.endpoint)
        await starter.start(1)
        await starter.start(1)

        assert (starter.started, starter.failed) == (1, 1)
        [record] = [r for r in caplog.records if r.message == "listener.start_failed"]
        assert vars(record)["code"] == "ResourceNotFoundException"
        await starter.close()


async def test_a_throttle_is_waited_out_once() -> None:
    with _lambda((429, "TooManyRequestsException")) as there:
        starter = _starter(there.endpoint)
        await starter.start(1)

        assert (starter.started, starter.failed) == (1, 0)
        assert len(there.asked) == 2
        await starter.close()


async def test_a_lambda_that_is_not_there_fails_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with _lambda() as there:
        gone = there.endpoint
    starter = _starter(gone)
    await starter.start(2)

    assert (starter.started, starter.failed) == (0, 2)
    assert [r.message for r in caplog.records].count("listener.start_failed") == 2
    await starter.close()


async def test_without_a_region_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    with pytest.raises(ConfigurationError, match="region"):
        LambdaStarter(LambdaSettings(function=FUNCTION), Session())
