"""Ask an endpoint to prove that somebody there expects us: one POST with a value to send back."""

from dataclasses import dataclass, replace
from typing import Any, Final

from service.domain.endpoint import Endpoint
from service.domain.ids import EVENT, EventId
from service.domain.log import EventType
from service.domain.trace import Trace
from service.ports import Clock, Ids, WebhookAnswer
from service.usecases.post_event import PostEvent
from service.usecases.record_attempt import tell_post
from service.webhook.answers import FAILED_BYTES, shown_answer
from service.webhook.challenge import echoes
from service.webhook.envelope import challenge_event_bytes

CHALLENGE_SECONDS: Final = 10.0
"""At most, whatever the endpoint's own timeout: a request of the owner's waits for it."""
WRONG: Final = "the answer's body is not the challenge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenged:
    """What came of it."""

    event_id: EventId
    passed: bool
    answer: WebhookAnswer
    shown: str
    """What the receiver said, fit to be shown."""

    def view(self) -> dict[str, Any]:
        """What the REST API tells of it."""
        told = self.answer
        wrong = told.delivered and not self.passed
        return {
            "eventId": self.event_id,
            "passed": self.passed,
            "status": told.status,
            "error": told.failure,
            "detail": WRONG if wrong else told.detail,
            "seconds": round(told.seconds, 3),
            "answer": self.shown,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SendChallenge:
    """One attempt outside of every lane: nothing is kept and nothing is retried."""

    clock: Clock
    ids: Ids
    post_event: PostEvent

    async def __call__(self, endpoint: Endpoint, *, trace: Trace | None = None) -> Challenged:
        """POST a new challenge and judge the answer, within ten seconds."""
        event_id = EventId(self.ids.ulid(EVENT))
        challenge = self.ids.secret()
        body = challenge_event_bytes(
            event_id, endpoint_id=endpoint.id, challenge=challenge, at=self.clock.now()
        )
        hasty = replace(endpoint, timeout_seconds=min(endpoint.timeout_seconds, CHALLENGE_SECONDS))
        answer = await self.post_event(hasty, event_id, body=body, trace=trace)
        tell_post(endpoint, event_id, EventType.WEBHOOK_CHALLENGE, answer, trace)
        return Challenged(
            event_id=event_id,
            passed=answer.delivered and echoes(answer.body, challenge),
            answer=answer,
            shown=shown_answer(answer.body, endpoint.headers, limit=FAILED_BYTES),
        )
