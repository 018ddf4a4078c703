"""Guest sessions that are gone, expired or forbidden: the client id is kept or renewed."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.machine import Chat, Json, Machine, running
from tests.support.wire_story import tells

HELD = pytest.mark.parametrize("held", [True, False], ids=["held", "on demand"])
SPELLINGS = pytest.mark.parametrize("spelling", ["number", "string_code", "bare", "error_message"])


@tells("string", "ErrorMessage")
@SPELLINGS
@HELD
async def test_a_session_not_found_is_replaced_under_its_client_id(
    tmp_path: Path, *, held: bool, spelling: str, store: str | None
) -> None:
    async with running(tmp_path, listener=held, sweeper=False, aws_endpoint=store) as machine:
        machine.control.knobs(not_found_spelling=spelling)
        chat = await machine.open(message={"text": "one"})
        token = await chat.token()
        # On demand the visit attaches first; it is told of the loss by what it sends then.
        await _forget_now_or_after_the_attach(machine, token, held=held)
        await chat.send("two")

        receipt = (await chat.wait_for("session.replaced"))["data"]["receipt"]
        assert receipt["cause"] == "session_not_found"
        assert receipt["code"] in {"4007", "session_not_found"}
        assert receipt["sends"] == {"proven": 0, "resent": int(held), "unproven": 0}
        assert receipt["previous"]["clientIdHash"] == receipt["current"]["clientIdHash"]
        assert (await chat.read())["incarnation"] == 2
        assert await chat.token() == token
        assert machine.stored() == ["one", "two"]
        assert machine.configures()[-1] == "new"


@tells("string", "SessionExpiredEvent")
@pytest.mark.parametrize("answer", ["code", "event"])
@HELD
async def test_an_expired_session_is_replaced_when_somebody_speaks(
    tmp_path: Path, *, held: bool, answer: str
) -> None:
    async with running(tmp_path, listener=held, sweeper=False) as machine:
        machine.control.knobs(expired_answer=answer)
        chat = await machine.open(message={"text": "one"})
        token = await chat.token()
        machine.control.expire(token)
        await chat.send("two")

        receipt = (await chat.wait_for("session.replaced"))["data"]["receipt"]
        assert receipt["cause"] == ("session_expired" if held else "new_session")
        assert (receipt["previous"]["incarnation"], receipt["current"]["incarnation"]) == (1, 2)
        assert await chat.token() == token
        assert machine.configures() == ["new", "new"]
        assert machine.stored() == ["one", "two"]


@tells("SessionExpiredEvent")
async def test_an_expiry_that_is_pushed_replaces_without_a_word(tmp_path: Path) -> None:
    async with running(tmp_path) as machine:
        chat = await machine.open(message={"text": "one"})
        machine.control.expire(await chat.token(), announce=True)

        receipt = (await chat.wait_for("session.replaced"))["data"]["receipt"]
        assert receipt["cause"] == "session_expired"
        await chat.wait_for_state("active")
        assert machine.configures() == ["new", "new"]


@HELD
@pytest.mark.parametrize("code", [4006, 4007])
async def test_a_client_id_refused_on_configure_itself_is_renewed(
    tmp_path: Path, *, held: bool, code: int
) -> None:
    async with running(tmp_path, listener=held, sweeper=False) as machine:
        chat = await machine.open(message={"text": "one"})
        token = await chat.token()
        machine.control.fault("refuse", action="configureSession", token=token, code=code, count=0)
        machine.control.drop(token)
        await chat.send("two")

        replaced = await chat.wait_for("session.replaced")
        receipt = replaced["data"]["receipt"]
        expected = "session_expired" if code == 4006 else "session_not_found"
        assert receipt["cause"] == ("link_lost" if held else expected)
        assert receipt["previous"]["clientIdHash"] != receipt["current"]["clientIdHash"]
        assert await chat.token() != token
        assert machine.configures(token) == ["new", str(code), str(code)]
        assert machine.configures(await chat.token()) == ["new"]
        assert machine.stored() == ["one", "two"]


@HELD
async def test_a_client_id_that_guests_may_not_use_is_renewed_at_once(
    tmp_path: Path, *, held: bool
) -> None:
    async with running(tmp_path, listener=held, sweeper=False) as machine:
        chat = await machine.open(message={"text": "one"})
        token = await chat.token()
        machine.control.fault("refuse", action="configureSession", token=token, code=4017, count=0)
        machine.control.drop(token)
        await chat.send("two")

        receipt = (await chat.wait_for("session.replaced"))["data"]["receipt"]
        assert receipt["cause"] == ("link_lost" if held else "client_id_dead")
        assert machine.configures(token) == ["new", "4017"]
        assert machine.configures(await chat.token()) == ["new"]
        assert machine.stored() == ["one", "two"]


@tells("LogoutEvent", "ConnectionClosedEvent")
@pytest.mark.parametrize("how", ["logout", "signed in elsewhere"])
@pytest.mark.parametrize("policy", ["replace", "fail"])
async def test_a_client_id_that_dies_on_a_live_link(tmp_path: Path, how: str, policy: str) -> None:
    async with running(tmp_path, policies={"onSessionLost": policy}) as machine:
        chat = await machine.open(message={"text": "one"})
        token = await chat.token()
        _kill_client_id(machine, token, how)

        if policy == "replace":
            receipt = (await chat.wait_for("session.replaced"))["data"]["receipt"]
            assert receipt["cause"] == "client_id_dead"
            await chat.send("two")
            assert await chat.token() != token
            assert machine.arrived() == ["one", "two"]
        else:
            failed = await chat.wait_for("session.failed")
            assert failed["data"]["session"]["failure"]["code"] == "client_id_dead"
            assert machine.configures() == ["new"]


@HELD
async def test_a_session_that_is_lost_fails_where_the_deployment_says_so(
    tmp_path: Path, *, held: bool
) -> None:
    policies = {"onSessionLost": "fail"}
    async with running(tmp_path, listener=held, sweeper=False, policies=policies) as machine:
        chat = await machine.open(message={"text": "one"})
        machine.control.wipe()
        machine.control.drop(await chat.token())
        if not held:
            await chat.send("two", status=409)

        failed = await chat.wait_for("session.failed")
        assert failed["data"]["session"]["state"] == "failed"
        refused = await chat.send("three", status=409)
        assert refused["code"] == "session_failed"
        assert machine.arrived() == ["one"]
        assert [f["code"] for f in await _failures(chat)] == ([] if held else ["session_failed"])


async def _forget_now_or_after_the_attach(machine: Machine, token: str, *, held: bool) -> None:
    if held:
        machine.control.forget(token)
    else:
        machine.control.fault("forget", action="getJwt", token=token)


def _kill_client_id(machine: Machine, token: str, how: str) -> None:
    if how == "logout":
        frame: dict[str, Any] = {"type": "message", "class": "LogoutEvent", "code": 200, "body": {}}
        machine.control.inject(token, frame)
    else:
        machine.control.evict(token, which="all", reason="signedIn")


async def _failures(chat: Chat) -> list[Json]:
    return [e["data"]["message"]["failure"] for e in await chat.events("message.failed")]
