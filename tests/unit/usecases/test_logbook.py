"""Pages of notes: one a minute, written at its end or after the visit, and never in the way."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from service.domain.errors import UnavailableError
from service.domain.ids import SessionId
from service.domain.timeline import PAGE_FRAMES, PAGE_NOTES, PAGE_SECONDS, Kind, Note, NotePage
from service.usecases.logbook import WRITE_SECONDS, Logbook
from tests.support.virtual_time import VirtualClock
from tests.support.visit_stage import on_virtual_time

ONE, OTHER = SessionId("ses_1"), SessionId("ses_2")


@dataclass
class KeptPages:
    """A table that keeps every put, takes its time, or fails."""

    clock: VirtualClock
    puts: list[NotePage] = field(default_factory=list)
    seconds: float = 0.0
    errors: list[Exception] = field(default_factory=list)

    async def keep(self, page: NotePage) -> None:
        await self.clock.sleep(self.seconds)
        if self.errors:
            raise self.errors.pop()
        self.puts.append(page)

    async def pages(self, session_id: SessionId, *, since: float, limit: int) -> Sequence[NotePage]:
        raise NotImplementedError

    @property
    def told(self) -> list[list[str]]:
        return [[note.what for note in page.notes] for page in self.puts]


@dataclass
class Stage:
    clock: VirtualClock = field(default_factory=VirtualClock)
    table: KeptPages = field(init=False)
    book: Logbook = field(init=False)

    def __post_init__(self) -> None:
        self.table = KeptPages(self.clock)
        self.book = Logbook(timeline=self.table, clock=self.clock)

    def note(
        self,
        what: str,
        session_id: SessionId = ONE,
        writer: str = "own_1",
        kind: Kind = Kind.LINK,
    ) -> None:
        self.book.note(session_id, writer, Note(at=self.clock.now(), kind=kind, what=what))

    @property
    def shown(self) -> list[list[str]]:
        pages = self.book.unwritten(ONE)
        return sorted([note.what for note in page.notes] for page in pages)


@on_virtual_time
async def test_a_held_session_is_written_once_a_minute() -> None:
    stage = Stage()
    stage.note("a")
    await stage.clock.sleep(PAGE_SECONDS / 2)
    stage.note("b")
    assert stage.table.told == []

    await stage.clock.sleep(PAGE_SECONDS / 2 + 1)
    stage.note("c")
    await stage.clock.sleep(10 * PAGE_SECONDS)

    assert stage.table.told == [["a", "b"], ["c"]]
    assert stage.book.pages == {}
    first, second = stage.table.puts
    assert second.begun - first.begun == PAGE_SECONDS + 1
    assert {page.writer for page in stage.table.puts} == {"own_1"}


@on_virtual_time
async def test_a_visit_that_ends_is_written_at_once_and_the_next_goes_on_with_its_page() -> None:
    stage = Stage()
    stage.note("a")
    await stage.book.settle(ONE)
    await stage.book.settle(ONE)
    stage.note("b", writer="lck_2")
    await stage.book.settle(ONE)

    assert stage.table.told == [["a"], ["a", "b"]]
    assert len({(page.begun, page.writer) for page in stage.table.puts}) == 1
    assert len(asyncio.all_tasks()) == 1


@on_virtual_time
async def test_a_minute_later_another_page_begins() -> None:
    stage = Stage()
    stage.note("a")
    await stage.book.settle(ONE)
    await stage.clock.sleep(PAGE_SECONDS)
    stage.note("b")
    await stage.book.settle(ONE)

    assert stage.table.told == [["a"], ["b"]]


@on_virtual_time
async def test_pages_that_nobody_writes_on_are_forgotten() -> None:
    stage = Stage()
    stage.note("a")
    await stage.book.settle(ONE)
    await stage.clock.sleep(PAGE_SECONDS)
    stage.note("b", OTHER)
    await stage.book.settle(OTHER)

    assert set(stage.book.pages) == {OTHER}


@on_virtual_time
async def test_a_session_that_is_visited_again_keeps_no_older_page_from_being_forgotten() -> None:
    stage = Stage()
    for session_id in (ONE, OTHER):
        stage.note("a", session_id)
        await stage.book.settle(session_id)
    await stage.clock.sleep(PAGE_SECONDS)
    stage.note("b")
    await stage.book.settle(ONE)

    assert set(stage.book.pages) == {ONE}


@on_virtual_time
async def test_what_does_not_fit_is_counted() -> None:
    stage = Stage()
    for number in range(PAGE_NOTES + 3):
        stage.note(f"{number}")
    await stage.book.settle(ONE)

    [page] = stage.table.puts
    assert (len(page.notes), page.left_out) == (PAGE_NOTES, 3)


@on_virtual_time
async def test_frames_leave_room_for_what_became_of_the_link() -> None:
    stage = Stage()
    for number in range(PAGE_NOTES):
        stage.note(f"{number}", kind=Kind.FRAME)
    for number in range(PAGE_NOTES - PAGE_FRAMES + 1):
        stage.note(f"lost {number}")
    await stage.book.settle(ONE)

    [page] = stage.table.puts
    kinds = [note.kind for note in page.notes]
    assert (kinds.count(Kind.FRAME), kinds.count(Kind.LINK)) == (PAGE_FRAMES, 20)
    assert page.notes[PAGE_FRAMES].what == "lost 0"
    assert page.left_out == PAGE_NOTES - PAGE_FRAMES + 1


@on_virtual_time
async def test_a_wall_clock_that_is_set_back_makes_no_minute_longer() -> None:
    stage = Stage()
    stage.note("before")
    await stage.book.settle(ONE)
    stage.clock.skew = -3600
    stage.note("after")
    await stage.clock.sleep(PAGE_SECONDS + 1)

    assert stage.table.told == [["before"], ["before", "after"]]
    stage.clock.skew = -7200
    stage.note("much later")
    await stage.book.settle(ONE)
    assert stage.table.told[-1] == ["much later"]


@on_virtual_time
async def test_a_wall_clock_that_is_set_back_lets_settled_pages_be_forgotten() -> None:
    stage = Stage()
    stage.note("a")
    await stage.book.settle(ONE)
    stage.clock.skew = -3600
    await stage.clock.sleep(PAGE_SECONDS)
    stage.note("b", OTHER)
    await stage.book.settle(OTHER)

    assert set(stage.book.pages) == {OTHER}


@on_virtual_time
async def test_a_table_that_fails_or_hangs_costs_the_page_only() -> None:
    stage = Stage()
    stage.note("a")
    stage.table.errors.append(UnavailableError(what="the table"))
    await stage.book.settle(ONE)
    stage.note("b")
    stage.table.seconds = 3600
    begun = stage.clock.now()
    await stage.book.settle(ONE)

    assert stage.clock.now() - begun == WRITE_SECONDS
    assert stage.table.puts == []


@on_virtual_time
async def test_a_visit_that_ends_while_its_page_is_written_waits_for_it() -> None:
    stage = Stage()
    stage.note("a")
    stage.table.seconds = 1
    await stage.clock.sleep(PAGE_SECONDS + 0.5)
    stage.note("b")
    await stage.book.settle(ONE)

    assert sorted(stage.table.told) == [["a"], ["b"]]
    assert len(asyncio.all_tasks()) == 1


@on_virtual_time
async def test_a_visit_that_noted_nothing_more_waits_for_the_page_that_is_written() -> None:
    stage = Stage()
    stage.note("a")
    stage.table.seconds = 1
    await stage.clock.sleep(PAGE_SECONDS + 0.5)
    await stage.book.settle(ONE)

    assert stage.table.told == [["a"]]


@on_virtual_time
async def test_who_reads_here_sees_what_is_not_written_yet() -> None:
    stage = Stage()
    assert stage.book.unwritten(ONE) == []

    stage.note("a")

    [page] = stage.book.unwritten(ONE)
    assert [note.what for note in page.notes] == ["a"]
    assert page.begun == round(stage.clock.now(), 6)


@on_virtual_time
async def test_who_reads_here_sees_also_the_page_that_is_being_written() -> None:
    stage = Stage()
    stage.table.seconds = 1
    stage.note("opened")
    await stage.clock.sleep(PAGE_SECONDS + 0.5)
    stage.note("lost")

    assert stage.shown == [["lost"], ["opened"]]
    task = asyncio.create_task(stage.book.settle(ONE))
    await stage.clock.sleep(0.4)
    assert stage.shown == [["lost"], ["opened"]]
    await task
    assert stage.shown == [["lost"]]


@on_virtual_time
async def test_pages_of_a_long_visit_do_not_hold_on_to_each_other() -> None:
    stage = Stage()
    stage.table.seconds = 1
    for _ in range(400):
        stage.note("a")
        await stage.clock.sleep(0.9)
        assert len(stage.shown) <= 2


@on_virtual_time
async def test_a_session_that_nobody_visited_has_nothing_to_settle() -> None:
    stage = Stage()

    await stage.book.settle(ONE)

    assert stage.table.puts == []


@on_virtual_time
async def test_pages_of_many_sessions_end_each_in_its_minute_by_one_task() -> None:
    stage = Stage()
    begun = stage.clock.now()
    for number in range(5):
        stage.note("a", SessionId(f"ses_{number}"))
        await stage.clock.sleep(7)
    assert len(asyncio.all_tasks()) == 2

    await stage.clock.sleep(begun + PAGE_SECONDS + 15 - stage.clock.now())
    assert [page.session_id for page in stage.table.puts] == ["ses_0", "ses_1", "ses_2"]
    await stage.clock.sleep(PAGE_SECONDS)

    assert len(stage.table.puts) == 5
    assert stage.book.pages == {}
    assert len(asyncio.all_tasks()) == 1


@on_virtual_time
async def test_pages_that_end_together_are_written_side_by_side() -> None:
    stage = Stage()
    stage.table.seconds = 1.5
    stage.note("a")
    stage.note("b", OTHER)
    await stage.clock.sleep(PAGE_SECONDS + 1.6)

    assert len(stage.table.puts) == 2


@on_virtual_time
async def test_pages_that_end_within_a_second_are_turned_together() -> None:
    stage = Stage()
    for number in range(3):
        stage.note("a", SessionId(f"ses_{number}"))
        await stage.clock.sleep(0.25)
    await stage.clock.sleep(PAGE_SECONDS - 0.15)
    assert len(stage.table.puts) == 1

    await stage.clock.sleep(1)
    assert len(stage.table.puts) == 3


@on_virtual_time
async def test_a_page_that_is_taken_up_again_ends_in_its_own_minute() -> None:
    stage = Stage()
    stage.note("a")
    await stage.book.settle(ONE)
    await stage.clock.sleep(PAGE_SECONDS / 2)
    stage.note("b", OTHER)
    stage.note("c")
    await stage.clock.sleep(PAGE_SECONDS / 2 + 1)

    assert stage.table.told == [["a"], ["a", "c"]]
    await stage.clock.sleep(PAGE_SECONDS / 2)
    assert stage.table.told[2:] == [["b"]]


@on_virtual_time
async def test_the_end_of_one_visit_leaves_the_pages_of_others_open() -> None:
    stage = Stage()
    stage.note("a")
    stage.note("b", OTHER)
    await stage.book.settle(ONE)
    await stage.clock.sleep(PAGE_SECONDS + 1)

    assert stage.table.told == [["a"], ["b"]]
