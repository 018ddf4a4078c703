"""Replays as their owner sees them: what was asked for, how far they are, what was left behind."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.domain.access import ApiKey
from service.domain.endpoint import Endpoint, EndpointState
from service.domain.errors import NotFoundError
from service.domain.ids import EndpointId, ReplayId
from service.domain.instants import maybe_rfc3339, rfc3339
from service.domain.replay import Replay, ReplayState, Skipped, Strand, Tally
from service.ports import ReplayStore, TenantStore
from service.usecases.idempotency import Answer
from service.usecases.owned_endpoint import owned_endpoint

ID_LENGTH_MAX: Final = 64
RUNNING: Final = "running"
WAITING: Final = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReplays:
    """What a tenant may see of its endpoints' replays. Writes nothing."""

    tenants: TenantStore
    replays: ReplayStore

    async def __call__(
        self, key: ApiKey, endpoint_id: EndpointId, replay_id: ReplayId, *, status: int = 200
    ) -> Answer:
        """`status` and the Replay. Raises NotFoundError."""
        endpoint = await owned_endpoint(self.tenants, key.tenant, endpoint_id)
        found = await self._found(endpoint, replay_id)
        return Answer(status=status, body=await self._view(endpoint, found))

    async def list(
        self, key: ApiKey, endpoint_id: EndpointId, *, cursor: str | None, limit: int
    ) -> Answer:
        """200 and a page, newest first. Raises NotFoundError, InvalidRequestError (the cursor)."""
        endpoint = await owned_endpoint(self.tenants, key.tenant, endpoint_id)
        page = await self.replays.list_replays(endpoint_id, cursor=cursor, limit=limit)
        items = await gather(*(self._view(endpoint, one) for one in page.items))
        return Answer(status=200, body={"items": items, "nextCursor": page.next_cursor})

    async def owned(self, key: ApiKey, endpoint_id: EndpointId, replay_id: ReplayId) -> Replay:
        """The replay, if its endpoint is this tenant's. Raises NotFoundError."""
        endpoint = await owned_endpoint(self.tenants, key.tenant, endpoint_id)
        return await self._found(endpoint, replay_id)

    async def _found(self, endpoint: Endpoint, replay_id: ReplayId) -> Replay:
        missing = NotFoundError(kind="replay", name=replay_id[:ID_LENGTH_MAX])
        if len(replay_id) > ID_LENGTH_MAX or not replay_id.isprintable() or "#" in replay_id:
            raise missing
        found = await self.replays.replay(endpoint.id, replay_id)
        if found is None:
            raise missing
        return found

    async def _view(self, endpoint: Endpoint, found: Replay) -> dict[str, Any]:
        return replay_view(found, await self.replays.strands_of(found.id), endpoint)


def replay_view(found: Replay, strands: Sequence[Strand], endpoint: Endpoint) -> dict[str, Any]:
    """The Replay of the REST API."""
    asked, failure = found.range, found.failure
    updated_at = max([found.updated_at, *(strand.updated_at for strand in strands)])
    named = sorted((one for strand in strands for one in strand.named), key=lambda one: one.at)
    return {
        "id": found.id,
        "webhookId": found.endpoint_id,
        "state": _state(found, strands, endpoint),
        "sessionId": asked.session_id,
        "fromSequence": asked.from_sequence,
        "since": maybe_rfc3339(asked.since),
        "until": rfc3339(asked.until),
        "types": None if asked.types is None else list(asked.types),
        "progress": _progress(strands),
        "skippedEvents": [_skipped_view(one) for one in named],
        "failure": failure and {"code": failure.code, "detail": failure.detail},
        "createdAt": rfc3339(found.created_at),
        "updatedAt": rfc3339(updated_at),
        "finishedAt": maybe_rfc3339(found.finished_at),
    }


def _state(found: Replay, strands: Sequence[Strand], endpoint: Endpoint) -> str:
    """Waiting: nothing goes on before the endpoint opens, or is well again."""
    if found.state is not ReplayState.OPEN:
        return found.state.value
    at_work = any(not strand.done and not strand.parked for strand in strands)
    return RUNNING if at_work and endpoint.state is EndpointState.ACTIVE else WAITING


def _progress(strands: Sequence[Strand]) -> dict[str, int]:
    tally = Tally()
    for strand in strands:
        tally = tally.plus(strand.tally)
    return {
        "sessionsFound": tally.found,
        "sessionsDone": tally.done,
        "delivered": tally.delivered,
        "skipped": tally.skipped,
    }


def _skipped_view(one: Skipped) -> dict[str, Any]:
    return {
        "sessionId": one.session_id,
        "sequence": one.sequence,
        "eventId": one.event_id,
        "eventType": one.event_type.value,
        "at": rfc3339(one.at),
        "attempts": one.attempts,
        "status": one.status,
        "error": one.error,
    }
