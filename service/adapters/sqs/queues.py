"""Queues on SQS, behind asyncio: texts in, texts out. Knows no hint.

boto3 blocks. Sending has one thread pool, as large as the table's; each long poll has a thread and
a connection of a second one, so that neither waits for the other.

What a poll receives is deleted at once, unless whoever waited for it has left: a poll cannot be
called back, and by then somebody else may be polling the same queue. So it is given back.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from service.adapters.aws import Clients
from service.adapters.sqs.failures import TAKEN_NAMES, code_of, refusal, translated
from service.adapters.sqs.outbox import Letter, Outbox
from service.domain.errors import ConfigurationError, UnavailableError

DELAY_MAX_SECONDS: Final = 900
"""SQS developer guide, "Message quotas": a message is delayed by 15 minutes at most."""
RECEIVED_MAX: Final = 10
"""SQS API reference, ReceiveMessage: at most 10 at once. That is also the most of a batch."""
POLL_SECONDS: Final = 4
"""How long a poll waits; SQS would wait 20 s (API reference, ReceiveMessage, WaitTimeSeconds).

With the two time limits below, a poll of a queue that does not answer ends after 6 s: nobody can
end it sooner, and a process does not exit before it has.
"""
POLL_CONNECT_SECONDS: Final = 1.0
POLL_READ_SECONDS: Final = 5.0
HIDDEN_SECONDS: Final = 5
"""How long what was received is hidden from others; deleting it takes milliseconds."""
SEND_CONNECT_SECONDS: Final = 1.0
SEND_READ_SECONDS: Final = 2.0
SEND_ATTEMPTS: Final = 2

_log = logging.getLogger(__name__)

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class SqsSettings:
    """Which queues there are. What is None is left to boto3's own environment and files."""

    prefix: str
    """What their names begin with."""
    shards: int
    endpoint_url: str | None = None
    region: str | None = None
    connections: int = 16
    """For sending; polls have their own."""


@dataclass(frozen=True, slots=True)
class _Message:
    body: str
    handle: str


