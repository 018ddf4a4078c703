"""How sessions end: by their caller, cleared, erased or expired; and a clearing that goes on."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from service.adapters.embedded.files import FILE_NAME
from service.simulator.deployments import Bot, Deployment
from tests.support.machine import Chat, Machine, eventually, running
from tests.support.webhook_sink import webhook_sink
from tests.support.wire_story import tells

HELD = pytest.mark.parametrize("held", [True, False], ids=["held", "on demand"])


@tells("Clear", "SessionClearedEvent")
@HELD
async def test_an_end_clears_at_genesys_where_that_is_allowed(
    tmp_path: Path, *, held: bool, store: str | None
) -> None:
    async with running(tmp_path, listener=held, sweeper=False, aws_endpoint=store) as machine:
        chat = await machine.open(message={"text": "one"})
        answer = await chat.verb("end")

        assert answer["ended"] == {"mode": "clear", "verified": True}
        assert (answer["state"], answer["endedBy"]) == ("ended", "caller")
        assert (await chat.types())[-1] == "session.ended"
        assert machine.control.sessions() == []
        assert (await chat.verb("end"))["ended"] == {"mode": "clear", "verified": True}
        assert (await chat.send("two", status=409))["code"] == "session_ended"
        await _nobody_is_attached(machine)


@HELD
async def test_an_end_leaves_where_clearing_is_not_allowed(tmp_path: Path, *, held: bool) -> None:
    simulated = Deployment(bot=Bot.SILENT, clear=False)
    async with running(tmp_path, listener=held, sweeper=False, simulated=simulated) as machine:
        chat = await machine.open(message={"text": "one"})
        left = await chat.verb("end")

        assert left["ended"] == {"mode": "leave", "verified": False}
        assert len(machine.control.sessions()) == 1
        await _nobody_is_attached(machine)


@HELD
async def test_a_clearing_that_genesys_refuses_ends_unverified(
    tmp_path: Path, *, held: bool
) -> None:
    simulated = Deployment(bot=Bot.SILENT, clear=False)
    async with running(tmp_path, listener=held, sweeper=False, simulated=simulated) as machine:
        chat = await machine.open(message={"text": "one"})
        ended = await chat.verb("end", {"mode": "clear"})

        assert ended["ended"] == {"mode": "clear", "verified": False}
        assert ended["state"] == "ended"
        await _nobody_is_attached(machine)


@HELD
async def test_a_clearing_whose_answer_is_lost_is_finished(tmp_path: Path, *, held: bool) -> None:
    async with running(tmp_path, listener=held) as machine:
        chat = await machine.open(message={"text": "one"})
        machine.control.fault("drop", when="after", action="onMessage")
        ended = await chat.verb("end")

        assert ended["ended"] == {"mode": "clear", "verified": True}
        assert machine.stored() == ["one"]


@HELD
async def test_a_chat_is_cleared_and_goes_on(
    tmp_path: Path, *, held: bool, store: str | None
) -> None:
    async with running(tmp_path, listener=held, sweeper=False, aws_endpoint=store) as machine:
        chat = await machine.open(message={"text": "one"})
        token = await chat.token()
        cleared = await chat.verb("clear")
        await chat.send("two")

        assert (cleared["state"], cleared["incarnation"]) == ("active", 2)
        receipt = (await chat.wait_for("session.replaced"))["data"]["receipt"]
        assert receipt["cause"] == "cleared"
        assert await chat.token() == token
        assert machine.arrived() == ["one", "two"]
        page = await machine.call("GET", f"/v1/sessions/{chat.id}/messages")
        assert [(m["text"], m["incarnation"]) for m in page["items"]] == [("one", 1), ("two", 2)]


@HELD
async def test_an_end_settles_what_was_still_to_be_sent(tmp_path: Path, *, held: bool) -> None:
    async with running(tmp_path, listener=held, sweeper=False) as machine:
        machine.control.fault("deny_handshake", status=503, count=0)
        chat = await machine.open(message={"text": "one"}, wait=0)
        await chat.verb("end", {"mode": "leave"})
        failed = (await chat.wait_for("message.failed"))["data"]["message"]

        assert failed["failure"]["code"] == "session_ended"
        assert machine.arrived() == []


@HELD
async def test_nothing_of_an_erased_session_remains(tmp_path: Path, *, held: bool) -> None:
    secret = "a-secret-nobody-may-find"
    async with (
        webhook_sink() as sink,
        running(tmp_path, listener=held) as machine,
    ):
        await machine.webhook(sink.url)
        chat = await machine.open(
            message={"text": secret}, externalId=secret, metadata={"note": secret}
        )
        await chat.agent_says(secret)
        if not held:
            await chat.verb("resume")
        await chat.wait_for_text(secret)
        await sink.received(4)
        assert _rows_with(tmp_path, secret) > 0
        await machine.call("DELETE", f"/v1/sessions/{chat.id}", status=204)

        await machine.call("GET", f"/v1/sessions/{chat.id}", status=404)
        await machine.call("DELETE", f"/v1/sessions/{chat.id}", status=404)
        await _nobody_is_attached(machine)
        await eventually(lambda: _rows_of(tmp_path, chat) == ["EVT", "META"], what="only the stub")
        assert _rows_with(tmp_path, secret) == 0
        again = await machine.open(externalId=secret)
        assert again.id != chat.id


async def test_an_expiry_is_announced_before_it_comes(tmp_path: Path) -> None:
    # The warning comes five minutes ahead at the least, so here a second after each message.
    simulated = Deployment(bot=Bot.SILENT, session_seconds=301)
    async with running(tmp_path, simulated=simulated) as machine:
        chat = await machine.open(message={"text": "one"})
        first = await chat.wait_for("session.expiring")
        await chat.agent_says("still there?")
        second = await chat.wait_for("session.expiring", count=2)

        before, after = (e["data"]["session"]["expiresAt"] for e in (first, second))
        assert before < after
        assert (await chat.read())["state"] == "active"


@HELD
async def test_a_session_that_nobody_wants_any_more_expires(tmp_path: Path, *, held: bool) -> None:
    simulated = Deployment(bot=Bot.SILENT, session_seconds=6)
    async with running(tmp_path, listener=held, simulated=simulated) as machine:
        chat = await machine.open(message={"text": "one"})
        ended = await chat.wait_for("session.ended")

        assert ended["data"]["session"]["endedBy"] == "expired"
        assert ended["data"]["session"]["resumable"] is False
        assert "session.replaced" not in await chat.types()
        assert machine.stored() == ["one"]


async def _nobody_is_attached(machine: Machine) -> None:
    await eventually(lambda: not machine.control.connections(), what="no socket")


def _rows_of(folder: Path, chat: Chat) -> list[str]:
    """The kinds of rows that the table has of a session."""
    found = _select(folder, "select sk from items where pk = ?", f"SES#{chat.id}")
    return sorted(sk.partition("#")[0] for sk in found)


def _rows_with(folder: Path, text: str) -> int:
    return sum(text in row for row in _select(folder, "select pk || sk || body from items"))


def _select(folder: Path, query: str, *values: str) -> list[str]:
    address = f"file:{folder / FILE_NAME}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as database:
        return [str(row[0]) for row in database.execute(query, values)]
