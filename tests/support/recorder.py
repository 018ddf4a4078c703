"""A door in front of AWS's stand-in that writes down what one function asks AWS for.

Each call becomes what a policy speaks of: an action, and what it acts on. The names of actions are
those of the service authorization reference; a transaction is its parts (DynamoDB developer guide,
"IAM and transactions"), and a batch of SQS is the action of its messages (SQS developer guide,
"Amazon SQS API permissions").
"""

import contextlib
import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Final, NamedTuple

from tests.support.loopback_door import door

PARTS: Final = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
BATCHES: Final = {
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "DeleteMessageBatch": "DeleteMessage",
    "SendMessageBatch": "SendMessage",
}
SERVICES: Final = {
    "AmazonSQS": "sqs",
    "AmazonSSM": "ssm",
    "DynamoDB_20120810": "dynamodb",
    "TrentService": "kms",
}
"""By the first word of an X-Amz-Target, where that is not a policy's own word."""
SECRETS: Final = {"secretsmanager": "secret", "ssm": "parameter"}
"""What these services keep."""
TABLE: Final = "table"
DENIED: Final = "AccessDenied"


class Right(NamedTuple):
    """What a policy allows, or a call needs."""

    action: str
    resource: str
    """`table`, `table/index/due`, `queue/deliveries`, `queue/mailbox`, `function/listener`,
    `secret`, `parameter`, or `key/broker`: a key of KMS and what the encryption context names.
    """


@dataclass(slots=True, kw_only=True)
class Recorder:
    """What was asked so far."""

    upstream: tuple[str, int]
    endpoint: str = ""
    rights: Counter[Right] = field(default_factory=Counter)
    """What was needed, and how many calls needed it."""
    calls: Counter[str] = field(default_factory=Counter)
    """Requests: `dynamodb:Query`, `sqs:SendMessageBatch`. A transaction is one."""
    denied: list[str] = field(default_factory=list)
    """What the stand-in said of calls for which there was no right."""
    turn: threading.Lock = field(default_factory=threading.Lock)

    def note(self, call: str, rights: list[Right]) -> None:
        """Count one call."""
        with self.turn:
            self.calls[call] += 1
            self.rights.update(set(rights))


@contextlib.contextmanager
def recorder(upstream: str) -> Iterator[Recorder]:
    """One on a free port of this machine."""
    host, _, port = upstream.removeprefix("http://").partition(":")
    made = Recorder(upstream=(host, int(port)))

    class Handler(_Handler):
        """Of this recorder."""

        recorder = made

    with door(Handler) as made.endpoint:
        yield made


def rights_of(target: str, body: Mapping[str, Any]) -> list[Right]:
    """What a call needs; `target` is its X-Amz-Target."""
    service, operation = call_of(target).split(":")
    if service == "dynamodb":
        return _of_table(operation, body)
    if service == "kms":
        place = "/".join(["key", *sorted(body.get("EncryptionContext", ()))])
        return [Right(f"kms:{operation}", place)]
    if service != "sqs":
        return [Right(f"{service}:{operation}", SECRETS.get(service, service))]
    queue = str(body.get("QueueUrl") or body.get("QueueName", "")).rpartition("/")[2]
    kind = "mailbox" if "-mailbox-" in queue else queue.rpartition("-")[2]
    return [Right(f"sqs:{BATCHES.get(operation, operation)}", f"queue/{kind}")]


def call_of(target: str) -> str:
    """The request that an X-Amz-Target names: `dynamodb:Query`."""
    service, _, operation = target.partition(".")
    return f"{SERVICES.get(service, service)}:{operation}"


def _of_table(operation: str, body: Mapping[str, Any]) -> list[Right]:
    if operation == "TransactWriteItems":
        parts = [PARTS[name] for each in body["TransactItems"] for name in each]
        return [Right(f"dynamodb:{part}", TABLE) for part in parts]
    index = body.get("IndexName")
    return [Right(f"dynamodb:{operation}", TABLE if index is None else f"{TABLE}/index/{index}")]


class _Handler(BaseHTTPRequestHandler):
    """One connection: notes requests and passes them on."""

    protocol_version = "HTTP/1.1"
    recorder: Recorder

    def do_POST(self) -> None:
        """The only method of DynamoDB, of SQS and of Invoke."""
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if self.path.startswith("/2015-03-31/functions/"):
            function = self.path.split("/")[3].rpartition("-")[2]
            right = Right("lambda:InvokeFunction", f"function/{function}")
            self.recorder.note("lambda:Invoke", [right])
            self._answer(202, "application/json", b"")
            return
        target = self.headers.get("x-amz-target", "")
        self.recorder.note(call_of(target), rights_of(target, json.loads(body)))
        try:
            status, kind, answer = self._forward(body)
        except (OSError, http.client.HTTPException):
            # The stand-in has ended, and somebody still polls.
            self.close_connection = True
            return
        if status in {400, 403} and DENIED.encode() in answer:
            self.recorder.denied.append(answer.decode())
        self._answer(status, kind, answer)

    def _forward(self, body: bytes) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection(*self.recorder.upstream, timeout=30)
        with contextlib.closing(connection):
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, answer.headers.get("content-type", ""), answer.read()

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        # Whoever asked may have left: an environment is closed while its polls are out.
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
