"""What callers may send, as strict models: an unknown field is an error, and no type is guessed.

Only shapes and types; limits that the core knows are checked by the use cases.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from service.api.answer_bodies import SendMessageBody
from service.api.authentication_body import AuthenticationBody
from service.api.inbound import Strict, Word
from service.api.journey_bodies import JourneyContext
from service.api.webhook_words import (
    EVENT_TYPES,
    MAX_CONCURRENCY,
    ON_EXHAUSTED,
    RATE_LIMIT,
    RETRY_SCHEDULE,
    TIMEOUT_SECONDS,
    VERIFY,
)
from service.domain.access import Scope
from service.domain.deployment import (
    HEARTBEAT_SECONDS,
    HISTORY_LAG_SECONDS,
    TURN_QUIET_MS,
    CarryOver,
    Mode,
    OnReadOnly,
    OnSessionLost,
    PlatformCredentials,
)
from service.domain.endpoint import SKIP_AFTER_SECONDS, OnExhausted
from service.domain.session import EndMode
from service.webhook.retry import NAMED_SCHEDULES, SCHEDULE
from service.webhook.rotation import GRACE_SECONDS, GRACE_SECONDS_MAX

SEQUENCE_MAX = 10**12 - 1

_FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _moment(value: object) -> object:
    """RFC 3339 only, in UTC from 1970 on: a bare number is seconds to one client, ms to another.

    An offset may lead out of what a calendar has: such a time could be kept, and never be shown.
    """
    if not isinstance(value, str) or _RFC_3339.fullmatch(value) is None:
        fault = "must be a time such as 2030-01-31T12:00:00Z"
        raise PydanticCustomError("moment", fault)
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except OverflowError:
        moment = None
    if moment is None or moment < _FIRST_MOMENT:
        fault = "must be a time from 1970-01-01T00:00:00Z to 9999-12-31T23:59:59Z"
        raise PydanticCustomError("moment", fault)
    return moment


Moment = Annotated[AwareDatetime, BeforeValidator(_moment, json_schema_input_type=datetime)]


class Inbound(Strict, BaseModel):
    """What all bodies share."""


class CreateSessionBody(Inbound):
    """A new session, with its first message if there is one to send.

    `onReadOnly`: what its messages do once the contact centre has ended the chat; else as the
    deployment says.
    """

    deployment: str
    external_id: str | None = None
    custom_attributes: dict[str, str] | None = None
    metadata: dict[str, Any] | None = None
    on_read_only: Annotated[OnReadOnly, Word] | None = None
    journey_context: JourneyContext | None = None
    message: SendMessageBody | None = None
    authentication: AuthenticationBody | None = None


class ChangeSessionBody(Inbound):
    """What to change of a session: merge patches (RFC 7396), null removes, what is absent stays."""

    custom_attributes: Annotated[
        dict[str, str | None] | None,
        Field(description="What is left goes out with the next message."),
    ] = None
    metadata: dict[str, Any] | None = None

    def given(self) -> dict[str, Any]:
        """The fields that the caller named."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class EndBody(Inbound):
    """How to end; by default `clear` where the deployment allows it, else `leave`."""

    mode: Annotated[EndMode, Word] | None = None


class Nothing(Inbound):
    """A body without fields; it may be left out."""


class PlatformBody(Inbound):
    """OAuth client credentials for the Platform API. Never shown again."""

    client_id: Annotated[str, Field(min_length=1, max_length=256)]
    client_secret: Annotated[str, Field(min_length=1, max_length=1024)]

    def value(self) -> PlatformCredentials:
        """As the core knows it."""
        return PlatformCredentials(client_id=self.client_id, client_secret=self.client_secret)


class _DeploymentFields(Inbound):
    domain: Annotated[
        str | None,
        Field(
            description="The domain of the Genesys Cloud region, such as `mypurecloud.de` or "
            "`usw2.pure.cloud`. Another one is refused, unless whoever runs this broker allows it."
        ),
    ] = None
    endpoint: str | None = None
    origin: str | None = None
    mode: Annotated[Mode, Word] = Mode.LIVE
    on_session_lost: Annotated[OnSessionLost, Word] = OnSessionLost.REPLACE
    on_read_only: Annotated[OnReadOnly, Word] = OnReadOnly.START_NEW
    carry_over: Annotated[CarryOver, Word] = CarryOver.ATTRIBUTES
    auto_start: bool | None = None
    platform: PlatformBody | None = None
    organization_id: Annotated[str, Field(max_length=128)] | None = None
    locale: str | None = None
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    history_lag_seconds: float = HISTORY_LAG_SECONDS
    turn_quiet_ms: int = TURN_QUIET_MS

    def given(self) -> dict[str, Any]:
        """The fields that the caller named, as the core knows them."""
        fields = {name: getattr(self, name) for name in self.model_fields_set}
        if self.platform is not None:
            fields["platform"] = self.platform.value()
        return fields


