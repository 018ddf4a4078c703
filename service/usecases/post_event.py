"""Sign one event and POST it to one endpoint, once. Decides nothing about what follows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from service.domain.endpoint import Endpoint
from service.domain.ids import EventId, ReplayId
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
        lane_sequence: int | None = None,
        gap: tuple[int, int] | None = None,
    ) -> WebhookAnswer:
        """POST those bytes; what the receiver does is an answer, never an error."""
        headers = partial(delivery_headers, lane_sequence=lane_sequence, gap=gap)
        return await self._post(endpoint, event_id, body, headers)

    async def replayed(
        self, endpoint: Endpoint, event_id: EventId, *, body: bytes, replay_id: ReplayId
    ) -> WebhookAnswer:
        """The same outside of its lane: no number and no gap, but the replay that it belongs to."""
        headers = partial(delivery_headers, lane_sequence=None, replay=replay_id)
        return await self._post(endpoint, event_id, body, headers)

    async def _post(
        self, endpoint: Endpoint, event_id: EventId, body: bytes, headers: Callable[..., Headers]
    ) -> WebhookAnswer:
        now = self.clock.now()
        signed = headers_for(
            event_id,
            timestamp=int(now),
            body=body,
            secrets=current_secrets(endpoint.secrets, now),
            sign_pair=self.signer.sign,
        )
        answer = await self.webhook_http.post(
            endpoint.url,
            headers=headers(endpoint.headers, signed=signed),
            body=body,
            timeout_seconds=endpoint.timeout_seconds,
        )
        if answer.date is not None:
            self.watch.hear(endpoint.url, answer.date, now=self.clock.now())
        return answer
