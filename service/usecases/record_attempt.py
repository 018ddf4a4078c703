"""Write down what an attempt came to, for people to look at. Never stops a delivery.

The lane is committed first: it is the truth. An attempt that could not be written down is missing
from a list, and nothing else.
"""

import logging
from asyncio import create_task
from dataclasses import dataclass, replace
from typing import Final

from service.domain.attempt import Attempt, Decision, Trigger
from service.domain.endpoint import Endpoint, EndpointState
from service.domain.errors import BrokerError
from service.domain.ids import ATTEMPT, AttemptId, EventId
from service.domain.log import EventType, LogEvent
from service.domain.trace import Trace, trace_id, trace_of_name
from service.ports import AttemptStore, Clock, Ids, WebhookAnswer
from service.usecases.read_lane import Hold
from service.webhook.answers import DELIVERED_BYTES, FAILED_BYTES, shown_answer
from service.webhook.retry import Abort, ConfirmGone, Delivered, Disable, Exhausted, Plan, RetryAt

RECORD_SECONDS: Final = 2.0
"""A lane waits no longer for a store that does not answer: its claim has other uses."""
DECISIONS: Final[dict[type[Plan], Decision]] = {
    Delivered: Decision.DELIVERED,
    RetryAt: Decision.RETRY,
    Exhausted: Decision.EXHAUSTED,
    ConfirmGone: Decision.CONFIRM_GONE,
    Disable: Decision.DISABLE,
    Abort: Decision.SKIP,
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAttempt:
    """Keeps attempts."""

    clock: Clock
    ids: Ids
    attempts: AttemptStore

    async def beside(self, hold: Hold, attempt: Attempt) -> None:
        """Keep it while the lane goes on: its next POST need not wait for what nobody waits for."""
        await self.settled(hold)
        hold.recording = create_task(self(attempt))

    async def settled(self, hold: Hold) -> None:
        """What is being written down is written down."""
        if hold.recording is not None:
            await hold.recording

    async def __call__(self, attempt: Attempt) -> None:
        """Keep it, if that takes no longer than two seconds. Raises nothing of the store's."""
        try:
            async with self.clock.timeout(RECORD_SECONDS):
                await self.attempts.record(attempt)
        except (BrokerError, TimeoutError) as error:
            facts = {
                "endpoint_id": attempt.endpoint_id,
                "session_id": attempt.session_id,
                "sequence": attempt.sequence,
                "error": type(error).__name__,
            }
            _log.warning("attempt.not_recorded", extra=facts)

    def in_lane(
        self, hold: Hold, event: LogEvent, answer: WebhookAnswer, decision: Plan, *, at: float
    ) -> Attempt:
        """The attempt that a lane made `at`, before its lane is moved on."""
        made = self.outside(hold.endpoint, event, answer, at=at)
        return replace(
            made,
            trigger=Trigger.PROBE if hold.probes else Trigger.LIVE,
            number=hold.lane.attempt + 1,
            decision=DECISIONS[type(decision)],
        )

    def outside(
        self, endpoint: Endpoint, event: LogEvent, answer: WebhookAnswer, *, at: float
    ) -> Attempt:
        """The attempt that somebody asked for `at`: nothing follows from it."""
        limit = DELIVERED_BYTES if answer.delivered else FAILED_BYTES
        return Attempt(
            id=AttemptId(self.ids.ulid(ATTEMPT)),
            endpoint_id=endpoint.id,
            session_id=event.session_id,
            sequence=event.sequence,
            event_id=event.id,
            event_type=event.type,
            at=at,
            trigger=Trigger.RESEND,
            status=answer.status,
            error=answer.failure,
            detail=answer.detail,
            seconds=round(answer.seconds, 4),
            phases=answer.phases.rounded(),
            answer=shown_answer(answer.body, endpoint.headers, limit=limit),
            decision=Decision.DELIVERED if answer.delivered else Decision.NONE,
        )


def tell_attempt(endpoint: Endpoint, event: LogEvent, made: Attempt, **more: object) -> None:
    """The one line of an attempt, before it is committed: never a body, a header or a secret."""
    waited = round(max(0.0, made.at - event.at), 4)
    is_first = made.trigger is Trigger.LIVE and made.number == 1
    facts = {
        "endpoint_id": endpoint.id,
        "tenant": endpoint.tenant,
        "session_id": event.session_id,
        "deployment": event.data.get("deployment"),
        "event_id": event.id,
        "event_type": event.type.value,
        "sequence": event.sequence,
        "trigger": made.trigger.value,
        "attempt": made.number,
        "status": made.status,
        "error": made.error,
        "seconds": made.seconds,
        # How old the event was; of first attempts this is ours, of others also the receiver's.
        "event_age": waited,
        "seconds_to_first": waited if is_first else None,
        "outcome": "delivered" if made.decision is Decision.DELIVERED else "failed",
        "decision": made.decision.value,
        "trace_id": trace_id(event.traced),
    }
    _log.info("delivery.attempted", extra=facts | more)


def tell_post(
    endpoint: Endpoint,
    event_id: EventId,
    event_type: EventType,
    answer: WebhookAnswer,
    trace: Trace | None = None,
) -> None:
    """The one line of a POST of what is in no log: typing, a test or a challenge. Made once."""
    facts = {
        "endpoint_id": endpoint.id,
        "tenant": endpoint.tenant,
        "event_id": event_id,
        "event_type": event_type.value,
        "trigger": "unlogged",
        "status": answer.status,
        "error": answer.failure,
        "seconds": round(answer.seconds, 4),
        "outcome": "delivered" if answer.delivered else "failed",
        "trace_id": trace_id(trace or trace_of_name(event_id)),
    }
    _log.info("delivery.attempted", extra=facts)


def next_try(hold: Hold) -> float | None:
    """When the lane's head is sent next, once the lane is committed; None: nobody knows."""
    return hold.lane.due_at if hold.endpoint.state is EndpointState.ACTIVE else None
