"""Functions on the stand-ins of AWS, and a real receiver: what is kept, asked for and allowed."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from boto3.session import Session as AwsSession

from service.adapters.cipher import AesCipher, file_key
from service.adapters.dynamodb import DynamoSettings, DynamoTable, open_dynamodb
from service.adapters.sqs import SqsHintQueues, SqsSettings, open_sqs
from service.config import LOOPBACK, FunctionSettings
from service.domain.endpoint import Endpoint, Lane, SigningSecret
from service.domain.ids import EndpointId
from service.domain.log import LogEvent
from service.domain.session import Session, State
from service.entrypoints import api, courier, listener, sweeper
from tests.contract.conftest import aws_endpoint, aws_session
from tests.support import patience
from tests.support.event_source import EventSource, Function
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.store_builders import TENANT, a_session, an_event, unique
from tests.support.webhook_sink import WebhookSink, webhook_sink

__all__ = ["aws_endpoint", "aws_session", "faults", "stage"]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SCALE = 0.02
"""Retries after a tenth of a second; SQS counts whole ones."""
PATIENCE = patience.PATIENCE
UNHURRIED = {"early_seconds": PATIENCE, "open_seconds": PATIENCE}
"""For environments: on a busy machine it takes longer than on Lambda to load what they need."""


@dataclass(kw_only=True)
class Stage:
    """A broker's table and queues, who writes to them, and a receiver."""

    settings: FunctionSettings
    table: DynamoTable
    queues: SqsHintQueues
    sink: WebhookSink
    aws: Any
    """A client of SQS."""
    endpoints: list[Endpoint] = field(default_factory=list)

    @property
    def source(self) -> EventSource:
        return EventSource(client=self.aws, queue=f"{self.settings.queue_prefix}-deliveries")

    async def endpoint(self, **fields: Any) -> Endpoint:  # noqa: ANN401 - fields of any type
        now = time.time()
        made = Endpoint(
            id=EndpointId(unique("whk")),
            tenant=TENANT,
            url=self.sink.url,
            event_types=("*",),
            secrets=(SigningSecret(secret=SECRET),),
            created_at=now,
            updated_at=now,
        )
        kept = await self.table.tenants.put_endpoint(
            replace(made, **fields), expected_version=None, idempotency=None
        )
        self.endpoints.append(kept)
        return kept

    async def session(self, *, events: int, state: State = State.ENDED) -> Session:
        """One that is over, so that no link is wanted, with so many events."""
        now = time.time()
        made = a_session(state=state, shard=0, created_at=now, updated_at=now)
        await self.table.sessions.create(
            made, events=(), sends=(), idempotency=None, may_replace=None
        )
        for sequence in range(1, events + 1):
            await self.append(made, sequence)
        return made

    async def append(self, session: Session, sequence: int) -> LogEvent:
        event = an_event(session, sequence, at=time.time())
        await self.table.sessions.append(event)
        return event

    async def hint(self, session: Session) -> None:
        """As whoever appended does."""
        for endpoint in self.endpoints:
            await self.queues.hints.lane(endpoint.id, session.id)

    async def lane(self, endpoint: Endpoint, session: Session) -> Lane:
        found = await self.table.lanes.lane(endpoint.id, session.id)
        assert found is not None
        return found

    def courier(self, **changes: Any) -> courier.Environment:  # noqa: ANN401 - fields of any type
        return courier.Environment(lambda: self.settings.model_copy(update=changes), **UNHURRIED)

    def sweeper(self) -> sweeper.Environment:
        return sweeper.Environment(lambda: self.settings, **UNHURRIED)

    def sequences(self) -> dict[str, list[int]]:
        """What came for each session, in the order of arrival."""
        came: dict[str, list[int]] = {}
        for event in self.sink.events:
            came.setdefault(event["data"]["sessionId"], []).append(event["data"]["sequence"])
        return came


@asynccontextmanager
async def function(
    environment: (
        api.Environment | courier.Environment | listener.Environment | sweeper.Environment
    ),
) -> AsyncIterator[Function]:
    """The environment on a thread of its own, closed in the end."""
    made = Function(environment.invoke)
    try:
        yield made
    finally:
        await made.run(environment.close)
        made.close()


async def eventually(holds: Callable[[], Awaitable[bool]], *, within: float = PATIENCE) -> None:
    """Asks less often than one that asks nobody else."""
    await patience.eventually(holds, within=within, every=0.05)


@pytest.fixture(scope="session")
def faults(aws_endpoint: str) -> Iterator[FaultProxy]:
    with fault_proxy(aws_endpoint) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def stage(
    aws_endpoint: str, aws_session: AwsSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    name = unique("functions")
    settings = FunctionSettings(
        table=name,
        queue_prefix=name,
        shards=1,
        data_dir=tmp_path,
        retry_scale=SCALE,
        AWS_ENDPOINT_URL=aws_endpoint,
    ).model_copy(update={"webhook_allow": LOOPBACK})
    cipher = AesCipher(file_key(tmp_path / "encryption.key"))
    # With one session for all tests: to load what boto3 knows takes a third of a second.
    table = open_dynamodb(
        DynamoSettings(table=name, endpoint_url=aws_endpoint), cipher=cipher, session=aws_session
    )
    queues = open_sqs(
        SqsSettings(prefix=name, shards=1, endpoint_url=aws_endpoint),
        clock=patience.UnhurriedClock(),
        session=aws_session,
    )
    await table.create_table_if_missing()
    await queues.create_if_missing()
    client = aws_session.client("sqs", endpoint_url=aws_endpoint)
    async with webhook_sink() as sink:
        yield Stage(settings=settings, table=table, queues=queues, sink=sink, aws=client)
    client.close()
    await queues.close()
    await table.close()