class CreateDeploymentBody(_DeploymentFields):
    """A Genesys Messenger deployment: `domain` or `endpoint`, and how to treat its sessions."""

    name: str
    deployment_id: str


class ChangeDeploymentBody(_DeploymentFields):
    """What to change; what is not named stays. The name is the path's."""

    deployment_id: str = ""


ImportedSecret = Annotated[
    str | None,
    Field(
        description="A secret made elsewhere: `whsec_` and 24 to 64 bytes in base64, standard "
        "alphabet, padding optional. Absent: one is made."
    ),
]


def _waits(given: object) -> object:
    """The list behind a name. Not a union of types: its errors would name types, not places."""
    is_name = isinstance(given, str) and given in NAMED_SCHEDULES
    return list(NAMED_SCHEDULES[str(given)]) if is_name else given


RetrySchedule = Annotated[
    list[float],
    BeforeValidator(_waits),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(NAMED_SCHEDULES), "type": "string"},
                {"items": {"type": "number"}, "type": "array"},
            ],
            "default": next(iter(NAMED_SCHEDULES)),
            "description": RETRY_SCHEDULE,
        }
    ),
]


class _WebhookFields(Inbound):
    event_types: Annotated[list[str], Field(description=EVENT_TYPES)] = ["*"]
    description: str | None = None
    headers: dict[str, str] = {}
    enabled: bool = True
    rate_limit: Annotated[int | None, Field(description=RATE_LIMIT)] = None
    max_concurrency: Annotated[int | None, Field(description=MAX_CONCURRENCY)] = None
    timeout_seconds: Annotated[float, Field(description=TIMEOUT_SECONDS)] = 15.0
    retry_schedule: RetrySchedule = list(SCHEDULE)
    asymmetric: Annotated[
        bool, Field(description="Sign with an ed25519 key pair (`v1a`) beside the secret (`v1`).")
    ] = False
    verify: Annotated[bool, Field(description=VERIFY)] = False
    on_exhausted: Annotated[OnExhausted, Field(strict=False, description=ON_EXHAUSTED)] = (
        OnExhausted.BLOCK
    )
    skip_after_seconds: Annotated[
        int, Field(description="With `skip`: how long the event must have failed; 60 to 432000.")
    ] = SKIP_AFTER_SECONDS


class StartFrom(StrEnum):
    """Where a new webhook begins."""

    NOW = "now"
    BEGINNING = "beginning"


class CreateWebhookBody(_WebhookFields):
    """Where events go, and which."""

    url: str
    secret: ImportedSecret = None
    start_from: Annotated[
        StartFrom,
        Field(
            strict=False,
            description="`beginning`: what is in the logs already comes too, as a replay.",
        ),
    ] = StartFrom.NOW


class ChangeWebhookBody(_WebhookFields):
    """What to change; what is not named stays."""

    url: str = ""


class RotateSecretBody(Inbound):
    """For how long the old keys still sign beside the new ones."""

    grace_seconds: Annotated[int, Field(ge=0, le=GRACE_SECONDS_MAX)] = GRACE_SECONDS
    secret: ImportedSecret = None


class ResendEventBody(Inbound):
    """Which event: a place in a session's log."""

    session_id: str
    sequence: Annotated[int, Field(ge=1, le=SEQUENCE_MAX)]


class StartReplayBody(Inbound):
    """What to deliver once more; without any field everything that is in the logs."""

    session_id: Annotated[str | None, Field(description="Only this session.")] = None
    from_sequence: Annotated[
        int | None,
        Field(ge=1, le=SEQUENCE_MAX, description="From this place of its log; needs `sessionId`."),
    ] = None
    since: Annotated[Moment | None, Field(description="Events from then on.")] = None
    until: Annotated[Moment | None, Field(description="Events up to then; by default now.")] = None
    types: Annotated[
        list[str] | None,
        Field(description="As `eventTypes`, and only among them; by default all of them."),
    ] = None


class CreateKeyBody(Inbound):
    """A new API key."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    tenant: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,63}$")] | None = None
    scopes: Annotated[list[Annotated[Scope, Word]], Field(min_length=1, max_length=16)] = [
        Scope.SESSIONS_READ,
        Scope.SESSIONS_WRITE,
    ]
    expires_at: Moment | None = None
