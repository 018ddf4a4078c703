"""Receivers that fail, slow down, vanish and come back, at random; then all are well for long.

Couriers work side by side on hints that are lost, doubled and late, and some of them die. Order,
isolation and that nothing is lost are judged by `tests/support/delivery_checker.py`. For a hunt:
WEATHER_EXAMPLES=2000.
"""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from service.domain.endpoint import OnExhausted
from service.ports import WebhookAnswer
from tests.support.delivery_yard import WELL, Fate, Mind, Reply, Yard, yard
from tests.support.lane_world import CrashPlan
from tests.support.virtual_time import run_virtual

HUNT: Final = os.environ.get("WEATHER_EXAMPLES")
PHASES: Final = [Phase.generate, Phase.shrink] if HUNT else [Phase.generate]
"""Shrinking takes minutes: a hunt has them."""
STORM_SECONDS: Final = 1800.0
"""After this long everybody is well."""
AFTERWARDS: Final = 30 * 3600.0
"""Long enough for the longest wait that half an hour of failures can bring, with room."""
WITHIN: Final = 150.0
"""How late the receiver that is always well may get an event, though all else takes half an hour.

A courier that dies costs its claim and the sweeper's minute, and others' requests hang for 15 s.
"""
STATUSES: Final = (301, 400, 404, 408, 410, 413, 422, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How a receiver is from some second on."""

    since: float
    status: int | None
    takes: float
    retry_after: int | None

    def reply(self) -> Reply:
        asked = str(self.retry_after) if self.status and self.retry_after is not None else None
        error = None if self.status else "refused"
        answer = WebhookAnswer(status=self.status, error=error, retry_after=asked)
        return Reply(answer=answer, takes=self.takes)


@dataclass(frozen=True, kw_only=True)
class Receiver:
    weather: Sequence[Weather]
    rate: int | None
    places: int | None
    policy: OnExhausted

    def mind(self) -> Mind:
        def mind(now: float) -> Reply:
            past = [each for each in self.weather if each.since <= now < STORM_SECONDS]
            return max(past, key=lambda each: each.since).reply() if past else WELL

        return mind


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Everything that chance decides."""

    receivers: Sequence[Receiver]
    said: Sequence[tuple[int, float]]
    """Which chat, and how many seconds after the one before."""
    chats: int
    couriers: int
    deaths: Sequence[tuple[int, bool]]
    lost: float
    seed: int
    scale: float


WEATHER: Final = st.builds(
    Weather,
    since=st.floats(0, STORM_SECONDS),
    status=st.one_of(st.just(200), st.none(), st.sampled_from(STATUSES)),
    takes=st.sampled_from([0.0, 0.05, 1.0, 14.0, 16.0]),
    retry_after=st.one_of(st.none(), st.integers(0, 900)),
)
RECEIVERS: Final = st.builds(
    Receiver,
    weather=st.lists(WEATHER, min_size=1, max_size=6),
    rate=st.one_of(st.none(), st.integers(1, 5)),
    places=st.one_of(st.none(), st.integers(1, 3)),
    policy=st.sampled_from(OnExhausted),
)
PLOTS: Final = st.integers(1, 5).flatmap(
    lambda chats: st.builds(
        Plot,
        receivers=st.lists(RECEIVERS, min_size=1, max_size=2),
        said=st.lists(
            st.tuples(st.integers(0, chats - 1), st.floats(0, 120)), min_size=1, max_size=25
        ),
        chats=st.just(chats),
        couriers=st.integers(2, 4),
        deaths=st.lists(st.tuples(st.integers(1, 200), st.booleans()), max_size=3),
        lost=st.sampled_from([0.0, 0.2, 0.6]),
        seed=st.integers(0, 2**32),
        scale=st.sampled_from([1.0, 0.1]),
    )
)


def fate(plot: Plot) -> Fate:
    """Hints that are lost, doubled and late."""
    chance = random.Random(plot.seed)

    def drawn() -> Sequence[float]:
        if chance.random() < plot.lost:
            return ()
        late = [chance.choice([0.0, 0.0, 0.5, 20.0]) for _ in range(chance.choice([1, 1, 2]))]
        return late if plot.lost else (0.0,)

    return drawn


async def told(plot: Plot) -> list[str]:
    """What is wrong in the end."""
    plans = [CrashPlan(at=at, after_effect=after) for at, after in plot.deaths]
    stage = yard(
        seed=plot.seed, scale=plot.scale, fate=fate(plot), couriers=plot.couriers, plans=plans
    )
    # By chance every hint of many minutes may be lost: lateness tells nothing then.
    await stage.endpoint("whk_well", lambda _: WELL, within=None if plot.lost else WITHIN)
    for number, receiver in enumerate(plot.receivers):
        await stage.endpoint(
            f"whk_{number}",
            receiver.mind(),
            rate_limit=receiver.rate,
            max_concurrency=receiver.places,
            on_exhausted=receiver.policy,
            skip_after_seconds=60,
        )
    for number in range(plot.chats):
        await stage.session(f"ses_{number}")
    async with stage.at_work():
        await _talk(stage, plot)
        await stage.world.clock.sleep(STORM_SECONDS)
        for number in range(len(plot.receivers)):
            await stage.open(f"whk_{number}")
        await stage.finish(within=AFTERWARDS)
    return await stage.judged()


async def _talk(stage: Yard, plot: Plot) -> None:
    for number, pause in plot.said:
        await stage.world.clock.sleep(pause)
        await stage.say(f"ses_{number}")


@pytest.mark.timeout(6 * 3600 if HUNT else 600)
@settings(max_examples=int(HUNT or 25), phases=PHASES)
@given(PLOTS)
def test_in_any_weather_nothing_is_lost_and_order_holds(plot: Plot) -> None:
    assert run_virtual(told(plot)) == []
