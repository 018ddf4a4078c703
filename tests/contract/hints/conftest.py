"""One suite, two queues: inside the process, and SQS on its stand-in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import pytest
import pytest_asyncio
from boto3.session import Session

from service.adapters.embedded.hints import InProcessHints
from service.adapters.sqs import SqsHintQueues, SqsSettings, open_sqs
from service.adapters.system import SystemClock
from service.ports import Deliveries, Hints, Mailboxes
from tests.support.patience import UnhurriedClock
from tests.support.store_builders import unique

SHARDS: Final = 3


@dataclass(frozen=True, slots=True)
class Ends:
    """Where hints go in, and the two ends where they come out."""

    hints: Hints
    mailboxes: Mailboxes
    deliveries: Deliveries


@pytest_asyncio.fixture(params=["in process", "sqs"])
async def ends(request: pytest.FixtureRequest) -> AsyncIterator[Ends]:
    """Empty queues, each test its own."""
    if request.param == "sqs":
        async with made_queues(request) as made:
            yield Ends(made.hints, made.mailboxes, made.deliveries)
    else:
        hints = InProcessHints(SystemClock())
        yield Ends(hints, hints.mailboxes, hints.deliveries)


@pytest_asyncio.fixture
async def queues(request: pytest.FixtureRequest) -> AsyncIterator[SqsHintQueues]:
    async with made_queues(request) as made:
        yield made


@asynccontextmanager
async def made_queues(request: pytest.FixtureRequest) -> AsyncIterator[SqsHintQueues]:
    endpoint: str = request.getfixturevalue("aws_endpoint")
    session: Session = request.getfixturevalue("aws_session")
    settings = SqsSettings(prefix=unique("hints"), shards=SHARDS, endpoint_url=endpoint)
    opened = open_sqs(settings, clock=UnhurriedClock(), session=session)
    await opened.create_if_missing()
    yield opened
    await opened.close()
