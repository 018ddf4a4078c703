"""Generations differ, so that not all listeners end at once."""

from dataclasses import replace

import pytest

from service.domain.lease import LinkLimits, Term
from service.ports import Ports
from service.usecases.begin_term import begin_term
from tests.support.virtual_time import FakeIds
from tests.support.visit_stage import Stage, on_virtual_time, staged


class Chance(FakeIds):
    """Ids whose chance is as told."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = share

    def jitter(self) -> float:
        return self._share


def _begun(ports: Ports, seconds: float | None) -> Term:
    return begin_term(
        ports, shards=4, links=LinkLimits(claimed=10, most=20), generation_seconds=seconds
    )


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 90.0), (0.5, 100.0), (0.9999, 110.0)])
@on_virtual_time
async def test_a_generation_is_a_tenth_longer_or_shorter(chance: float, seconds: float) -> None:
    async with staged() as stage:
        term = _begun(_with(stage, chance), 100.0)

        assert term.retires_at is not None
        assert term.retires_at - stage.now == pytest.approx(seconds, abs=0.01)
        # The lead of hand-over is that of the fleet, not of this one's luck.
        assert term.generation_seconds == 100.0


@on_virtual_time
async def test_without_a_generation_it_has_no_end() -> None:
    async with staged() as stage:
        term = _begun(stage.ports, None)

        assert (term.retires_at, term.generation_seconds, term.idle_seconds) == (None, None, None)


@on_virtual_time
async def test_each_has_a_name_of_its_own() -> None:
    async with staged() as stage:
        assert _begun(stage.ports, None).name != _begun(stage.ports, None).name


def _with(stage: Stage, chance: float) -> Ports:
    return replace(stage.ports, ids=Chance(chance))
