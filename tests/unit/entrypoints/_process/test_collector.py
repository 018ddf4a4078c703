"""What a process has when it begins to serve is never looked through again, and the rest seldom."""

import gc
from collections.abc import Iterator

import pytest

from service.entrypoints._process.collector import MIDDLE, OLD, YOUNG, collect_seldom


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


def test_what_is_there_now_counts_as_there_for_good_and_later_garbage_still_goes() -> None:
    collect_seldom()
    frozen = gc.get_freeze_count()
    ring: list[object] = []
    ring.append(ring)
    del ring

    assert frozen > 0
    assert gc.get_threshold() == (YOUNG, MIDDLE, OLD)
    assert gc.collect() > 0, "only what came later is looked through, and it is"
