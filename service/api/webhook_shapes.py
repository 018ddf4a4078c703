"""What is answered about webhooks, as models for the OpenAPI document."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from service.api.shapes import Outbound
from service.api.webhook_words import (
    ERROR,
    EVENT_TYPES,
    MAX_CONCURRENCY,
    ON_EXHAUSTED,
    RATE_LIMIT,
    RETRY_SCHEDULE,
    TIMEOUT_SECONDS,
    VERIFY,
)
from service.domain.endpoint import EndpointState, OnExhausted


class WebhookOut(Outbound):
    """An endpoint. `paused`: its owner's wish, or unverified; `disabled` keeps the backlog too."""

    id: str
    url: str
    event_types: list[str] = Field(description=EVENT_TYPES)
    description: str | None
    headers: dict[str, str] = Field(description="Credentials among them as `[redacted]`.")
    enabled: bool
    state: EndpointState
    disabled_reason: str | None = Field(
        description="`requested`, `unverified` (paused until it sends a challenge back), or why "
        "the broker disabled it."
    )
    verify: bool = Field(description=VERIFY)
    verified: bool = Field(description="Whether the present URL ever sent a challenge back.")
    rate_limit: int | None = Field(description=RATE_LIMIT)
    max_concurrency: int | None = Field(description=MAX_CONCURRENCY)
    timeout_seconds: float = Field(description=TIMEOUT_SECONDS)
    retry_schedule: Literal["default", "standard"] | list[float] = Field(description=RETRY_SCHEDULE)
    asymmetric: bool
    public_key: str | None = Field(description="`whpk_`: verifies the newest `v1a` signature.")
    on_exhausted: OnExhausted = Field(description=ON_EXHAUSTED)
    skip_after_seconds: int
    created_at: datetime
    updated_at: datetime


class WebhookSecretOut(WebhookOut):
    """An endpoint with its signing secret, shown this once."""

    secret: str


class WebhookPageOut(Outbound):
    """A page of endpoints."""

    items: list[WebhookOut]
    next_cursor: str | None


class WebhookTestOut(Outbound):
    """What one test event came to. `status` is null when no answer came."""

    event_id: str
    delivered: bool
    status: int | None
    error: str | None = Field(description=ERROR)
    detail: str
    seconds: float


class WebhookVerificationOut(Outbound):
    """What one challenge came to, and how the endpoint stands then."""

    event_id: str
    passed: bool = Field(description="Whether this answer was 2xx and had the challenge.")
    status: int | None
    error: str | None = Field(description=ERROR)
    detail: str
    seconds: float
    answer: str = Field(description="What the receiver said, as in the list of attempts.")
    verified: bool
    state: EndpointState
