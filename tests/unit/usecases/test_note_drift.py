"""Drift: counted in the process, written down now and then."""

import json
import logging
import time
from dataclasses import replace
from typing import Any, cast

import pytest

from service.domain.deployment import Deployment
from service.domain.drift import OTHER, Drift
from service.domain.errors import UnavailableError
from service.domain.ids import DeploymentName, TenantName
from service.simulator.faults import FaultKind
from service.usecases import note_drift
from service.usecases.note_drift import NoteDrift
from tests.support.store_builders import TENANT, an_api_key
from tests.support.virtual_time import VirtualClock
from tests.support.visit_stage import NAME, Stage, Watched, on_virtual_time, staged

SHOP = Deployment(tenant=TENANT, name=NAME, deployment_id="d", created_at=5.0)
LETTERS = "ghijklmnopqrstuvwxyz"
TEXT = '{"class":"New","body":{"mood":"good"}}'


class Kept:
    """A store that keeps what it is given, and is slow or ill on demand."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.added: list[Drift] = []
        self.seconds = 0.0
        self.full = False

    async def add(self, drift: Drift) -> str:
        await self.clock.sleep(self.seconds)
        self.added.append(drift)
        return OTHER if self.full else drift.kind


def _noting() -> tuple[NoteDrift, Kept]:
    clock = VirtualClock()
    store = Kept(clock)
    return NoteDrift(clock=clock, store=cast("Any", store)), store


def _count(note: NoteDrift, *labels: str) -> None:
    note(SHOP, labels, TEXT)


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
async def test_of_one_frame_few_kinds_are_counted_apart() -> None:
    note, store = _noting()
    _count(note, *(f"class:New{letter}" for letter in LETTERS))
    _count(note, *(f"class:New{letter}" for letter in LETTERS))
    await note.flush()

    found = {each.kind: each for each in store.added}
    assert len(found) == note_drift.MOST_OF_FRAME + 1
    assert (found["other"].count, found["other"].sample) == (2, {})


@on_virtual_time
async def test_one_peer_does_not_take_the_kinds_of_all() -> None:
    note, store = _noting()
    evil = replace(SHOP, tenant=TenantName("evil"))
    for first in LETTERS:
        note(evil, [f"field:body.{first}{letter}" for letter in LETTERS[:15]], TEXT)
    _count(note, "class:TheNewOneOfGenesys")
    await note.flush()

    theirs = {each.kind for each in store.added if each.tenant == "evil"}
    ours = [each.kind for each in store.added if each.tenant == TENANT]
    assert len(theirs) == note_drift.MOST_OF_DEPLOYMENT + 1
    assert ours == ["class:TheNewOneOfGenesys"]


@on_virtual_time
async def test_a_process_counts_so_many_kinds_apart_of_all_deployments() -> None:
    note, store = _noting()
    for number in range(11):
        shop = replace(SHOP, name=DeploymentName(f"shop-{number}"))
        for half in (LETTERS[:10], LETTERS[10:]):
            note(shop, [f"class:New{letter}" for letter in half], TEXT)
    await note.flush()

    apart = [each for each in store.added if each.kind != OTHER]
    assert len(apart) == note_drift.MOST_KINDS
    assert [(each.deployment, each.count) for each in store.added if each.kind == OTHER] == [
        ("shop-10", 2)
    ]


@on_virtual_time
async def test_a_frame_of_unknown_names_stops_nobody() -> None:
    note, _ = _noting()
    names = [
        f"{a}{b}{c}{d}names" for a in LETTERS[:5] for b in LETTERS for c in LETTERS for d in "xyz"
    ]
    text = json.dumps({"class": "New", "body": dict.fromkeys(names, 1)})
    began = time.process_time()
    note(SHOP, [f"field:body.{name}" for name in names], text)

    # It is 0.1 s here; with a sample for each name it was 10 s.
    assert time.process_time() - began < 2.0
    assert len(note.waiting) == 1


@on_virtual_time
async def test_the_sample_is_made_once_for_a_frame() -> None:
    note, store = _noting()
    _count(note, "class:New", "field:body.mood")
    await note.flush()

    assert store.added[0].sample is store.added[1].sample


@on_virtual_time
async def test_a_list_that_is_full_is_not_asked_for_each_new_kind() -> None:
    note, store = _noting()
    _count(note, "class:Known")
    await note.flush()
    store.full = True
    _count(note, "class:New")
    await note.flush()
    _count(note, "class:New", "class:Newer", "class:Known")
    await note.flush()
    await store.clock.sleep(note_drift.FULL_SECONDS)
    store.full = False
    _count(note, "class:New")
    await note.flush()
    _count(note, "class:Newer")
    await note.flush()

    assert [(each.kind, each.count) for each in store.added] == [
        *(("class:Known", 1), ("class:New", 1)),
        *(("class:Known", 1), ("other", 1), ("class:New", 1), ("class:Newer", 1)),
    ]


@on_virtual_time
async def test_which_lists_are_full_is_not_remembered_without_end() -> None:
    note, store = _noting()
    store.full = True
    for shop in range(note_drift.MOST_KNOWN + 1):
        note(replace(SHOP, name=DeploymentName(f"shop-{shop}")), ("class:New",), TEXT)
        await note.flush()

    assert len(note.full) == 1


@on_virtual_time
async def test_a_deployment_made_anew_begins_with_a_sample_of_its_own() -> None:
    note, store = _noting()
    _count(note, "class:New")
    await note.flush()
    _count(note, "class:New")
    note(replace(SHOP, created_at=9.0), ("class:New",), TEXT)
    await note.flush()

    assert [(each.made_at, each.count, bool(each.sample)) for each in store.added] == [
        *((5.0, 1, True), (5.0, 1, False), (9.0, 1, True)),
    ]


@on_virtual_time
async def test_what_comes_while_the_table_refuses_is_added_to_what_waits() -> None:
    note, store = _noting()
    for _ in range(50):
        _count(note, "class:New")
    began = store.clock.now()
    await store.clock.sleep(1)

    async def meanwhile() -> None:
        _count(note, "class:New")
        raise UnavailableError(what="the table")

    ill = Watched(store)
    ill.before("add", meanwhile)
    note.store = cast("Any", ill)
    await note.flush()
    await note.flush()

    [drift] = store.added
    assert (drift.count, drift.first_at, drift.last_at) == (51, began, began + 1)
    assert drift.sample != {}


@on_virtual_time
async def test_a_wall_clock_that_is_set_back_keeps_nothing_waiting() -> None:
    note, store = _noting()
    _count(note, "class:New")
    await note.settle()
    store.clock.skew = -3600
    for _ in range(30):
        _count(note, "class:New")
        await store.clock.sleep(60)
        await note.settle()

    assert sum(each.count for each in store.added) == 31


@on_virtual_time
async def test_a_frame_without_anything_new_makes_no_sample() -> None:
    note, _ = _noting()
    _count(note)

    assert note.waiting == {}


@on_virtual_time
async def test_what_is_known_does_not_grow_for_ever() -> None:
    note, _ = _noting()
    for shop in range(note_drift.MOST_KNOWN + 1):
        note(replace(SHOP, name=DeploymentName(f"shop-{shop}")), ("class:New",), TEXT)
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
    waits = len(note.waiting)
    await note.settle()
    early = list(store.added)
    await store.clock.sleep(60)
    await note.settle()

    assert waits == 1
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
    shop = await stage.ports.tenants.deployment(TENANT, NAME)
    page = await stage.ports.drifts.list(shop, at=stage.clock.now(), cursor=None, limit=50)
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
