"""Send a signed `webhook.test` event to an endpoint now, once, whatever its state."""

from dataclasses import dataclass

from service.domain.endpoint import Endpoint
from service.domain.ids import EVENT, EventId
from service.domain.log import EventType
from service.domain.trace import Trace
from service.ports import Clock, Ids, WebhookAnswer
from service.usecases.post_event import PostEvent
from service.usecases.record_attempt import tell_post
from service.webhook.envelope import sample_event_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTest:
    """What came of it."""

    event_id: EventId
    answer: WebhookAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTest:
    """One attempt outside of every lane: nothing is kept and nothing is retried."""

    clock: Clock
    ids: Ids
    post_event: PostEvent

    async def __call__(self, endpoint: Endpoint, *, trace: Trace | None = None) -> SentTest:
        """POST a test event and return the receiver's answer."""
        event_id = EventId(self.ids.ulid(EVENT))
        body = sample_event_bytes(event_id, endpoint_id=endpoint.id, at=self.clock.now())
        answer = await self.post_event(endpoint, event_id, body=body, trace=trace)
        tell_post(endpoint, event_id, EventType.WEBHOOK_TEST, answer, trace)
        return SentTest(event_id=event_id, answer=answer)
