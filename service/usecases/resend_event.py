"""POST one event of a session's log to an endpoint once more, now, because somebody asked for it.

Outside of the lane: its cursor stays, and nothing is retried. It is the same event with the same
id, so a receiver that remembers ids will not take it twice.
"""

from contextlib import suppress
from dataclasses import dataclass

from service.domain.access import ApiKey
from service.domain.errors import EndpointUnverifiedError, EventNotWantedError, NotFoundError
from service.domain.ids import EndpointId, SessionId
from service.domain.log import LogEvent
from service.ports import Clock, SessionStore, TenantStore
from service.usecases.idempotency import Answer
from service.usecases.owned_endpoint import owned_endpoint
from service.usecases.post_event import PostEvent
from service.usecases.read_deliveries import attempt_view
from service.usecases.read_session import owned
from service.usecases.record_attempt import RecordAttempt, tell_attempt
from service.webhook.envelope import event_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendEvent:
    """One attempt outside of every lane, whatever state the endpoint is in."""

    tenants: TenantStore
    sessions: SessionStore
    clock: Clock
    post_event: PostEvent
    record: RecordAttempt

    async def __call__(
        self, key: ApiKey, endpoint_id: EndpointId, *, session_id: SessionId, sequence: int
    ) -> Answer:
        """200 and the attempt.

        Raises NotFoundError, EventNotWantedError (by its filter), EndpointUnverifiedError.
        """
        endpoint = await owned_endpoint(self.tenants, key.tenant, endpoint_id)
        if endpoint.must_prove_itself:
            raise EndpointUnverifiedError(endpoint_id=endpoint.id)
        event = await self._event(key, session_id, sequence)
        if not endpoint.wants(event.type):
            raise EventNotWantedError(event_type=event.type.value)
        at = self.clock.now()
        answer = await self.post_event(
            endpoint, event.id, body=event_bytes(event), trace=event.traced
        )
        made = self.record.outside(endpoint, event, answer, at=at)
        tell_attempt(endpoint, event, made)
        with suppress(NotFoundError):
            # A session that was erased meanwhile keeps nothing more.
            await self.sessions.load(session_id)
            await self.record(made)
        return Answer(status=200, body=attempt_view(made))

    async def _event(self, key: ApiKey, session_id: SessionId, sequence: int) -> LogEvent:
        await owned(self.sessions, key.tenant, session_id)
        page = await self.sessions.read_log(session_id, after=sequence - 1, limit=1)
        if not page.events:
            raise NotFoundError(kind="event", name=f"{sequence} of {session_id}")
        return page.events[0]  # a log has no holes