class SqsQueues:
    """The queues of one environment, by name."""

    def __init__(self, settings: SqsSettings, session: Clients) -> None:
        polls = settings.shards + 1
        self._settings = settings
        self._sends = ThreadPoolExecutor(settings.connections, thread_name_prefix="hints")
        self._polls = ThreadPoolExecutor(polls, thread_name_prefix="polls")
        self._urls: dict[str, str] = {}
        self._outboxes: dict[str, Outbox] = {}
        self._closed = False
        self._sender = session.client(
            "sqs",
            endpoint_url=settings.endpoint_url,
            region_name=settings.region,
            config=_config(settings.connections, attempts=SEND_ATTEMPTS).merge(
                Config(connect_timeout=SEND_CONNECT_SECONDS, read_timeout=SEND_READ_SECONDS)
            ),
        )
        self._poller = session.client(
            "sqs",
            endpoint_url=settings.endpoint_url,
            region_name=settings.region,
            # Whoever polls tries again by himself.
            config=_config(polls, attempts=1).merge(
                Config(connect_timeout=POLL_CONNECT_SECONDS, read_timeout=POLL_READ_SECONDS)
            ),
        )

    def mailbox(self, shard: int) -> str:
        """The name of a shard's mailbox."""
        return f"{self._settings.prefix}-mailbox-{shard}"

    @property
    def deliveries(self) -> str:
        """The name of the queue of lanes."""
        return f"{self._settings.prefix}-deliveries"

    async def send(self, queue: str, body: str, *, delay: float = 0.0) -> None:
        """Put a text in a queue; it comes out after `delay`, in whole seconds, rounded up.

        Raises UnavailableError, ConfigurationError.
        """
        outbox = self._outboxes.get(queue)
        if outbox is None:
            outbox = self._outboxes[queue] = Outbox(partial(self._post, queue))
        await outbox.send(body, min(DELAY_MAX_SECONDS, math.ceil(max(0.0, delay))))

    async def receive(self, queue: str) -> Sequence[str]:
        """Take up to 10 texts out of a queue, or wait for one; empty when none came.

        Cancelled, it gives back what still comes. Raises UnavailableError, ConfigurationError.
        """
        polling = self._begin(self._polls, queue, self._poll, queue)
        try:
            messages = await asyncio.wrap_future(polling)
        except asyncio.CancelledError:
            polling.add_done_callback(partial(self._abandoned, queue))
            raise
        except (ClientError, BotoCoreError) as exc:
            raise translated(exc, queue) from exc
        if messages:
            self._later(self._delete, queue, messages)
        return [message.body for message in messages]

    async def create(self, queue: str, *, kept_seconds: int) -> None:
        """Make a queue where there is none. Raises UnavailableError, ConfigurationError."""
        await self._call(queue, self._create, queue, kept_seconds)

    async def find(self, queue: str) -> None:
        """Raises ConfigurationError when there is no such queue, or UnavailableError."""
        await self._call(queue, self._url, queue, self._sender.get_queue_url)

    async def close(self) -> None:
        """Let go of threads and connections. A call under way ends by its own time limits.

        What still waits for a thread fails; cancelling it would cancel whoever waits for it.
        """
        self._closed = True
        for pool in (self._sends, self._polls):
            pool.shutdown(wait=False)
        for client in (self._sender, self._poller):
            client.close()

    # ------------------------------------------------------------------------- on the event loop

    async def _post(self, queue: str, letters: Sequence[Letter]) -> Sequence[Exception | None]:
        try:
            return await self._call(queue, self._send, queue, letters)
        except (ConfigurationError, UnavailableError) as error:
            return [error] * len(letters)

    async def _call(
        self, queue: str, call: Callable[P, T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        try:
            return await asyncio.wrap_future(
                self._begin(self._sends, queue, call, *arguments, **named)
            )
        except (ClientError, BotoCoreError) as exc:
            raise translated(exc, queue) from exc

    def _begin(
        self,
        pool: ThreadPoolExecutor,
        queue: str,
        call: Callable[P, T],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> "Future[T]":
        self._check_open(queue)
        return pool.submit(self._if_open, queue, partial(call, *arguments, **named))

    def _abandoned(self, queue: str, polling: "Future[Sequence[_Message]]") -> None:
        """Called on the loop or in the poll's thread when nobody waits for what it received."""
        if polling.cancelled() or polling.exception() is not None:
            return
        if messages := polling.result():
            self._later(self._give_back, queue, messages)

    def _later(
        self,
        tidy: Callable[[str, Sequence[_Message]], None],
        queue: str,
        messages: Sequence[_Message],
    ) -> None:
        """Nobody waits for it: a hint is worth more now than once it is deleted."""
        try:
            self._sends.submit(tidy, queue, messages)
        except RuntimeError:
            # The pool is closed. What is not deleted comes out again, which is harmless.
            _log.info("hints.left", extra={"queue": queue, "count": len(messages)})

    # -------------------------------------------------------------------------------- in threads

    def _if_open(self, queue: str, call: Callable[[], T]) -> T:
        self._check_open(queue)
        return call()

    def _check_open(self, queue: str) -> None:
        if self._closed:
            raise UnavailableError(what=f"the queue {queue} (this process is stopping)")

    def _send(self, queue: str, letters: Sequence[Letter]) -> Sequence[Exception | None]:
        url = self._url(queue, self._sender.get_queue_url)
        answer = self._sender.send_message_batch(
            QueueUrl=url,
            Entries=[
                {"Id": str(n), "MessageBody": letter.body, "DelaySeconds": letter.delay}
                for n, letter in enumerate(letters)
            ],
        )
        failed = {each["Id"]: refusal(each, queue) for each in answer.get("Failed", ())}
        return [failed.get(str(n)) for n in range(len(letters))]

    def _poll(self, queue: str) -> Sequence[_Message]:
        url = self._url(queue, self._poller.get_queue_url)
        self._check_open(queue)
        answer = self._poller.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=RECEIVED_MAX,
            WaitTimeSeconds=POLL_SECONDS,
            VisibilityTimeout=HIDDEN_SECONDS,
        )
        return [
            _Message(message.get("Body", ""), message.get("ReceiptHandle", ""))
            for message in answer.get("Messages", ())
        ]

    def _delete(self, queue: str, messages: Sequence[_Message]) -> None:
        entries = [{"Id": str(n), "ReceiptHandle": each.handle} for n, each in enumerate(messages)]
        self._tidy(queue, self._sender.delete_message_batch, entries)

    def _give_back(self, queue: str, messages: Sequence[_Message]) -> None:
        entries = [
            {"Id": str(n), "ReceiptHandle": each.handle, "VisibilityTimeout": 0}
            for n, each in enumerate(messages)
        ]
        self._tidy(queue, self._sender.change_message_visibility_batch, entries)

    def _tidy(
        self, queue: str, batch: Callable[..., Any], entries: Sequence[Mapping[str, object]]
    ) -> None:
        """Do it or say that it failed: then the messages come out again, which is harmless."""
        try:
            url = self._url(queue, self._sender.get_queue_url)
            failed = batch(QueueUrl=url, Entries=entries).get("Failed", ())
            codes = sorted({str(each.get("Code")) for each in failed})
        except (ClientError, BotoCoreError) as exc:
            codes = [code_of(exc) if isinstance(exc, ClientError) else type(exc).__name__]
        if codes:
            _log.warning("hints.not_tidied", extra={"queue": queue, "errors": codes})

    def _create(self, queue: str, kept_seconds: int) -> None:
        try:
            answer = self._sender.create_queue(
                QueueName=queue, Attributes={"MessageRetentionPeriod": str(kept_seconds)}
            )
        except ClientError as exc:
            if code_of(exc) not in TAKEN_NAMES:
                raise
            return
        self._urls[queue] = answer["QueueUrl"]

    def _url(self, queue: str, ask: Callable[..., Any]) -> str:
        """Asked for once: the URL of a queue is what it is for as long as the queue lives."""
        known = self._urls.get(queue)
        if known is None:
            known = self._urls[queue] = str(ask(QueueName=queue)["QueueUrl"])
        return known


def _config(connections: int, *, attempts: int) -> Config:
    return Config(
        max_pool_connections=connections,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
    )
