"""Retries come in time, however many there were."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import pytest

from service.domain.ids import EndpointId, SessionId
from service.ports import WebhookAnswer
from tests.support.delivery_yard import Reply, Yard, yard
from tests.support.virtual_time import run_virtual

WRONG: Final = WebhookAnswer(status=500)
QUARTER: Final = 900.0


@dataclass
class Punctual:
    """A receiver that fails so many times and looks at what time it was promised each try."""

    stage: Yard
    failures: int
    late: list[tuple[float, float]] = field(default_factory=list)
    """How long the wait was, and how much longer it took."""
    before: float = 0.0

    async def watch(self) -> None:
        """Each due time as the table has it, against when the request came."""
        lane = await self.stage.world.table.lanes.lane(EndpointId("whk_1"), SessionId("ses_1"))
        now = self.stage.world.clock.now()
        if lane is not None and lane.due_at is not None:
            self.late.append((lane.due_at - self.before, now - lane.due_at))
        self.before = now

    def mind(self, _: float) -> Reply:
        self.failures -= 1
        return Reply(answer=WRONG) if self.failures >= 0 else Reply()


async def told(*, scale: float, failures: int) -> tuple[Yard, Sequence[tuple[float, float]]]:
    """One event that fails so often, and how late each retry came."""
    stage = yard(scale=scale)
    receiver = Punctual(stage, failures)
    stage.watch = receiver.watch
    await stage.endpoint("whk_1", receiver.mind)
    await stage.session("ses_1", events=1)
    async with stage.at_work():
        await stage.finish(within=30 * 24 * 3600.0 * scale)
    return stage, receiver.late


@pytest.mark.parametrize(("scale", "failures"), [(1.0, 8), (0.01, 40)])
def test_a_retry_is_a_second_late_at_most_and_beyond_a_quarter_of_an_hour_a_minute(
    scale: float, failures: int
) -> None:
    async def story() -> None:
        stage, late = await told(scale=scale, failures=failures)

        assert len(late) == failures
        assert all(0 <= each <= (1 if wait < QUARTER else 60) for wait, each in late)
        assert [attempt.taken for attempt in stage.attempts] == [False] * failures + [True]
        assert await stage.judged(alone=True) == []

    run_virtual(story())
