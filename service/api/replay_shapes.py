"""What is answered about replays, as models for the OpenAPI document."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from service.api.shapes import Outbound


class ReplayWord(StrEnum):
    """How far a replay is."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class ReplayProgressOut(Outbound):
    """Sessions and events so far. Sessions are found as the replay goes on."""

    sessions_found: int
    sessions_done: int
    delivered: int
    skipped: int = Field(description="Events that were left behind.")


class SkippedEventOut(Outbound):
    """An event that a replay left behind, with what its last attempt came to."""

    session_id: str
    sequence: int
    event_id: str
    event_type: str
    at: datetime
    attempts: int
    status: int | None
    error: str | None


class ReplayFailureOut(Outbound):
    """Why a replay came to no good end."""

    code: str = Field(description="`overdue`: its webhook took nothing for 30 days.")
    detail: str


class ReplayOut(Outbound):
    """A part of the logs that is delivered once more. Kept for 30 days after its end."""

    id: str
    webhook_id: str
    state: ReplayWord = Field(
        description="`waiting`: for the webhook, which is closed, down or paused."
    )
    session_id: str | None
    from_sequence: int | None
    since: datetime | None
    until: datetime
    types: list[str] | None
    progress: ReplayProgressOut
    skipped_events: list[SkippedEventOut] = Field(
        description="The first of those that were left behind, 80 at most."
    )
    failure: ReplayFailureOut | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class ReplayPageOut(Outbound):
    """A page of replays, newest first."""

    items: list[ReplayOut]
    next_cursor: str | None
