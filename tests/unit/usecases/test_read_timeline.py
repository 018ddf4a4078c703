"""The timeline as it is asked for: one order, pages without holes or repeats, honest refusals."""

import base64
import json
from dataclasses import replace

import pytest

from service.domain.errors import InvalidRequestError, NotFoundError
from service.domain.ids import MessageId, SessionId, TenantName
from service.domain.log import EventType
from service.domain.timeline import Kind, Position, TimelineFilter
from service.usecases.read_timeline import (
    CURSOR_LONGEST,
    TimelineQuery,
    filter_of,
    place_of,
    spelled,
)
from tests.support.store_builders import NOW
from tests.support.timeline_stage import KEY, TimelineStage, a_note, timeline_stage
from tests.support.visit_stage import on_virtual_time

ALL = TimelineFilter()


async def _told(stage: TimelineStage) -> list[str]:
    """Something of every kind; what a whole timeline then says."""
    await stage.event(1, id="msg_1", status="received")
    await stage.page(a_note(0.5, "visited", Kind.LEASE), a_note(2, "opened"), a_note(4, "lost"))
    await stage.attempt(3, 1)
    await stage.send(5)
    return ["visited", "message.received", "opened", "delivered", "lost", "message.accepted"]


@on_virtual_time
async def test_everything_stands_in_one_order() -> None:
    async with timeline_stage() as stage:
        told = await _told(stage)

        page = await stage.ask()

        assert [item["what"] for item in page["items"]] == [*told, "pending"]
        assert (page["nextCursor"], page["complete"]) == (None, True)
        assert "secret words" not in json.dumps(page)


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
@on_virtual_time
async def test_pages_have_no_hole_and_no_repeat(limit: int) -> None:
    async with timeline_stage() as stage:
        told = [*await _told(stage), "pending"]

        pages = await stage.pages(limit=limit)

        assert [what for page in pages for what in page] == told
        assert all(len(page) == limit for page in pages[:-1])


@on_virtual_time
async def test_kinds_and_times_are_chosen() -> None:
    async with timeline_stage() as stage:
        await _told(stage)

        assert await stage.whats("link") == ["opened", "lost"]
        assert await stage.whats("lease", "attempt") == ["visited", "delivered"]
        assert await stage.whats("event") == ["message.received", "message.accepted"]
        assert await stage.whats("send") == ["pending"]
        assert await stage.whats(since=NOW + 2, until=NOW + 4) == ["opened", "delivered"]


@on_virtual_time
async def test_an_event_that_seems_older_than_its_predecessor_keeps_its_place() -> None:
    async with timeline_stage() as stage:
        await stage.event(5, EventType.SESSION_OPENED)
        await stage.event(3, EventType.SESSION_REPLACED)
        await stage.event(6, EventType.SESSION_ENDED)

        every = ["session.opened", "session.replaced", "session.ended"]
        assert await stage.whats() == every
        assert await stage.pages(limit=1) == [[what] for what in every]


@on_virtual_time
async def test_what_comes_late_while_one_pages_is_told_once_and_repeats_nothing() -> None:
    async with timeline_stage() as stage:
        await stage.page(a_note(5, "n1"), a_note(5, "n2"), a_note(6, "n3"))
        first = await stage.ask(limit=2)
        # By a process whose clock is a little behind.
        await stage.event(4.8, EventType.SESSION_OPENED)
        await stage.event(4.9, EventType.SESSION_ENDED)
        told, cursor = [item["what"] for item in first["items"]], first["nextCursor"]
        while cursor is not None:
            page = await stage.ask(limit=1, cursor=cursor)
            told += [item["what"] for item in page["items"]]
            cursor = page["nextCursor"]

        assert told == ["n1", "n2", "session.opened", "session.ended", "n3"]


@on_virtual_time
async def test_a_message_that_nobody_knows_left_no_trace() -> None:
    async with timeline_stage() as stage:
        await _told(stage)

        assert await stage.whats(message_id=MessageId("msg_none")) == []


@on_virtual_time
async def test_the_session_of_another_tenant_is_not_found() -> None:
    async with timeline_stage() as stage:
        query = TimelineQuery(kinds=(), wanted=ALL, cursor=None, limit=1)
        other = replace(KEY, tenant=TenantName("other"))

        with pytest.raises(NotFoundError):
            await stage.read(other, stage.session.id, query)
        with pytest.raises(NotFoundError):
            await stage.read(KEY, SessionId("ses_none"), query)


def test_bad_filters_are_named_together() -> None:
    wanted = TimelineFilter(since=NOW, until=NOW)

    with pytest.raises(InvalidRequestError) as refused:
        filter_of(TimelineQuery(kinds=("frame", "noise"), wanted=wanted, cursor=None, limit=1))

    assert [fault.pointer for fault in refused.value.faults] == ["/query/kinds", "/query/until"]
    assert "frame" in refused.value.faults[0].detail


def test_a_cursor_comes_back_as_it_went() -> None:
    position = Position(NOW + 0.123456, 3, "try_1")

    assert place_of(spelled(position, 7)) == (position, 7)
    assert place_of(None) == (Position(0.0), 0)


def _cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "§",
        "x" * (CURSOR_LONGEST + 1),
        _cursor("other", 1.0, 0, "", 0),
        _cursor("timeline", float("nan"), 0, "", 0),
        _cursor("timeline", 1.0, 99, "", 0),
        _cursor("timeline", 1.0, 0, "", -1),
        _cursor("timeline", 1.0, 0, "", 10**12),
        _cursor("timeline", 1.0, 0, 5, 0),
        _cursor("timeline", 1.0, 0, ""),
        base64.urlsafe_b64encode(b"no json").decode(),
    ],
)
def test_a_cursor_that_was_made_up_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequestError, match="cursor"):
        place_of(cursor)
