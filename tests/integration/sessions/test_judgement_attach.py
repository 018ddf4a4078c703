"""What an answer to configure means, row by row: with a link held, and on demand."""

from pathlib import Path

import pytest

from service.simulator.deployments import Bot, Deployment
from tests.integration.simulator.line import opened
from tests.support.machine import Chat, Machine, eventually, running
from tests.support.wire_story import tells

HELD = pytest.mark.parametrize("held", [True, False], ids=["held", "on demand"])


async def _lose_link(machine: Machine, chat: Chat, *, held: bool) -> None:
    """Lose the held link and keep it away for one attempt; on demand there is none to lose."""
    if held:
        machine.control.fault("deny_handshake", status=503)
        assert machine.control.drop(await chat.token()) == 1


@tells("configureSession", "SessionResponse", "Join")
@HELD
async def test_a_first_attach_that_makes_a_guest_session_opens(
    tmp_path: Path, *, held: bool
) -> None:
    simulated = Deployment(bot=Bot.SILENT, auto_start=True)
    async with running(tmp_path, listener=held, simulated=simulated) as machine:
        chat = await machine.open(message={"text": "one"})

        assert await chat.types() == ["message.accepted", "session.opened", "message.confirmed"]
        session = await chat.read()
        assert (session["state"], session["incarnation"]) == ("active", 1)
        assert machine.configures() == ["new"]
        assert machine.arrived() == ["one"]
        assert _joins(machine) == 1


@HELD
async def test_a_first_attach_whose_answer_is_lost_opens_once(
    tmp_path: Path, *, held: bool
) -> None:
    simulated = Deployment(bot=Bot.SILENT, auto_start=True)
    async with running(tmp_path, listener=held, simulated=simulated) as machine:
        machine.control.fault("drop", when="after", action="configureSession")
        chat = await machine.open(message={"text": "one"})
        await chat.send("two")

        types = await chat.types()
        assert types.count("session.opened") == 1
        assert (await chat.read())["incarnation"] == 1
        assert machine.configures()[:2] == ["new", "resumed"]
        assert machine.arrived() == ["one", "two"]
        assert _joins(machine) == 1


async def test_a_lost_link_is_taken_up_again_with_a_receipt(tmp_path: Path) -> None:
    async with running(tmp_path) as machine:
        chat = await machine.open(message={"text": "one"})
        before = await chat.read()
        await _lose_link(machine, chat, held=True)
        await chat.agent_says("while you were away")
        recovered = await chat.wait_for("session.recovered")
        await chat.send("two")

        receipt = recovered["data"]["receipt"]
        assert receipt["cause"] == "link_lost"
        assert receipt["historyComplete"] is True
        assert receipt["caughtUp"] == 1
        assert receipt["outageSeconds"] < 10
        assert receipt["sends"] == {"proven": 0, "resent": 0, "unproven": 0}
        assert receipt["previous"] == receipt["current"]
        missed = (await chat.events("message.received"))[0]["data"]["message"]
        assert (missed["text"], missed["recovered"]) == ("while you were away", True)
        after = await chat.read()
        assert (after["incarnation"], after["clientId"]) == (1, before["clientId"])
        assert machine.handshakes() == [101, 503, 101]
        assert machine.arrived() == ["one", "two"]


@tells("getJwt", "JwtResponse")
async def test_a_visit_on_demand_catches_up_without_an_outage(tmp_path: Path) -> None:
    async with running(tmp_path, listener=False, sweeper=False) as machine:
        chat = await machine.open(message={"text": "one"})
        await chat.agent_says("while you were away")
        await chat.send("two")

        assert await chat.types() == [
            "message.accepted",
            "session.opened",
            "message.confirmed",
            "message.accepted",
            "message.received",
            "message.confirmed",
        ]
        assert (await chat.events("message.received"))[0]["data"]["message"]["recovered"] is True
        assert machine.configures() == ["new", "resumed"]
        assert machine.arrived() == ["one", "two"]


