"""What the API answers, as models for the OpenAPI document: every field present, null when unknown.

Nothing is validated with them when serving: the views write the answers, and tests hold them to
this. So pydantic builds them when the document is asked for, not at each start of a function.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from service.api.content_shapes import OMITTED, RAW, ContentOut, OmittedOut
from service.domain.access import Scope
from service.domain.deployment import CarryOver, Mode, OnReadOnly, OnSessionLost
from service.domain.endpoint import EndpointState
from service.domain.log import EventType
from service.domain.message import AuthorKind, MessageStatus
from service.domain.session import Cause, EndedBy, EndMode, PublicState
from service.domain.told import Stage

T = TypeVar("T")
PROBLEM_REF: Final = {"$ref": "#/components/schemas/Problem"}
MEANINGS: Final[Mapping[int, str]] = {
    400: "The body is not JSON",
    401: "No key, or none that is known",
    403: "The key may not do this",
    404: "No such thing, or somebody else's",
    409: "The present state does not allow it",
    410: "It is gone at the contact centre",
    413: "The body is over 1 MiB, that of a file over 4,500,000 bytes",
    415: "The body is not application/json",
    422: "The request is wrong; `code` says how",
    429: "Too much at once; `Retry-After` says when it is worth trying again",
    500: "The broker's own mistake",
    502: "The contact centre refused, or the outcome can never be known",
    503: "Not now; `Retry-After` says when",
    508: "A delivery of the broker's own, whose webhook leads back here",
}
ALWAYS: Final = (401, 403, 500, 503)


def errors_of(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route can answer, with those that every route can."""
    return {
        status: {
            "description": MEANINGS[status],
            "content": {"application/problem+json": {"schema": PROBLEM_REF}},
        }
        for status in sorted({*statuses, *ALWAYS})
    }


def write_errors_of(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for a write: every one takes a body and an Idempotency-Key."""
    return errors_of(400, 409, 413, 415, 422, 508, *statuses)


class Outbound(BaseModel):
    """What all answers share."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", defer_build=True)


class FieldFaultOut(Outbound):
    """One wrong field."""

    pointer: str = Field(description="JSON pointer (RFC 6901) into the body, or /query/<name>.")
    detail: str


class Problem(BaseModel):
    """RFC 9457. Programs go by `code`; some codes bring more members."""

    model_config = ConfigDict(alias_generator=to_camel, extra="allow", defer_build=True)

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldFaultOut] = Field(default=[], description="With invalid_request and others.")
    session_id: str = Field(default="", description="With external_id_in_use.")
    message_id: str = Field(default="", description="With a message that failed for good.")
    sequence: int = Field(default=0, description="With a message that failed for good.")
    provider_code: str | None = Field(default=None, description="Genesys's own code.")
    offered: list[str] = Field(default=[], description="With option_not_offered: up to 50.")
    attachment_id: str = Field(default="", description="With attachment_state.")
    attachment_status: str = Field(default="", description="With attachment_state.")


class FailureOut(Outbound):
    """Why a session failed."""

    code: str
    detail: str


class MessageFailureOut(FailureOut):
    """Why a message failed."""

    provider_code: str | None


class AuthorOut(Outbound):
    """Who wrote a message."""

    kind: AuthorKind
    name: str | None
    image: str | None


class MessageOut(Outbound):
    """One message, in either direction. `unknown` is pending and always resolves."""

    id: str
    session_id: str
    sequence: int
    incarnation: int
    author: AuthorOut
    text: str | None
    content: list[ContentOut]
    raw: dict[str, Any] | None = Field(default=None, description=RAW)
    omitted: OmittedOut | None = Field(default=None, description=OMITTED)
    status: MessageStatus
    failure: MessageFailureOut | None
    custom_attributes: dict[str, str] | None
    metadata: dict[str, Any] | None
    recovered: bool
    late: bool
    occurred_at: datetime
    created_at: datetime


class TurnOut(Outbound):
    """A message, and what was answered to it."""

    message: MessageOut
    replies: list[MessageOut]
    turn_complete: bool


class TypingOut(Outbound):
    """Whether a typing frame went out, or was handed to the process that has the link."""

    sent: bool


