"""Sign one event and POST it to one endpoint, once. Decides nothing about what follows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from service.domain.endpoint import Endpoint, Lane
from service.domain.ids import EventId, ReplayId
from service.domain.log import LogEvent
from service.domain.trace import TRACEPARENT, Trace, trace_of_name, traceparent_of
from service.ports import Clock, Signer, WebhookAnswer, WebhookHttp
from service.usecases.watch_clock import WatchClock
from service.webhook.headers import delivery_headers
from service.webhook.signing import current_secrets, headers_for

Headers: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostEvent:
    """One attempt. The signature carries the time of this attempt, so it is made just before."""

    clock: Clock
    signer: Signer
    webhook_http: WebhookHttp
    watch: WatchClock = field(default_factory=WatchClock)

    async def __call__(
        self,
        endpoint: Endpoint,
        event_id: EventId,
        *,
        body: bytes,
        lane: Lane | None = None,
        trace: Trace | None = None,
    ) -> WebhookAnswer:
        """POST those bytes; what the receiver does is an answer, never an error.

        `lane`: the one that it is the next of. `trace`: that of the request which caused the event.
        """
        number, gap = (None, None) if lane is None else (lane.number, lane.told_gap)
        headers = partial(delivery_headers, lane_sequence=number, gap=gap)
        traced = trace or trace_of_name(event_id)
        return await self._post(endpoint, event_id, body, headers, traced)

    async def replayed(
        self, endpoint: Endpoint, event: LogEvent, *, body: bytes, replay_id: ReplayId
    ) -> WebhookAnswer:
        """The same outside of its lane: no number and no gap, but the replay that it belongs to."""
        headers = partial(delivery_headers, lane_sequence=None, replay=replay_id)
        return await self._post(endpoint, event.id, body, headers, event.traced)

    async def _post(
        self,
        endpoint: Endpoint,
        event_id: EventId,
        body: bytes,
        headers: Callable[..., Headers],
        trace: Trace,
    ) -> WebhookAnswer:
        now = self.clock.now()
        # Each attempt is a step of its own in its trace.
        step = traceparent_of(trace, span=f"{endpoint.id} {event_id} {now!r}")
        signed = headers_for(
            event_id,
            timestamp=int(now),
            body=body,
            secrets=current_secrets(endpoint.secrets, now),
            sign_pair=self.signer.sign,
        )
        answer = await self.webhook_http.post(
            endpoint.url,
            headers=headers(endpoint.headers, signed={**signed, TRACEPARENT: step}),
            body=body,
            timeout_seconds=endpoint.timeout_seconds,
        )
        if answer.date is not None:
            self.watch.hear(endpoint.url, answer.date, now=self.clock.now())
        return answer
