"""Values for tests of the stores, each whole and plausible; a test names only what it is about."""

import dataclasses
import itertools
from typing import Any, Final

from service.adapters.dynamodb.expressions import plain_item, typed_item
from service.adapters.table.conditions import Item
from service.domain.access import ApiKey, IdempotencyRecord, Scope
from service.domain.attempt import Attempt, Decision, Trigger
from service.domain.deployment import Deployment, PlatformCredentials
from service.domain.endpoint import Endpoint, Lane, SigningSecret
from service.domain.ids import (
    ApiKeyId,
    AttemptId,
    ClientId,
    DeploymentName,
    EndpointId,
    EventId,
    MessageId,
    ReplayId,
    SessionId,
    TenantName,
)
from service.domain.log import EventType, LogEvent
from service.domain.message import SendBody
from service.domain.replay import Range, Replay
from service.domain.send import PendingSend, SendKind
from service.domain.session import Session, State

NOW: Final = 1_900_000_000.25
TENANT: Final = TenantName("acme")
CLIENT_ID: Final = ClientId("3f1c9a52-1111-4222-8333-444455556666")
_number: Final = itertools.count(1)


def unique(prefix: str) -> str:
    """An id that no other has, rising in text order."""
    return f"{prefix}_{next(_number):08d}"


def a_session(**changes: Any) -> Session:  # noqa: ANN401 - fields of any type
    """A session that was just accepted."""
    session = Session(
        id=SessionId(unique("ses")),
        tenant=TENANT,
        deployment=DeploymentName("shop"),
        external_id=None,
        shard=7,
        state=State.CREATED,
        version=1,
        incarnation=1,
        client_id=CLIENT_ID,
        created_at=NOW,
        updated_at=NOW,
    )
    return dataclasses.replace(session, **changes)


def an_event(session: Session | SessionId, sequence: int, **changes: Any) -> LogEvent:  # noqa: ANN401 - the same
    """A received message at that place."""
    session_id = session.id if isinstance(session, Session) else session
    event = LogEvent(
        id=EventId(unique("evt")),
        session_id=session_id,
        sequence=sequence,
        type=EventType.MESSAGE_RECEIVED,
        at=NOW + sequence,
        incarnation=1,
        data={"sessionId": session_id, "sequence": sequence, "message": {"text": "Grüße 👋"}},
        keys=frozenset({f"b:{session_id}-{sequence}"}),
        channel_time=NOW + sequence - 0.5,
    )
    return dataclasses.replace(event, **changes)


def a_send(session: Session, sequence: int, **changes: Any) -> PendingSend:  # noqa: ANN401 - the same
    """A caller's message on its way."""
    send = PendingSend(
        session_id=session.id,
        sequence=sequence,
        kind=SendKind.MESSAGE,
        message_id=MessageId(unique("msg")),
        tracing_id=unique("trace"),
        metadata_id=unique("meta"),
        body=SendBody(text="hello", custom_attributes={"order": "7"}, metadata={"deep": [1, None]}),
        accepted_at=NOW,
    )
    return dataclasses.replace(send, **changes)


def an_answer(**changes: Any) -> IdempotencyRecord:  # noqa: ANN401 - the same
    """What an Idempotency-Key did."""
    answer = IdempotencyRecord(
        tenant=TENANT,
        key=f"POST /v1/sessions {unique('idem')}",
        request_hash="cafe",
        status=201,
        result='{"sessionId":"ses_1"}',
        created_at=NOW,
        expires_at=NOW + 86_400,
    )
    return dataclasses.replace(answer, **changes)


def a_lane(session: Session, **changes: Any) -> Lane:  # noqa: ANN401 - the same
    """A lane that does not exist yet."""
    lane = Lane(endpoint_id=EndpointId(unique("whk")), session_id=session.id, cursor=0)
    return dataclasses.replace(lane, **changes)


def an_attempt(**changes: Any) -> Attempt:  # noqa: ANN401 - the same
    """A delivery that went well at once."""
    attempt = Attempt(
        id=AttemptId(unique("try")),
        endpoint_id=EndpointId("whk_1"),
        session_id=SessionId("ses_1"),
        sequence=1,
        event_id=EventId(unique("evt")),
        event_type=EventType.MESSAGE_RECEIVED,
        at=NOW,
        trigger=Trigger.LIVE,
        number=1,
        status=200,
        seconds=0.012,
        answer="ok",
        decision=Decision.DELIVERED,
    )
    return dataclasses.replace(attempt, **changes)


def a_replay(**changes: Any) -> Replay:  # noqa: ANN401 - the same
    """One over all sessions that are older than now, in two strands."""
    replay = Replay(
        id=ReplayId(unique("rpl")),
        endpoint_id=EndpointId(unique("whk")),
        tenant=TenantName("acme"),
        range=Range(until=NOW),
        strands=2,
        unfinished=2,
        created_at=NOW,
        updated_at=NOW,
    )
    return dataclasses.replace(replay, **changes)


def an_endpoint(**changes: Any) -> Endpoint:  # noqa: ANN401 - the same
    """A webhook with a secret and a header that is one."""
    endpoint = Endpoint(
        id=EndpointId(unique("whk")),
        tenant=TENANT,
        url="https://example.com/hook",
        event_types=("message.*",),
        headers={"authorization": "Bearer header-secret"},
        secrets=(
            SigningSecret(secret="whsec_new"),
            SigningSecret(secret="whsk_private"),
            SigningSecret(secret="whsec_old", expires_at=NOW + 60),
        ),
        created_at=NOW,
        updated_at=NOW,
    )
    return dataclasses.replace(endpoint, **changes)


def a_deployment(**changes: Any) -> Deployment:  # noqa: ANN401 - the same
    """A deployment with platform credentials."""
    deployment = Deployment(
        tenant=TENANT,
        name=DeploymentName(unique("shop").replace("_", "-")),
        deployment_id="dep-1",
        domain="mypurecloud.de",
        platform=PlatformCredentials(client_id="oauth", client_secret="platform-secret"),
        created_at=NOW,
        updated_at=NOW,
    )
    return dataclasses.replace(deployment, **changes)


def an_api_key(**changes: Any) -> ApiKey:  # noqa: ANN401 - the same
    """A key that may read and write sessions."""
    key = ApiKey(
        id=ApiKeyId(unique("key")),
        tenant=TENANT,
        name="first",
        digest=unique("digest"),
        scopes=(Scope.SESSIONS_READ, Scope.SESSIONS_WRITE),
        created_at=NOW,
    )
    return dataclasses.replace(key, **changes)


def through_dynamodb(item: Item) -> Item:
    """As it comes back from there: a number without a fraction is spelled without one."""
    typed = typed_item(item)
    spelled = {
        name: {"N": value["N"].removesuffix(".0")} if "N" in value else value
        for name, value in typed.items()
    }
    return plain_item(spelled)
