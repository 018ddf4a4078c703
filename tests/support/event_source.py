"""SQS's trigger for a function, as Lambda runs it: take a batch, invoke, delete what did not fail.

What failed stays hidden until the queue's visibility timeout is over (Lambda developer guide,
"Handling errors for an SQS event source in Lambda").
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from tests.support.lambda_environment import Context

Event: TypeAlias = dict[str, Any]
BATCH: Final = 10
POLL_SECONDS: Final = 0.05
"""Between two short polls: a long one would hold up whoever stops feeding."""
TIMEOUT: Final = 60.0


def a_record(body: str, number: int = 1) -> Event:
    """One message as it stands in an event (developer guide, "Using Lambda with Amazon SQS")."""
    return {
        "messageId": f"059f36b4-87a3-44ab-83d2-{number:012d}",
        "receiptHandle": f"AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a{number}",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1545082649185",
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:deliveries",
        "awsRegion": "eu-central-1",
    }


def a_batch(*bodies: str) -> Event:
    """An event with these messages, numbered from 1."""
    return {"Records": [a_record(body, number) for number, body in enumerate(bodies, start=1)]}


class Function:
    """One environment of a function: calls of its handler, one after the other, on one thread."""

    def __init__(self, invoke: Callable[..., Mapping[str, Any]]) -> None:
        self._invoke = invoke
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="function")

    async def __call__(self, *arguments: object, seconds: float = TIMEOUT) -> Mapping[str, Any]:
        """Invoke it with a timeout of that many seconds, which nobody enforces."""
        context = Context(time.monotonic() + seconds)
        answer: Mapping[str, Any] = await self.run(self._invoke, *arguments, context)
        return answer

    async def run(self, call: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 - what it returns
        """Call anything on its thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, call, *arguments)

    def close(self) -> None:
        self._thread.shutdown()


@dataclass(kw_only=True)
class EventSource:
    """The trigger of one queue; every function has a poller of its own."""

    client: Any
    queue: str
    hidden_seconds: int = 1
    """The visibility timeout."""
    batches: list[Event] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Messages that failed, by id, each time that they did."""

    @asynccontextmanager
    async def feeding(self, *functions: Function) -> AsyncIterator[None]:
        """Feed these functions until the context ends."""
        url = self.client.get_queue_url(QueueName=self.queue)["QueueUrl"]
        stopping = asyncio.Event()
        pollers = [
            asyncio.create_task(self._poll(url, function, stopping)) for function in functions
        ]
        try:
            yield
        finally:
            stopping.set()
            await asyncio.gather(*pollers)

    async def _poll(self, url: str, function: Function, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            messages = await asyncio.to_thread(self._receive, url)
            if not messages:
                await asyncio.sleep(POLL_SECONDS)
                continue
            event = {"Records": [_record(each) for each in messages]}
            self.batches.append(event)
            answer = await function(event)
            failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
            self.failed += sorted(failed)
            done = [each for each in messages if each["MessageId"] not in failed]
            if done:
                await asyncio.to_thread(self._delete, url, done)

    def _receive(self, url: str) -> Sequence[Mapping[str, Any]]:
        answer = self.client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=BATCH,
            VisibilityTimeout=self.hidden_seconds,
            AttributeNames=["All"],
        )
        found: Sequence[Mapping[str, Any]] = answer.get("Messages", ())
        return found

    def _delete(self, url: str, messages: Sequence[Mapping[str, Any]]) -> None:
        self.client.delete_message_batch(
            QueueUrl=url,
            Entries=[
                {"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]}
                for n, each in enumerate(messages)
            ],
        )


def _record(message: Mapping[str, Any]) -> Event:
    return {
        **a_record(message["Body"]),
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "attributes": message.get("Attributes", {}),
        "md5OfBody": message["MD5OfBody"],
    }
