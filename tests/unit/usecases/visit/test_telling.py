"""The one line of a visit, whatever becomes of it."""

import logging
from asyncio import CancelledError
from collections.abc import Mapping
from typing import Any, cast

import pytest

from service.domain.errors import NotFoundError, SupersededError, UnavailableError
from service.domain.ids import SessionId
from service.usecases.visit import Inbox, Stay
from tests.support.visit_stage import on_virtual_time, staged

AWAY = UnavailableError(what="the table")


def _told(caplog: pytest.LogCaptureFixture) -> Mapping[str, Any]:
    [line] = [vars(each) for each in caplog.records if each.msg == "session.visited"]
    return line


@on_virtual_time
async def test_a_visit_that_comes_to_its_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        await stage.attend(session)

    told = _told(caplog)
    assert (told["outcome"], told["error"], told["listener"]) == ("done", None, False)
    assert (told["session_id"], told["tenant"]) == (session.id, session.tenant)
    assert (told["sequence"], told["open_sends"], told["state"]) == (3, 0, "detached")


@pytest.mark.parametrize(
    ("error", "outcome", "name"),
    [
        (AWAY, "failed", "UnavailableError"),
        (ZeroDivisionError(), "failed", "ZeroDivisionError"),
        (SupersededError(session_id="ses_1"), "superseded", None),
        (cast("Exception", CancelledError()), "cut", None),
    ],
)
@on_virtual_time
async def test_a_visit_that_cannot_sit_down_is_told(
    caplog: pytest.LogCaptureFixture, error: Exception, outcome: str, name: str | None
) -> None:
    caplog.set_level(logging.INFO)
    async with staged() as stage:
        session = await stage.chatted()
        caplog.clear()
        stage.sessions.fail("tail", error)
        with pytest.raises(type(error)):
            await stage.visit(session)

    told = _told(caplog)
    assert (told["outcome"], told["error"]) == (outcome, name)
    assert (told["state"], "sequence" in told) == ("detached", False)


@on_virtual_time
async def test_a_visit_that_fails_on_its_way_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.sessions.fail("commit", AWAY)
        with pytest.raises(UnavailableError):
            await stage.visit(session)

    told = _told(caplog)
    assert (told["outcome"], told["error"]) == ("failed", "UnavailableError")
    assert told["sequence"] == 1


@on_virtual_time
async def test_a_session_that_is_not_there_has_only_its_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with staged() as stage:
        stay = Stay(writer="lck_1", listener=False)
        with pytest.raises(NotFoundError):
            await stage.assembly.visit(SessionId("ses_none"), stay, Inbox())

    told = _told(caplog)
    assert (told["session_id"], told["error"]) == ("ses_none", "NotFoundError")
    assert "state" not in told
