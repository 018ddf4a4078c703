"""Lanes over the embedded table on disk and real HTTP: what a receiver sees, restarts included."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.adapters.ed25519 import Ed25519Signer
from service.adapters.embedded.opening import EmbeddedTable, open_embedded
from service.adapters.system import SystemClock, SystemIds
from service.adapters.webhook_http import WebhookSender
from service.domain.endpoint import Endpoint, SigningSecret
from service.domain.ids import (
    ClientId,
    DeploymentName,
    EndpointId,
    EventId,
    LogId,
    ReplayId,
    SessionId,
    TenantName,
)
from service.domain.log import EventType, LogEvent
from service.domain.session import Session, State
from service.usecases.deliver_lane import DeliverLane
from service.usecases.endpoint_gate import EndpointGate
from service.usecases.keep_lane import KeepLane
from service.usecases.known_endpoints import KnownEndpoints
from service.usecases.logs import Logs
from service.usecases.moot_hints import MootHints
from service.usecases.post_event import PostEvent
from service.usecases.read_lane import ReadLane
from service.usecases.record_attempt import RecordAttempt
from service.usecases.tell_owner import TellOwner
from service.usecases.weigh_failure import WeighFailure
from service.webhook.envelope import event_bytes
from service.webhook.rotation import rotated
from service.webhook.target import networks
from tests.support.lane_world import SECRET, TENANT, PlainCipher
from tests.support.webhook_sink import WebhookSink, answer, reset, webhook_sink

CLOCK = SystemClock()
NEW = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class NoHints:
    async def session(self, session_id: SessionId, shard: int) -> None: ...

    async def typing(self, session_id: SessionId, shard: int, *, at: float) -> None: ...

    async def lane(
        self, endpoint_id: EndpointId, session_id: LogId, *, delay: float = 0.0, hops: int = 0
    ) -> None: ...

    async def replay(
        self, replay_id: ReplayId, strand: int, *, delay: float = 0.0, hops: int = 0
    ) -> None: ...


@pytest.fixture(name="sink")
async def _sink() -> AsyncIterator[WebhookSink]:
    async with webhook_sink() as sink:
        yield sink


@pytest.fixture(name="sender")
async def _sender() -> AsyncIterator[WebhookSender]:
    sender = WebhookSender(clock=CLOCK, allowed_networks=networks("127.0.0.0/8"))
    yield sender
    await sender.close()


def opened(folder: Path) -> EmbeddedTable:
    return open_embedded(folder, cipher=PlainCipher(), clock_now=CLOCK.now)


def courier(table: EmbeddedTable, sender: WebhookSender) -> DeliverLane:
    reader = ReadLane(
        clock=CLOCK,
        logs=Logs(sessions=table.sessions, tenant_log=table.tenant_log),
        lanes=table.lanes,
        moot=MootHints(clock=CLOCK),
    )
    ids = SystemIds()
    gate = EndpointGate(
        clock=CLOCK, ids=ids, healths=table.healths, lanes=table.lanes, hints=NoHints()
    )
    tell_owner = TellOwner(
        clock=CLOCK,
        ids=ids,
        healths=table.healths,
        endpoints=KnownEndpoints(clock=CLOCK, tenants=table.tenants),
        hints=NoHints(),
    )
    return DeliverLane(
        clock=CLOCK,
        ids=ids,
        lanes=table.lanes,
        tenants=table.tenants,
        keep=KeepLane(clock=CLOCK, ids=ids, lanes=table.lanes, hints=NoHints()),
        reader=reader,
        post_event=PostEvent(clock=CLOCK, signer=Ed25519Signer(), webhook_http=sender),
        record=RecordAttempt(clock=CLOCK, ids=ids, attempts=table.attempts),
        gate=gate,
        weigh_failure=WeighFailure(
            clock=CLOCK, gate=gate, tell_owner=tell_owner, retry_scale=0.001
        ),
        tell_owner=tell_owner,
        retry_scale=0.001,
    )


async def made(table: EmbeddedTable, url: str) -> tuple[Endpoint, Session]:
    now = CLOCK.now()
    endpoint = Endpoint(
        id=EndpointId("whk_1"),
        tenant=TENANT,
        url=url,
        event_types=("*",),
        secrets=(SigningSecret(secret=SECRET),),
        created_at=now,
        updated_at=now,
    )
    session = Session(
        id=SessionId("ses_1"),
        tenant=TenantName(TENANT),
        deployment=DeploymentName("main"),
        external_id=None,
        shard=0,
        state=State.LIVE,
        version=1,
        incarnation=1,
        client_id=ClientId("b7f6c1de-0000-4000-8000-000000000000"),
        created_at=now,
        updated_at=now,
    )
    await table.tenants.put_endpoint(endpoint, expected_version=None, idempotency=None)
    await table.sessions.create(session, events=(), sends=(), idempotency=None, may_replace=None)
    return endpoint, session


async def append(table: EmbeddedTable, session: Session, count: int) -> list[LogEvent]:
    first = LogEvent(
        id=EventId(""),
        session_id=session.id,
        sequence=0,
        type=EventType.MESSAGE_RECEIVED,
        at=CLOCK.now(),
        incarnation=1,
        data={"sessionId": session.id, "text": "héllo \u2028 👋", "z": {"b": 1, "a": [1.5, None]}},
    )
    events = [
        replace(first, id=EventId(f"evt_{n}"), sequence=n, data={**first.data, "sequence": n})
        for n in range(1, count + 1)
    ]
    for event in events:
        await table.sessions.append(event)
    return events


async def test_a_receiver_sees_every_event_in_order_signed_and_byte_for_byte(
    sink: WebhookSink, sender: WebhookSender, tmp_path: Path
) -> None:
    table = opened(tmp_path)
    endpoint, session = await made(table, sink.url)
    events = await append(table, session, 30)
    sink.script.extend([answer(), answer(500), reset()])

    for _ in range(3):
        await courier(table, sender)(endpoint.id, session.id)
        await CLOCK.sleep(0.1)
    await table.close()

    sink.verify_all(SECRET)
    bodies = [request.body for request in sink.requests]
    assert list(dict.fromkeys(bodies)) == [event_bytes(event) for event in events]
    assert bodies.count(event_bytes(events[1])) == 3
    assert len(bodies) == 32
    assert {request.connection for request in sink.requests} <= {1, 2}


async def test_a_restart_goes_on_where_the_table_says(
    sink: WebhookSink, sender: WebhookSender, tmp_path: Path
) -> None:
    table = opened(tmp_path)
    endpoint, session = await made(table, sink.url)
    await append(table, session, 4)
    sink.script.extend([answer(), answer(), answer(503)])
    await courier(table, sender)(endpoint.id, session.id)
    await table.close()

    again = opened(tmp_path)
    await CLOCK.sleep(0.1)
    await courier(again, sender)(endpoint.id, session.id)
    await again.close()

    assert [event["data"]["sequence"] for event in sink.events] == [1, 2, 3, 3, 4]
    lanes = [request.headers["broker-lane-sequence"] for request in sink.requests]
    assert lanes == ["1", "2", "3", "3", "4"]


@pytest.mark.parametrize(("grace", "keys"), [(60, 2), (0, 1)])
async def test_a_rotation_during_an_attempt_counts_from_the_next_one(
    sink: WebhookSink, sender: WebhookSender, tmp_path: Path, grace: int, keys: int
) -> None:
    table = opened(tmp_path)
    endpoint, session = await made(table, sink.url)
    await append(table, session, 1)

    async def rotate_and_fail(writer: asyncio.StreamWriter) -> bool:
        now = CLOCK.now()
        secrets = rotated(endpoint.secrets, secret=NEW, pair="", now=now, grace_seconds=grace)
        changed = replace(endpoint, secrets=secrets)
        await table.tenants.put_endpoint(changed, expected_version=1, idempotency=None)
        return await answer(503)(writer)

    sink.script.append(rotate_and_fail)
    for _ in range(2):
        await courier(table, sender)(endpoint.id, session.id)
        await CLOCK.sleep(0.1)
    await table.close()

    before, after = sink.requests
    before.verify(SECRET)
    after.verify(NEW)
    signatures = [one.headers["webhook-signature"].split(" ") for one in sink.requests]
    assert [len(one) for one in signatures] == [1, keys]
    if grace:
        after.verify(SECRET)
