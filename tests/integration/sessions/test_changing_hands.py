"""Who attends to a session changes: from listener to request and back, in order or by a death."""

import asyncio
from pathlib import Path

from service.domain.ids import SessionId
from tests.support.machine import Chat, Machine, eventually, running


async def test_a_link_let_go_in_order_is_no_outage(tmp_path: Path, store: str | None) -> None:
    async with running(tmp_path, sweeper=False, aws_endpoint=store) as machine:
        chat = await machine.open(message={"text": "one"})
        await machine.stop_listener()
        assert machine.control.connections() == []
        await chat.agent_says("while nobody listened")
        await chat.send("two")
        await machine.start_listener()
        await eventually(lambda: len(machine.control.connections()) == 1, what="a link held")
        await chat.agent_says("and now")
        await chat.wait_for_text("and now")
        await chat.send("three")

        assert await chat.texts() == ["while nobody listened", "and now"]
        assert machine.arrived() == ["one", "two", "three"]
        assert not {"session.recovered", "session.replaced"} & set(await chat.types())
        assert (await chat.read())["state"] == "active"


async def test_a_dead_listener_is_an_outage_that_the_next_visit_tells_of(
    tmp_path: Path, store: str | None
) -> None:
    async with running(tmp_path, sweeper=False, aws_endpoint=store) as machine:
        chat = await machine.open(message={"text": "one"})
        await _kill_listener(machine, chat)
        await chat.agent_says("while nobody listened")
        await chat.send("two")

        receipt = (await chat.wait_for("session.recovered"))["data"]["receipt"]
        assert receipt["cause"] == "link_lost"
        assert receipt["caughtUp"] == 1
        # The request did not wait until history can be trusted to hold all; a later visit looks.
        assert receipt["historyComplete"] is False
        assert (await chat.read())["state"] == "active"
        assert await chat.texts() == ["while nobody listened"]
        assert machine.arrived() == ["one", "two"]


async def test_requests_side_by_side_visit_one_after_the_other(tmp_path: Path) -> None:
    async with running(tmp_path, listener=False, sweeper=False) as machine:
        chat = await machine.open(message={"text": "one"})
        await asyncio.gather(*(chat.verb("resume") for _ in range(4)), chat.send("two"))

        assert machine.arrived() == ["one", "two"]
        counts = machine.control.counts()
        tokens = counts["tokens"]
        assert isinstance(tokens, dict)
        assert tokens[await chat.token()]["max_sockets"] == 1


async def _kill_listener(machine: Machine, chat: Chat) -> None:
    """As far as the table can tell: nothing is written any more, and the lease has run out."""
    assert machine.listener is not None
    listener, machine.listener = machine.listener, None
    visits = list(listener.visits.values())
    for task in (machine.tasks.pop(), *visits):
        task.cancel()
    await asyncio.gather(*visits, return_exceptions=True)
    session = await machine.opened.ports.sessions.load(SessionId(chat.id))
    shards = machine.opened.ports.shards
    await shards.release(await shards.lease(session.shard))