class SessionFields(Outbound):
    """What a session shows everywhere."""

    id: str
    deployment: str
    external_id: str | None
    state: PublicState
    incarnation: int
    client_id: str = Field(description="Masked unless the key has sessions:secrets.")
    conversation_id: str | None
    participant_id: str | None
    authenticated: bool = Field(description="Whether the guest is signed in.")
    guest_name: str | None = Field(description="Who signed in, where Genesys said so.")
    ended_by: EndedBy | None
    ended_at: datetime | None
    resumable: bool | None
    on_read_only: OnReadOnly | None = Field(description="Null: as the deployment says.")
    failure: FailureOut | None
    expires_at: datetime | None
    last_sequence: int
    custom_attributes: dict[str, str]
    metadata: dict[str, Any] | None
    journey_context: dict[str, Any] | None = None
    created_at: datetime
    updated_at: datetime


class SessionOut(SessionFields):
    """One guest's chat. `message` only in the answer to a creation with a message."""

    message: MessageOut | None = None


class EndOut(Outbound):
    """How it was ended, and whether Genesys confirmed it."""

    mode: EndMode | None
    verified: bool | None


class SessionEndedOut(SessionFields):
    """The session; `ended` is null while the end is under way."""

    ended: EndOut | None


class SessionPageOut(Outbound):
    """A page of sessions."""

    items: list[SessionFields]
    next_cursor: str | None


class SegmentOut(Outbound):
    """One guest session under the session; the present one has no `replacedAt`."""

    incarnation: int
    conversation_id: str | None
    participant_id: str | None
    replaced_at: datetime | None
    cause: Cause | None


class MessagePageOut(Outbound):
    """A page of the transcript, ascending."""

    items: list[MessageOut]
    next_cursor: str | None
    segments: list[SegmentOut]


class WebhookNamed(BaseModel):
    """The endpoint that a `webhook.*` event speaks of."""

    model_config = ConfigDict(defer_build=True)

    id: str
    url: str = Field(description="Without its query.")
    description: str | None
    state: EndpointState


class EventDataOut(BaseModel):
    """What happened. Which of the later members there are depends on the type."""

    model_config = ConfigDict(alias_generator=to_camel, extra="allow", defer_build=True)

    session_id: str = Field(default="")
    external_id: str | None = None
    deployment: str = Field(default="")
    incarnation: int = Field(default=0)
    sequence: int | None = None
    message: MessageOut | None = None
    session: SessionFields | None = None
    conversation_id: str | None = Field(default=None, description="With `conversation.*`.")
    participant_id: str | None = Field(default=None, description="With `conversation.*`.")
    ended_by: EndedBy | None = Field(
        default=None, description="With `conversation.disconnected`: the chat itself goes on."
    )
    webhook: WebhookNamed | None = None
    stage: Stage | None = Field(default=None, description="What `webhook.failing` warns of.")
    reason: str | None = Field(default=None, description="Why an endpoint fails or was disabled.")


PUBLIC_TYPES: Final = tuple(kind for kind in EventType if kind is not EventType.ERASED)


class EventOut(Outbound):
    """One event: the same in the pull API and as a webhook's body."""

    id: str
    type: Annotated[str, Field(json_schema_extra={"enum": [*PUBLIC_TYPES]})]
    timestamp: datetime
    data: EventDataOut


class EventPageOut(Outbound):
    """Part of a log; always ask next with `nextAfter`."""

    items: list[EventOut]
    next_after: int
    last_sequence: int
    has_more: bool


class PlatformOut(Outbound):
    """The credentials' public half."""

    client_id: str


class DeploymentOut(Outbound):
    """A Messenger deployment and how its sessions are treated."""

    name: str
    deployment_id: str
    domain: str | None
    endpoint: str | None
    origin: str | None
    mode: Mode
    on_session_lost: OnSessionLost
    on_read_only: OnReadOnly
    carry_over: CarryOver
    auto_start: bool | None
    platform: PlatformOut | None
    organization_id: str | None
    locale: str | None
    heartbeat_seconds: float
    history_lag_seconds: float
    turn_quiet_ms: int
    created_at: datetime
    updated_at: datetime


class DeploymentPageOut(Outbound):
    """A page of deployments."""

    items: list[DeploymentOut]
    next_cursor: str | None


class ApiKeyOut(Outbound):
    """An API key, without the key."""

    id: str
    name: str
    tenant: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None


class ApiKeySecretOut(ApiKeyOut):
    """An API key with the key itself, shown this once."""

    key: str


class ApiKeyPageOut(Outbound):
    """A page of API keys."""

    items: list[ApiKeyOut]
    next_cursor: str | None


class HealthOut(Outbound):
    """This process serves."""

    status: str


class ReadyOut(HealthOut):
    """This process serves, and its table answers."""

    clock_behind_seconds: int | None = Field(
        description="By how much the clocks of most receivers (three or more, over TLS) say that "
        "ours is behind, ahead if negative; null if by less than a minute, or not known."
    )
