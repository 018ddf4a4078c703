"""Drift: counted in the process, written down now and then."""

import logging
from typing import Any, cast

import pytest

from service.domain.drift import Drift
from service.domain.errors import UnavailableError
from service.domain.ids import DeploymentName
from service.simulator.faults import FaultKind
from service.usecases import note_drift
from service.usecases.note_drift import NoteDrift
from tests.support.store_builders import TENANT, an_api_key
from tests.support.virtual_time import VirtualClock
from tests.support.visit_stage import NAME, Stage, Watched, on_virtual_time, staged

TEXT = '{"class":"New","body":{"mood":"good"}}'


class Kept:
    """A store that keeps what it is given, and is slow or ill on demand."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.added: list[Drift] = []
        self.seconds = 0.0

    async def add(self, drift: Drift) -> None:
        await self.clock.sleep(self.seconds)
        self.added.append(drift)


def _noting() -> tuple[NoteDrift, Kept]:
    clock = VirtualClock()
    store = Kept(clock)
    return NoteDrift(clock=clock, store=cast("Any", store)), store


def _count(note: NoteDrift, *labels: str) -> None:
    note(TENANT, NAME, labels, TEXT)


@on_virtual_time
async def test_nothing_is_written_for_a_frame_and_a_new_kind_is_not_kept_waiting() -> None:
    note, store = _noting()
    _count(note, "class:New", "field:body.mood", "field:body.mood")
    _count(note, "class:New")
    assert store.added == []

    await note.settle()
    _count(note, "class:Newer")
    await note.settle()

    assert [(each.kind, each.count) for each in store.added] == [
        ("class:New", 2),
        ("field:body.mood", 1),
        ("class:Newer", 1),
    ]
    assert store.added[0].sample == {"class": "New", "body": {"mood": "<4 characters>"}}


@on_virtual_time
async def test_what_was_written_before_is_written_once_a_minute_and_without_a_sample() -> None:
    note, store = _noting()
    _count(note, "class:New")
    await note.settle()
    for _ in range(59):
        _count(note, "class:New")
        await store.clock.sleep(1)
        await note.settle()
    early = len(store.added)
    await store.clock.sleep(1)
    await note.settle()
    await note.settle()

    assert (early, len(store.added)) == (1, 2)
    assert (store.added[1].count, store.added[1].sample) == (59, {})


@on_virtual_time
async def test_too_many_kinds_are_counted_as_other() -> None:
    note, store = _noting()
    kinds = [f"class:New{number}" for number in range(note_drift.MOST_KINDS + 5)]
    _count(note, *kinds)
    await note.flush()

    found = {each.kind: each for each in store.added}
    assert len(found) == note_drift.MOST_KINDS + 1
    assert (found["other"].count, found["other"].sample) == (5, {})


@on_virtual_time
async def test_what_is_known_does_not_grow_for_ever() -> None:
    note, _ = _noting()
    for shop in range(note_drift.MOST_KNOWN + 1):
        note(TENANT, DeploymentName(f"shop-{shop}"), ("class:New",), TEXT)
        await note.flush()

    assert len(note.known) == 1


@on_virtual_time
async def test_a_table_that_fails_costs_nobody_anything(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    note, store = _noting()
    ill = Watched(store)
    ill.fail("add", UnavailableError(what="the table"))
    note.store = cast("Any", ill)
    _count(note, "class:New")
    await note.settle()
    waits = dict(note.waiting)
    await note.settle()
    early = list(store.added)
    await store.clock.sleep(60)
    await note.settle()

    assert len(waits) == 1
    assert early == []
    assert [each.kind for each in store.added] == ["class:New"]
    assert [record.message for record in caplog.records] == ["drift.not_written"]


@on_virtual_time
async def test_a_table_that_hangs_is_left_alone() -> None:
    note, store = _noting()
    store.seconds = 3600
    _count(note, "class:New")
    began = store.clock.now()
    await note.settle()

    assert store.clock.now() - began == note_drift.WRITE_SECONDS


@on_virtual_time
async def test_two_who_write_at_once_write_nothing_twice() -> None:
    note, store = _noting()
    store.seconds = 0.5
    _count(note, "class:New", "class:Newer")

    async def meanwhile() -> None:
        await note.flush()

    watched = Watched(store)
    watched.before("add", meanwhile)
    note.store = cast("Any", watched)
    await note.flush()

    assert sorted(each.kind for each in store.added) == ["class:New", "class:Newer"]


async def _kinds(stage: Stage) -> dict[str, int]:
    page = await stage.ports.drifts.list(TENANT, NAME, cursor=None, limit=50)
    return {each.kind: each.count for each in page.items}


@on_virtual_time
async def test_a_request_writes_down_what_its_visit_met() -> None:
    async with staged() as stage:
        session = await stage.made()
        stage.control.fault(FaultKind.UNKNOWN_CLASS)
        stage.control.fault(FaultKind.MALFORMED, text='{"class":"StructuredMessage","body":[]}')
        await stage.accept(session, "Hello")
        await stage.attend(session)

        assert await _kinds(stage) == {"class:SomethingNewEvent": 1, "malformed:body": 1}


@on_virtual_time
async def test_a_test_session_counts_too() -> None:
    async with staged() as stage:
        stage.control.fault(FaultKind.UNKNOWN_CLASS)
        stage.control.fault(FaultKind.MALFORMED, text='{"class":"SessionResponse","body":3}')
        key = an_api_key(tenant=TENANT)
        await stage.assembly.broker.check_deployment(key, NAME, session=True)

        assert await _kinds(stage) == {"class:SomethingNewEvent": 1, "malformed:body": 1}
