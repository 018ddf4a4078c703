"""A refusal is a lost race unless we lost it to ourselves.

A conflict is tried again before it counts.
"""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from service.adapters.table.conditions import Absent, Delete, Item, Key, Put, Update, Write
from service.adapters.table.driver import (
    Found,
    Meter,
    NotWrittenError,
    Outcome,
    Query,
    Verdict,
)
from service.adapters.table.steps import CONTENTION_TRIES, Step, run
from service.domain.errors import PlaceTakenError, VersionConflictError

KEY = Key(pk="a", sk="b")
PASSED = Outcome(verdict=Verdict.PASSED)
CONTENDED = Outcome(verdict=Verdict.CONTENDED)


class ScriptedDriver:
    """Fails as told, then succeeds."""

    def __init__(self, *failures: Sequence[Outcome]) -> None:
        self.meter = Meter()
        self.failures = list(failures)
        self.tries = 0

    async def write(self, write: Write, *, lasting: bool = True) -> Item | None:
        await self.transact([write])
        return {"pk": "a", "sk": "b", "after": 1}

    async def transact(self, writes: Sequence[Write]) -> None:
        self.tries += 1
        if self.failures:
            raise NotWrittenError(self.failures.pop(0))

    async def get(self, key: Key, *, attributes: tuple[str, ...] = ()) -> Item | None:
        raise NotImplementedError

    async def get_many(self, keys: Sequence[Key]) -> Sequence[Item]:
        raise NotImplementedError

    async def query(self, query: Query) -> Found:
        raise NotImplementedError

    async def delete_many(self, keys: Sequence[Key]) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


def put(identity: str, place: int = 1) -> Step:
    return Step(
        write=Put(item={"pk": "a", "sk": "b", "id": identity}, condition=Absent()),
        refusal=lambda _: PlaceTakenError(sequence=place),
        identity=("id",),
    )


def refused(**item: str) -> Outcome:
    return Outcome(verdict=Verdict.REFUSED, item=item or None)


async def test_one_step_is_a_plain_write_that_brings_the_item() -> None:
    assert await run(ScriptedDriver(), put("mine")) == {"pk": "a", "sk": "b", "after": 1}


async def test_several_steps_bring_nothing() -> None:
    assert await run(ScriptedDriver(), put("mine"), put("yours")) is None


async def test_a_refusal_by_another_is_its_error() -> None:
    with pytest.raises(PlaceTakenError):
        await run(ScriptedDriver([refused(id="theirs")]), put("mine"))


async def test_a_refusal_by_ourselves_is_a_win() -> None:
    assert await run(ScriptedDriver([refused(id="mine")]), put("mine")) == {"id": "mine"}


async def test_one_event_proves_the_whole_transaction() -> None:
    """The other item may have moved on since then."""
    driver = ScriptedDriver([refused(id="moved"), refused(id="mine")])

    await run(driver, put("x"), replace(put("mine"), decides=True))

    assert driver.tries == 1


async def test_what_only_looks_like_ours_does_not_win_against_a_lost_event() -> None:
    driver = ScriptedDriver([refused(id="theirs"), refused(id="same")])

    with pytest.raises(PlaceTakenError):
        await run(driver, replace(put("mine"), decides=True), put("same", 2))


async def test_without_an_event_the_first_that_can_decides() -> None:
    blind = replace(put("x", 1), identity=())

    await run(ScriptedDriver([PASSED, refused(id="mine"), refused()]), blind, put("mine"), put("z"))
    with pytest.raises(PlaceTakenError):
        await run(ScriptedDriver([refused(id="theirs"), refused(id="b")]), put("a"), put("b"))


async def test_the_first_refusal_tells() -> None:
    driver = ScriptedDriver([PASSED, refused(), refused()])

    with pytest.raises(PlaceTakenError) as lost:
        await run(driver, put("a", 1), put("b", 2), put("c", 3))

    assert lost.value.sequence == 2


async def test_a_delete_proves_nothing() -> None:
    gone = Step(
        write=Delete(key=KEY),
        refusal=lambda _: VersionConflictError(item="send"),
        identity=("id",),
    )

    with pytest.raises(VersionConflictError):
        await run(ScriptedDriver([refused(other="x")]), gone)


async def test_an_update_proves_by_what_it_sets() -> None:
    update = Step(
        write=Update(key=KEY, put={"token": "mine"}),
        refusal=lambda _: VersionConflictError(item="x"),
        identity=("token",),
    )

    assert await run(ScriptedDriver([refused(token="mine")]), update) == {"token": "mine"}
    with pytest.raises(VersionConflictError):
        await run(ScriptedDriver([refused(token="theirs")]), update)


async def test_a_conflict_that_passes_is_no_error() -> None:
    driver = ScriptedDriver([CONTENDED, PASSED])

    await run(driver, put("a"), put("b"))

    assert driver.tries == 2


async def test_a_conflict_that_lasts_is_a_lost_race_of_that_step() -> None:
    driver = ScriptedDriver(*[[PASSED, CONTENDED]] * CONTENTION_TRIES)

    with pytest.raises(PlaceTakenError) as lost:
        await run(driver, put("a", 1), put("b", 2))

    assert (lost.value.sequence, driver.tries) == (2, CONTENTION_TRIES)
