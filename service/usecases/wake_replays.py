"""Tell couriers that replays of an endpoint may go on. Only hints leave here."""

from asyncio import gather
from dataclasses import dataclass
from typing import Final

from service.domain.health import RAMP_DOUBLINGS, RAMP_STEP
from service.domain.ids import EndpointId
from service.domain.replay import Replay, ReplayState
from service.ports import Hints, ReplayStore

LOOKED_AT: Final = 100
"""The newest replays of an endpoint; older ones are found by their due times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeReplays:
    """Hints every strand of what is not over."""

    replays: ReplayStore
    hints: Hints

    async def __call__(self, endpoint_id: EndpointId, *, delay: float = 0.0) -> None:
        """After an endpoint opened: not before `delay` seconds."""
        page = await self.replays.list_replays(endpoint_id, cursor=None, limit=LOOKED_AT)
        for one in page.items:
            if one.state is ReplayState.OPEN:
                await self.hint(one, delay=delay)

    async def after_ramp(self, endpoint_id: EndpointId) -> None:
        """After an endpoint came back from an outage: lanes go first."""
        await self(endpoint_id, delay=RAMP_STEP * RAMP_DOUBLINGS)

    async def hint(self, one: Replay, *, delay: float = 0.0) -> None:
        """Hint the strands of a replay."""
        numbers = range(one.strands)
        await gather(*(self.hints.replay(one.id, number, delay=delay) for number in numbers))
