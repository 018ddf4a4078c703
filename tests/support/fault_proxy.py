"""DynamoDB's bad days.

A proxy in front of the stand-in that throttles, conflicts, falls silent or loses replies.

The error bodies are those of DynamoDB's JSON protocol (developer guide, "Programmatic errors"). It
knows nothing of the broker.
"""

import contextlib
import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

from tests.support.loopback_door import door

ENDLESS: Final = 1_000_000
KIND: Final = "com.amazonaws.dynamodb.v20120810#"


class Silence(StrEnum):
    """Ways of not answering."""

    REFUSED = "the connection is closed and nothing is done"
    LOST_REPLY = "it is done, and the connection is closed instead of an answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error answer of DynamoDB's."""

    code: str
    status: int = 400
    members: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> bytes:
        """As DynamoDB spells it."""
        told = {"__type": KIND + self.code, "message": "made up by a test", **self.members}
        return json.dumps(told).encode()


def throttle() -> Refusal:
    """Too many requests for now."""
    return Refusal(code="ProvisionedThroughputExceededException")


def cancelled(*codes: str) -> Refusal:
    """A transaction that was cancelled, with a reason for each of its writes."""
    reasons = [{"Code": code} for code in codes]
    return Refusal(code="TransactionCanceledException", members={"CancellationReasons": reasons})


@dataclass(slots=True, kw_only=True)
class FaultProxy:
    """Tell it what to do with an operation; it counts what it did."""

    upstream: tuple[str, int]
    endpoint: str = ""
    fired: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    """Calls by operation, those that failed too."""
    _faults: dict[str, tuple[Silence | Refusal, int]] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, operation: str, fault: Silence | Refusal, *, times: int = ENDLESS) -> None:
        """Let the next calls of an operation end so."""
        with self._turn:
            self._faults[operation] = (fault, times)

    def heal(self) -> None:
        """No more faults."""
        with self._turn:
            self._faults.clear()

    def next_fault(self, operation: str) -> Silence | Refusal | None:
        """What happens to this call."""
        with self._turn:
            self.seen[operation] += 1
            fault, left = self._faults.get(operation, (None, 0))
            if fault is None or left == 0:
                return None
            self._faults[operation] = (fault, left - 1)
            self.fired += 1
            return fault


@contextlib.contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    """A proxy on a free port of this machine."""
    host, _, port = upstream.removeprefix("http://").partition(":")
    proxy = FaultProxy(upstream=(host, int(port)))

    class Handler(_Handler):
        """Of this proxy."""

        faults = proxy

    with door(Handler) as proxy.endpoint:
        yield proxy


class _Handler(BaseHTTPRequestHandler):
    """One connection: passes requests on, or does not."""

    protocol_version = "HTTP/1.1"
    faults: FaultProxy

    def do_POST(self) -> None:
        """DynamoDB's only method."""
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        fault = self.faults.next_fault(self.headers.get("x-amz-target", "").partition(".")[2])
        if isinstance(fault, Refusal):
            self._answer(fault.status, "application/x-amz-json-1.0", fault.body())
            return
        if fault is not Silence.REFUSED:
            status, kind, answer = self._forward(body)
            if fault is None:
                self._answer(status, kind, answer)
                return
        self.close_connection = True

    def _forward(self, body: bytes) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection(*self.faults.upstream, timeout=30)
        with contextlib.closing(connection):
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, answer.headers.get("content-type", ""), answer.read()

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
