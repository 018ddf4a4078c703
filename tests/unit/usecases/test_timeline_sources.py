"""Each source as far as it looks: the log, notes of several visitors, sends, attempts."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.attempt import Decision
from service.domain.ids import MessageId, SessionId
from service.domain.log import EventType
from service.domain.send import SendKind, SendStatus, Written
from service.domain.timeline import PAGE_SECONDS, Kind, NotePage, Position, TimelineFilter
from service.usecases import timeline_sources as sources
from service.usecases.timeline_sources import Search
from service.usecases.waiting import PAGE_EVENTS
from tests.support.store_builders import NOW
from tests.support.timeline_stage import TimelineStage, a_note, timeline_stage
from tests.support.visit_stage import on_virtual_time

MESSAGE = MessageId("msg_1")


def _search(stage: TimelineStage, *, limit: int = 50, **wanted: Any) -> Search:  # noqa: ANN401 - fields of any type
    return Search(
        session_id=stage.session.id,
        wanted=TimelineFilter(**wanted),
        position=Position(0.0),
        sequence=0,
        limit=limit,
    )


@on_virtual_time
async def test_an_event_is_told_without_its_words() -> None:
    async with timeline_stage() as stage:
        failure = {"code": "session_ended", "detail": "secret words"}
        event = await stage.event(
            1, EventType.MESSAGE_FAILED, id=MESSAGE, status="failed", failure=failure
        )
        await stage.event(2, EventType.SESSION_ENDED)

        failed, ended = (await stage.ask())["items"]

        assert failed["facts"] == {
            "eventId": event.id,
            "incarnation": 1,
            "status": "failed",
            "code": "session_ended",
        }
        assert (failed["messageId"], failed["sequence"]) == (MESSAGE, 1)
        assert (ended["messageId"], ended["sequence"]) == (None, 2)


@on_virtual_time
async def test_a_message_is_followed_by_all_its_names() -> None:
    async with timeline_stage() as stage:
        await stage.event(1, id="msg_other", keys=frozenset({"b:other"}))
        await stage.event(2, id=MESSAGE, keys=frozenset({"b:body", "t:trace"}))
        await stage.attempt(3, 1)
        await stage.attempt(4, 2, decision=Decision.RETRY)
        await stage.page(
            a_note(0.1, "by id", Kind.SEND, MESSAGE),
            a_note(0.2, "by trace", Kind.FRAME, tracingId="trace"),
            a_note(0.3, "by body", Kind.FRAME, bodyId="body"),
            a_note(0.4, "another", Kind.FRAME, bodyId="other"),
            a_note(0.5, "no message"),
        )
        await stage.send(5)

        page = await stage.ask(message_id=MESSAGE)

        told = ["by id", "by trace", "by body", "message.received", "retry"]
        assert [item["what"] for item in page["items"]] == told
        assert page["items"][-1]["sequence"] == 2


@on_virtual_time
async def test_a_long_log_is_looked_at_piece_by_piece() -> None:
    async with timeline_stage() as stage:
        for number in range(sources.EVENTS_LOOKED_AT + 1):
            await stage.event(number)
        await stage.event(5000, id=MESSAGE)

        stretch = await stage.read.sources.events(_search(stage, message_id=MESSAGE))
        trail = await stage.read.sources.trail(stage.session.id, MESSAGE)
        pages = await stage.pages("event", limit=50, message_id=MESSAGE)

        assert stretch.entries == []
        assert stretch.known_to == Position(NOW + sources.EVENTS_LOOKED_AT - 1, 0, "000000001000")
        assert trail.sequences == {sources.EVENTS_LOOKED_AT + 2}
        assert pages == [[], ["message.received"]]


@on_virtual_time
async def test_the_log_is_read_no_further_than_until() -> None:
    async with timeline_stage() as stage:
        for number in range(PAGE_EVENTS + 1):
            await stage.event(number)

        stretch = await stage.read.sources.events(_search(stage, until=NOW + 3))

        assert ([e.at - NOW for e in stretch.entries], stretch.known_to) == ([0, 1, 2], None)
        assert len(stretch.places) == PAGE_EVENTS


@pytest.mark.parametrize("before", [PAGE_EVENTS - 2, PAGE_EVENTS - 1])
@on_virtual_time
async def test_until_loses_nothing_to_a_clock_that_is_ahead(before: int) -> None:
    async with timeline_stage() as stage:
        for _ in range(before):
            await stage.event(0)
        await stage.event(12, id="by a clock ahead")
        right = await stage.event(9.5, id="in time")
        await stage.event(10 + sources.APART_SECONDS, id="much later")
        await stage.event(9.7, id="by a clock far behind")

        stretch = await stage.read.sources.events(_search(stage, limit=999, until=NOW + 10))

        assert stretch.entries[-1].sequence == right.sequence
        assert len(stretch.entries) == before + 1


@on_virtual_time
async def test_a_log_that_is_erased_meanwhile_comes_to_its_end() -> None:
    class ErasedBetween:
        """The place of the tombstone is counted, and nobody reads it."""

        reads = 0

        async def read_log(self, session_id: SessionId, *, after: int, limit: int) -> Any:  # noqa: ANN401 - a page
            self.reads += 1
            assert self.reads < 9, "it never ends"
            page = await stage.table.sessions.read_log(session_id, after=after, limit=limit)
            return replace(page, last_sequence=page.last_sequence + 1)

    async with timeline_stage() as stage:
        await stage.event(1)
        looked = replace(stage.read.sources, sessions=ErasedBetween())  # type: ignore[arg-type]

        stretch = await looked.events(_search(stage))

        assert ([entry.sequence for entry in stretch.entries], stretch.known_to) == ([1], None)


@on_virtual_time
async def test_no_position_shows_who_wrote() -> None:
    async with timeline_stage() as stage:
        await stage.page(a_note(1, "opened"), writer="lck_01SECRET")

        [entry] = (await stage.read.sources.notes(_search(stage))).entries

        assert "SECRET" not in entry.position.tie


@on_virtual_time
async def test_a_crowd_of_pages_before_the_position_does_not_end_the_search() -> None:
    async with timeline_stage() as stage:
        for number in range(sources.PAGES_LOOKED_AT + sources.NOTE_PAGES):
            await stage.page(a_note(number / 100, "opened"), writer=f"own_{number}")
        search = replace(_search(stage), position=Position(NOW + PAGE_SECONDS))

        stretch = await stage.read.sources.notes(search)

        assert (stretch.entries, stretch.known_to) == ([], None)


@on_virtual_time
async def test_a_trail_is_followed_so_far_and_says_so() -> None:
    class LongLog:
        async def read_log(self, _: SessionId, *, after: int, limit: int) -> Any:  # noqa: ANN401 - a page
            page = await stage.table.sessions.read_log(stage.session.id, after=0, limit=1)
            [event] = page.events
            moved = replace(event, sequence=after + limit)
            return replace(page, events=[moved], last_sequence=10**9)

    async with timeline_stage() as stage:
        await stage.event(1, id=MESSAGE)
        looked = replace(stage.read.sources, sessions=LongLog())  # type: ignore[arg-type]

        trail = await looked.trail(stage.session.id, MESSAGE)

        assert not trail.complete
        assert max(trail.sequences) == sources.TRAIL_EVENTS


@on_virtual_time
async def test_pages_of_several_visitors_overlap() -> None:
    async with timeline_stage() as stage:
        await stage.page(a_note(1, "a"), a_note(50, "c"), writer="own_1")
        await stage.page(a_note(2, "b"), a_note(51, "d"), writer="own_2")

        assert await stage.whats() == ["a", "b", "c", "d"]
        assert await stage.pages(limit=1) == [["a"], ["b"], ["c"], ["d"]]


@on_virtual_time
async def test_many_pages_are_read_as_far_as_is_needed() -> None:
    async with timeline_stage() as stage:
        count = 3 * sources.NOTE_PAGES
        for minute in range(count):
            await stage.page(a_note(minute * PAGE_SECONDS, f"{minute}"))

        stretch = await stage.read.sources.notes(_search(stage, limit=10))
        pages = await stage.pages(limit=40)

        assert len(stretch.entries) == sources.NOTE_PAGES
        assert stretch.known_to == Position(NOW + (sources.NOTE_PAGES - 1) * PAGE_SECONDS)
        assert [what for page in pages for what in page] == [f"{n}" for n in range(count)]
        early = await stage.read.sources.notes(_search(stage, until=NOW + 1))
        assert ([entry.what for entry in early.entries], early.known_to) == (["0"], None)


@on_virtual_time
async def test_pages_that_tell_nothing_wanted_are_left_at_some_time() -> None:
    async with timeline_stage() as stage:
        count = sources.PAGES_LOOKED_AT + 2 * sources.NOTE_PAGES
        for minute in range(count):
            await stage.page(a_note(minute * PAGE_SECONDS, "lost"))
        late = count * PAGE_SECONDS
        await stage.page(a_note(late, "visited", Kind.LEASE), writer="own_2")

        assert await stage.pages("lease", limit=5) == [[], ["visited"]]


@on_virtual_time
async def test_what_a_page_had_no_room_for_is_told() -> None:
    async with timeline_stage() as stage:
        await stage.page(a_note(1, "opened"), left_out=7)

        opened, left = (await stage.ask())["items"]

        assert opened["what"] == "opened"
        assert (left["kind"], left["what"], left["facts"]) == ("frame", "leftOut", {"notes": 7})


@on_virtual_time
async def test_what_was_left_out_is_told_whatever_is_looked_for() -> None:
    async with timeline_stage() as stage:
        await stage.event(1, id=MESSAGE)
        await stage.page(a_note(2, "written", Kind.SEND, MESSAGE), left_out=40)

        about = await stage.ask(message_id=MESSAGE)
        links = await stage.ask("link")

        told = ["message.received", "written", "leftOut"]
        assert ([item["what"] for item in about["items"]], about["complete"]) == (told, False)
        assert ([item["what"] for item in links["items"]], links["complete"]) == (
            ["leftOut"],
            False,
        )
        assert (await stage.ask("event"))["complete"]
        assert (await stage.ask(until=NOW + 2))["complete"]


@on_virtual_time
async def test_a_page_that_holds_nothing_tells_nothing() -> None:
    async with timeline_stage() as stage:
        page = NotePage(session_id=stage.session.id, begun=NOW, writer="w", notes=(), left_out=1)
        await stage.table.timeline.keep(page)

        assert await stage.whats() == []


@on_virtual_time
async def test_what_this_process_has_not_written_yet_is_told_once() -> None:
    async with timeline_stage() as stage:
        stage.book.note(stage.session.id, "own_1", a_note(1, "opened"))
        await stage.book.settle(stage.session.id)
        stage.book.note(stage.session.id, "own_1", a_note(2, "lost"))

        assert await stage.whats() == ["opened", "lost"]


@on_virtual_time
async def test_a_message_on_its_way_is_told_as_it_stands() -> None:
    async with timeline_stage() as stage:
        mark = Written(at=NOW + 3, incarnation=1, writer="own_1", link="lnk_1")
        await stage.send(1, tracing_id="t1", retry_at=NOW + 9)
        await stage.send(2, status=SendStatus.WRITTEN, written=mark)
        doubted = replace(mark, doubt_at=NOW + 7)
        await stage.send(2, status=SendStatus.UNKNOWN, written=doubted, kind=SendKind.JOIN)

        waits, written, join = (await stage.ask("send"))["items"]

        assert waits["facts"].items() >= {"status": "accepted", "tracingId": "t1"}.items()
        assert "retryAt" in waits["facts"]
        assert (waits["sequence"], written["sequence"], join["sequence"]) == (1, 2, 3)
        assert written["facts"]["link"] == "lnk_1"
        assert join["messageId"] is None
        assert waits["messageId"] is not None
        assert [item["at"][17:19] for item in (waits, written, join)] == ["41", "43", "47"]


@on_virtual_time
async def test_more_attempts_than_are_looked_at_are_owned_up_to() -> None:
    async with timeline_stage() as stage:
        for number in range(sources.ATTEMPTS_LOOKED_AT + 1):
            await stage.attempt(number, number + 1)

        page = await stage.ask("attempt", limit=2)
        link = await stage.ask("link")

        assert (len(page["items"]), page["complete"]) == (2, False)
        assert link["complete"]
