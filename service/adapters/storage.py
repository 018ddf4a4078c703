"""Where a broker keeps things, and the queues through which its processes wake each other.

All on this machine, or DynamoDB and SQS.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from service.adapters.aws import AwsSession, Clients
from service.adapters.dynamodb import DynamoSettings, open_dynamodb
from service.adapters.embedded import open_embedded
from service.adapters.embedded.hints import InProcessHints
from service.adapters.sqs import SqsSettings, open_sqs
from service.adapters.table.stores import Stores
from service.ports import Cipher, Clock, Deliveries, Hints, Mailboxes


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The stores, and hints with the two ends where they come out."""

    table: Stores
    hints: Hints
    mailboxes: Mailboxes
    deliveries: Deliveries
    close: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsStorage(Storage):
    """The same over AWS, with the session that its clients share."""

    session: Clients


def open_here(folder: Path, *, cipher: Cipher, clock: Clock) -> Storage:
    """SQLite in that folder, and queues inside this process. Raises ConfigurationError."""
    table = open_embedded(folder, cipher=cipher, clock_now=clock.now)
    hints = InProcessHints(clock)
    return Storage(
        table=table,
        hints=hints,
        mailboxes=hints.mailboxes,
        deliveries=hints.deliveries,
        close=table.close,
    )


async def open_aws(
    table: DynamoSettings, queues: SqsSettings, *, cipher: Cipher, clock: Clock, create: bool
) -> AwsStorage:
    """Table and queues that exist, or are made with `create`: for a stand-in of AWS.

    Raises ConfigurationError, UnavailableError.
    """
    session = AwsSession()
    dynamo = open_dynamodb(table, cipher=cipher, session=session)
    sqs = open_sqs(queues, clock=clock, session=session)
    if create:
        await dynamo.create_table_if_missing()
        await sqs.create_if_missing()
    else:
        await sqs.check()

    async def close() -> None:
        await sqs.close()
        await dynamo.close()

    return AwsStorage(
        table=dynamo,
        hints=sqs.hints,
        mailboxes=sqs.mailboxes,
        deliveries=sqs.deliveries,
        close=close,
        session=session,
    )
