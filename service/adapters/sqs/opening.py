"""Open the queues on SQS, and make them where there are none.

Making them is for a local stand-in: on AWS, Terraform makes the queues.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError

from service.adapters.aws import AwsSession, Clients
from service.adapters.sqs.hints import SqsDeliveries, SqsHints, SqsMailboxes
from service.adapters.sqs.queues import SqsQueues, SqsSettings
from service.domain.errors import ConfigurationError
from service.ports import Clock

MAILBOX_KEPT_SECONDS: Final = 300
"""An old hint tells nothing: whoever takes a shard looks at all its live sessions. SQS keeps a
message for 60 s to 14 days (developer guide, "Message quotas")."""
DELIVERIES_KEPT_SECONDS: Final = 3600
"""Longer than the longest delay, which counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqsHintQueues:
    """The ports of hints, and the queues behind them."""

    hints: SqsHints
    mailboxes: SqsMailboxes
    deliveries: SqsDeliveries
    queues: SqsQueues
    shards: int

    async def create_if_missing(self) -> None:
        """Make a mailbox for each shard, and the queue of deliveries."""
        queues = self.queues
        mailboxes = [
            queues.create(queues.mailbox(shard), kept_seconds=MAILBOX_KEPT_SECONDS)
            for shard in range(self.shards)
        ]
        deliveries = queues.create(queues.deliveries, kept_seconds=DELIVERIES_KEPT_SECONDS)
        await asyncio.gather(deliveries, *mailboxes)

    async def check(self) -> None:
        """Raises ConfigurationError when there are no such queues, or not so many.

        Otherwise only the log would tell: hints may be lost.
        """
        for queue in (self.queues.deliveries, self.queues.mailbox(self.shards - 1)):
            await self.queues.find(queue)

    async def close(self) -> None:
        """Let go of threads and connections."""
        await self.queues.close()


def open_sqs(
    settings: SqsSettings, *, clock: Clock, session: Clients | None = None
) -> SqsHintQueues:
    """Hints through queues that exist; sends nothing yet.

    Raises ConfigurationError when boto3's own variables and files do not suffice for a client.
    """
    try:
        queues = SqsQueues(settings, session or AwsSession())
    except BotoCoreError as exc:
        fault = f"AWS: {exc}"
        raise ConfigurationError(fault) from exc
    return SqsHintQueues(
        hints=SqsHints(queues, clock),
        mailboxes=SqsMailboxes(queues),
        deliveries=SqsDeliveries(queues),
        queues=queues,
        shards=settings.shards,
    )