@HELD
async def test_a_guest_session_made_anew_under_the_same_client_id_is_a_replacement(
    tmp_path: Path, *, held: bool
) -> None:
    async with running(tmp_path, listener=held, sweeper=False) as machine:
        chat = await machine.open(message={"text": "one"})
        before = await chat.read()
        machine.control.wipe()
        await _lose_link(machine, chat, held=held)
        await chat.send("two")

        replaced = await chat.wait_for("session.replaced")
        receipt = replaced["data"]["receipt"]
        assert receipt["cause"] == ("link_lost" if held else "new_session")
        assert (receipt["previous"]["incarnation"], receipt["current"]["incarnation"]) == (1, 2)
        assert receipt["previous"]["clientIdHash"] == receipt["current"]["clientIdHash"]
        after = await chat.read()
        assert (after["incarnation"], after["clientId"]) == (2, before["clientId"])
        assert (await chat.types()).count("session.opened") == 1
        assert machine.configures() == ["new", "new"]
        assert machine.arrived() == ["one", "two"]


@HELD
async def test_a_guest_session_that_shows_nothing_of_ours_was_replaced_unseen(
    tmp_path: Path, *, held: bool
) -> None:
    async with running(tmp_path, listener=held, sweeper=False) as machine:
        chat = await machine.open(message={"text": "one"})
        token = await chat.token()
        machine.control.wipe()
        async with opened(machine.sim) as stranger:
            assert (await stranger.configure(token))["body"]["newSession"] is True
        await _lose_link(machine, chat, held=held)
        await chat.send("two")

        replaced = await chat.wait_for("session.replaced")
        assert replaced["data"]["receipt"]["cause"] == ("link_lost" if held else "new_session")
        after = await chat.read()
        assert (after["incarnation"], after["clientId"]) == (2, token)
        assert machine.configures() == ["new", "new", "resumed"]
        assert machine.arrived() == ["one", "two"]


@HELD
async def test_a_lagging_history_is_not_taken_for_a_replacement(
    tmp_path: Path, *, held: bool
) -> None:
    policies = {"historyLagSeconds": 1.5}
    async with running(tmp_path, listener=held, sweeper=False, policies=policies) as machine:
        machine.control.knobs(history_lag_seconds=1.0)
        chat = await machine.open(message={"text": "one"})
        await _lose_link(machine, chat, held=held)
        await chat.send("two")

        assert (await chat.read())["incarnation"] == 1
        assert "session.replaced" not in await chat.types()
        assert machine.arrived() == ["one", "two"]


@HELD
async def test_a_read_only_guest_session_makes_the_session_read_only(
    tmp_path: Path, *, held: bool
) -> None:
    policies = {"onReadOnly": "refuse"}
    async with running(tmp_path, listener=held, sweeper=False, policies=policies) as machine:
        chat = await machine.open(message={"text": "one"})
        await chat.agent_says("goodbye")
        machine.control.disconnect(await chat.token(), nickname="Dana")
        if not held:
            await chat.verb("resume")
        await chat.wait_for("session.readOnly")
        await chat.wait_for_text("goodbye")

        await chat.wait_for_state("readOnly")

        async def told_by_whom() -> bool:
            return bool((await chat.read())["endedBy"] == "agent")

        # Where nobody listened, history tells it soon after.
        await eventually(told_by_whom, what="who ended it")
        assert (await chat.read())["resumable"] is False
        refused = await chat.send("two", status=409)
        assert refused["code"] == "session_read_only"
        assert machine.arrived() == ["one"]
        assert (await chat.types()).count("session.readOnly") == 1


def _joins(machine: Machine) -> int:
    rows = machine.control.transcript()
    return sum(row["direction"] == "Inbound" and row["type"] == "Event" for row in rows)


async def test_typing_and_sockets_end_with_the_machine(tmp_path: Path) -> None:
    async with running(tmp_path) as machine:
        await machine.open(message={"text": "one"})
        assert len(machine.control.connections()) == 1
        await machine.stop_listener()

        await eventually(lambda: not machine.control.connections())
