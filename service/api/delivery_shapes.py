"""What is answered about deliveries, as models for the OpenAPI document."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from service.api.shapes import Outbound
from service.api.webhook_words import ERROR
from service.domain.attempt import Decision, Trigger
from service.domain.endpoint import EndpointState
from service.domain.told import Stage


class PhasesOut(Outbound):
    """Seconds of each part of an attempt; null where it was not reached or not needed.

    A kept connection needs no `connect` and no `tls`. `firstByte`: from the first byte sent to the
    complete head of the answer.
    """

    dns: float | None
    connect: float | None
    tls: float | None
    first_byte: float | None


class AttemptOut(Outbound):
    """One POST of one event."""

    id: str
    session_id: str | None = Field(
        description="Null for `webhook.*`, which belong to no session; so is `sequence`."
    )
    sequence: int | None
    event_id: str
    event_type: str
    at: datetime = Field(description="When it began.")
    trigger: Trigger = Field(
        description="`probe`: sent to see whether the endpoint is back. `replay`: by a replay."
    )
    attempt: int | None = Field(
        description="Which one of this event it was, from 1; null for a resend."
    )
    status: int | None = Field(description="Null when no answer came; `error` then says why.")
    error: str | None = Field(description=ERROR)
    detail: str
    seconds: float
    phases: PhasesOut
    answer: str = Field(
        description="What the receiver said: 2048 bytes of a refusal, 256 of a success, what "
        "cannot be printed escaped, credentials of `headers` as `[redacted]`."
    )
    decision: Decision = Field(
        description="What followed. `exhausted`: the schedule is used up, it is still tried twice "
        "a day. `confirmGone`: 410, asked once more. `skip`: left behind, told as a gap, or named "
        "by its replay. `none`: a resend that did not come through."
    )
    next_attempt_at: datetime | None = Field(description="As it was known then.")


class AttemptPageOut(Outbound):
    """A page of attempts, newest first. It may be short although more follow."""

    items: list[AttemptOut]
    next_cursor: str | None


class EndpointHealth(StrEnum):
    """How an endpoint does as a whole."""

    WELL = "well"
    PAUSED = "paused"
    DOWN = "down"


class WarningOut(Outbound):
    """Something that the owner was told of an endpoint."""

    stage: Stage
    at: datetime


class WebhookStatsOut(Outbound):
    """How an endpoint does. Counts end at 1000 and may lag by seconds."""

    state: EndpointState
    disabled_reason: str | None
    health: EndpointHealth = Field(
        description="`down`: only probes go out. `paused`: it asked to be left alone for a while."
    )
    paused_until: datetime | None
    next_probe_at: datetime | None
    failing_since: datetime | None = Field(
        description="When the first attempt failed since the last that did not."
    )
    failures_in_a_row: int
    warnings: list[WarningOut] = Field(
        description="What was told (`webhook.failing`, `webhook.disabled`) and is not over yet."
    )
    lanes_waiting: int = Field(
        description="Of the latest 20,000 sessions, those whose next delivery waits for a time."
    )
    failed_today: int = Field(description="Attempts that failed on this day (UTC).")
