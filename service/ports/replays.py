"""Port to the table: replays and their strands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from service.domain.access import IdempotencyRecord
from service.domain.ids import EndpointId, ReplayId, SessionId, TenantName
from service.domain.replay import Replay, Strand
from service.ports.sessions import DuePage, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSession:
    """A session on a walk over all of a tenant's. `place` is where to go on."""

    session_id: SessionId
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DueStrand:
    """A strand that somebody should look at then."""

    replay_id: ReplayId
    number: int
    due_at: float


class ReplayStore(Protocol):
    """Replays of endpoints. What is over is kept for 30 days."""

    async def create(
        self, replay: Replay, strands: Sequence[Strand], *, idempotency: IdempotencyRecord | None
    ) -> Replay:
        """Keep a new replay with its strands. Raises IdempotencyInProgressError."""

    async def replay(self, endpoint_id: EndpointId, replay_id: ReplayId) -> Replay | None:
        """The replay as it is, strongly consistent."""

    async def list_replays(
        self, endpoint_id: EndpointId, *, cursor: str | None, limit: int
    ) -> Page[Replay]:
        """Newest first, strongly consistent. Raises InvalidRequestError for a bad cursor."""

    async def change(self, before: Replay, after: Replay) -> Replay:
        """Put `after` in the place of `before`, by its version. Raises VersionConflictError."""

    async def strands_of(self, replay_id: ReplayId) -> Sequence[Strand]:
        """Every strand of a replay by its number, strongly consistent."""

    async def strand(self, replay_id: ReplayId, number: int) -> Strand | None:
        """The strand as it is, strongly consistent."""

    async def save(self, before: Strand, after: Strand) -> Strand:
        """Put `after` in the place of `before`, claims included; the version decides.

        Raises VersionConflictError.
        """

    async def finish(self, before: Strand, after: Strand, *, now: float) -> Strand:
        """Save the end of a strand and count it in its replay, in one transaction.

        Raises VersionConflictError (the strand moved), UnavailableError.
        """

    async def sessions_from(
        self, tenant: TenantName, *, place: str, until: float, limit: int
    ) -> Sequence[FoundSession]:
        """The tenant's sessions after that place ("": from the first), made up to then.

        By the time they were made; erased ones may be among them. Eventually consistent.
        """

    async def due_strands(
        self, *, before: float, limit: int, after: object | None = None
    ) -> DuePage[DueStrand]:
        """Strands that are due before then, oldest first, eventually consistent."""

    async def drop_replays(self, endpoint_id: EndpointId) -> bool:
        """Remove replays of a deleted endpoint, some at a time; True when nothing is left."""
