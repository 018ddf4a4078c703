"""Pass `typing.started` on to the endpoints that ask for it by name: at most once, unlogged."""

from asyncio import gather
from dataclasses import dataclass

from service.domain.endpoint import Endpoint, EndpointState
from service.domain.ids import EVENT, EventId
from service.domain.log import EventType
from service.domain.session import Session
from service.ports import Clock, Ids
from service.usecases.known_endpoints import KnownEndpoints
from service.usecases.post_event import PostEvent
from service.usecases.record_attempt import tell_post
from service.webhook.envelope import typing_event_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PushTyping:
    """One POST for each endpoint that wants it; a failure is forgotten: typing is stale at once."""

    clock: Clock
    ids: Ids
    endpoints: KnownEndpoints
    post_event: PostEvent

    async def __call__(self, session: Session) -> None:
        """Tell that the agent or a bot is typing in that session; returns when all were tried."""
        takers = [each for each in await self.endpoints(session.tenant) if _takes(each)]
        if not takers:
            return
        event_id = EventId(self.ids.ulid(EVENT))
        body = typing_event_bytes(event_id, session=session, at=self.clock.now())
        await gather(*(self._push(each, event_id, body) for each in takers))

    async def _push(self, endpoint: Endpoint, event_id: EventId, body: bytes) -> None:
        answer = await self.post_event(endpoint, event_id, body=body)
        tell_post(endpoint, event_id, EventType.TYPING_STARTED, answer)


def _takes(endpoint: Endpoint) -> bool:
    return endpoint.state is EndpointState.ACTIVE and endpoint.wants(EventType.TYPING_STARTED)
