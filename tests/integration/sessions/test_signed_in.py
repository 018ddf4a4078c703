"""Signed-in guests over the simulator: sign in, talk, step up, lose the login, sign out."""

from pathlib import Path
from typing import Any, Final

import pytest

from service.simulator.deployments import Bot, Deployment
from service.simulator.knobs import Knobs
from tests.support.machine import Chat, Json, Machine, eventually, running
from tests.support.wire_story import tells

HELD = pytest.mark.parametrize("held", [True, False], ids=["held", "on demand"])
SIGNED: Final = Deployment(bot=Bot.SILENT, auth=True, step_up=True)
NO_STEP_UP: Final = Deployment(bot=Bot.SILENT, auth=True)
SECONDS: Final = 0.3
"""Of a JWT that is to lapse while the story is told."""
LASTING: Final = 6.0
"""Of one that nothing renews: within it a busy machine must have sent what is said first."""


def login(code: str = "code-ann") -> dict[str, Any]:
    return {"code": code, "redirectUri": "https://shop.example/back", "codeVerifier": "v"}


async def _sign_in(chat: Chat, code: str = "code-ann", *, status: int = 200) -> Json:
    return await chat.verb("authentication", login(code), status=status)


async def _sign_out(chat: Chat, *, status: int = 200) -> Json:
    path = f"/v1/sessions/{chat.id}/authentication"
    return await chat.machine.call("DELETE", path, status=status)


def _outcomes(machine: Machine) -> list[object]:
    return machine.configures()


@HELD
@tells("configureAuthenticatedSession", "SessionResponse")
async def test_a_guest_signs_in_and_talks(tmp_path: Path, *, held: bool, store: str | None) -> None:
    async with running(
        tmp_path, listener=held, sweeper=False, simulated=SIGNED, aws_endpoint=store
    ) as machine:
        chat = await machine.open(authentication=login(), message={"text": "one"})
        await chat.agent_says("Hello Ann")
        await chat.send("two")
        await chat.wait_for_text("Hello Ann")

        assert chat.created["authenticated"] is True
        assert machine.stored() == ["one", "two"]
        rows: list[Any] = list(machine.control.transcript())
        of_guest = [row for row in rows if row["direction"] == "Inbound" and row["text"]]
        assert [row["metadata"]["authenticated"] for row in of_guest] == ["true", "true"]


@HELD
async def test_a_lapsed_jwt_is_renewed_at_the_next_attach(tmp_path: Path, *, held: bool) -> None:
    knobs = Knobs(auth_jwt_seconds=SECONDS, refresh_rotates=True)
    async with running(
        tmp_path, listener=held, sweeper=False, simulated=SIGNED, knobs=knobs
    ) as machine:
        chat = await machine.open(authentication=login(), message={"text": "one"})
        for text in ("two", "three"):
            await _lapse(machine)
            machine.control.drop()
            await chat.send(text)

        assert machine.stored() == ["one", "two", "three"]
        assert (await chat.read())["incarnation"] == 1
        assert "401" in _outcomes(machine)


@HELD
async def test_a_login_that_lapsed_is_brought_back_and_the_chat_goes_on(
    tmp_path: Path, *, held: bool
) -> None:
    knobs = Knobs(auth_jwt_seconds=LASTING, refresh_token_seconds=LASTING)
    async with running(
        tmp_path, listener=held, sweeper=False, simulated=SIGNED, knobs=knobs
    ) as machine:
        chat = await machine.open(authentication=login(), message={"text": "one"})
        await _lapse(machine, LASTING)
        machine.control.drop()
        await chat.verb("resume")
        failed = await chat.wait_for_state("failed")

        assert failed["failure"]["code"] == "authentication_required"
        assert failed["authenticated"] is True
        assert (await chat.send("lost", status=409))["code"] == "session_failed"

        machine.control.knobs(auth_jwt_seconds=900, refresh_token_seconds=86_400)
        back = await _sign_in(chat, "code-ann.2")
        await chat.send("three")

        assert (back["state"], back["failure"], back["incarnation"]) == ("active", None, 1)
        assert machine.stored() == ["one", "three"]
        assert await chat.texts("message.confirmed") == ["one", "three"]


@HELD
@tells("SignIn", "configureAuthenticatedSession")
@pytest.mark.parametrize("late", [False, True], ids=["told first", "told after"])
async def test_an_anonymous_session_steps_up(tmp_path: Path, *, held: bool, late: bool) -> None:
    knobs = Knobs(sign_in_told_late=late)
    async with running(
        tmp_path, listener=held, sweeper=False, simulated=SIGNED, knobs=knobs
    ) as machine:
        chat = await machine.open(message={"text": "anonymous"})
        assert chat.created["authenticated"] is False
        signed = await _sign_in(chat)
        await chat.send("as Ann")

        assert (signed["authenticated"], signed["state"]) == (True, "active")
        assert late or signed["guestName"] == "ann"
        assert (await chat.read())["incarnation"] == 1
        assert machine.stored() == ["anonymous", "as Ann"]
        assert "session.replaced" not in await chat.types()


@HELD
async def test_a_refused_step_up_says_so_and_goes_on_anonymous(
    tmp_path: Path, *, held: bool
) -> None:
    async with running(tmp_path, listener=held, sweeper=False, simulated=NO_STEP_UP) as machine:
        chat = await machine.open(message={"text": "one"})
        refused = await _sign_in(chat, status=502)
        await chat.send("two")

        assert refused["code"] == "rejected_by_genesys"
        assert "allowSessionUpgrade" in refused["detail"]
        after = await chat.read()
        assert (after["authenticated"], after["incarnation"]) == (False, 1)
        assert machine.stored() == ["one", "two"]


async def test_a_code_that_is_used_up_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, sweeper=False, simulated=SIGNED) as machine:
        chat = await machine.open(message={"text": "one"})
        await _sign_in(chat)
        again = await _sign_in(chat, status=422)
        body = {"deployment": "shop", "authentication": login()}
        other = await machine.call("POST", "/v1/sessions", body, status=422)

        assert (again["code"], again["providerCode"]) == (
            "authentication_failed",
            "authentication.failed",
        )
        assert other["code"] == "authentication_failed"
        assert len((await machine.call("GET", "/v1/sessions"))["items"]) == 1


@HELD
@tells("LogoutEvent")
async def test_a_logout_reaches_genesys_and_ends_the_session(tmp_path: Path, *, held: bool) -> None:
    async with running(tmp_path, listener=held, sweeper=False, simulated=SIGNED) as machine:
        chat = await machine.open(authentication=login(), message={"text": "one"})
        other = await machine.open(message={"text": "anonymous"})
        out = await _sign_out(chat)

        assert (out["state"], out["endedBy"]) == ("ended", "caller")
        assert out["ended"] == {"mode": None, "verified": True}
        assert (await _sign_out(chat))["state"] == "ended"
        assert (await _sign_out(other, status=409))["code"] == "not_signed_in"
        assert (await _sign_in(chat, "code-ann.2", status=409))["code"] == "session_ended"


@tells("LogoutEvent")
async def test_a_guest_who_signs_out_elsewhere_ends_the_session(tmp_path: Path) -> None:
    async with running(tmp_path, sweeper=False, simulated=SIGNED) as machine:
        chat = await machine.open(authentication=login(), message={"text": "one"})
        await machine.http.get("/healthz")
        stored = await machine.assembly.ports.sessions.load(chat.id)  # type: ignore[arg-type] # an id from the API
        assert stored.sign_in is not None
        deployment = await machine.assembly.ports.tenants.deployment(
            stored.tenant, stored.deployment
        )
        await machine.assembly.ports.login.revoke(deployment, jwt=stored.sign_in.jwt)
        ended = await chat.wait_for_state("ended")

        assert ended["endedBy"] == "guest"
        assert len(_outcomes(machine)) == 1


@tells("ConnectionClosedEvent")
async def test_a_guest_who_signs_in_elsewhere_is_not_fought_for(tmp_path: Path) -> None:
    async with running(tmp_path, sweeper=False, simulated=SIGNED) as machine:
        first = await machine.open(authentication=login(), message={"text": "here"})
        second = await machine.open(
            authentication=login("code-ann.2"), message={"text": "elsewhere"}
        )
        ended = await first.wait_for_state("ended")
        await second.send("still here")

        assert (ended["endedBy"], ended["resumable"]) == ("evicted", False)
        assert (await second.read())["state"] == "active"
        assert machine.stored() == ["here", "elsewhere", "still here"]
        line = await machine.call("GET", f"/v1/sessions/{second.id}/timeline")
        told = [entry for entry in line["items"] if entry["what"] == "configured"]
        assert told[0]["facts"]["clearedExistingSession"] is True


async def test_a_mere_look_takes_nobody_away_from_elsewhere(tmp_path: Path) -> None:
    """Nobody held a link when the guest signed in elsewhere: a look finds the session gone."""
    async with running(tmp_path, listener=False, sweeper=False, simulated=SIGNED) as machine:
        first = await machine.open(authentication=login(), message={"text": "here"})
        second = await machine.open(authentication=login("code-ann.2"), message={"text": "there"})
        await first.verb("resume")
        failed = await first.wait_for_state("failed")
        await second.send("still here")

        assert failed["failure"]["code"] == "authentication_required"
        assert (await second.read())["state"] == "active"


@HELD
async def test_a_jwt_that_is_never_taken_needs_a_login_after_three_more(
    tmp_path: Path, *, held: bool
) -> None:
    async with running(
        tmp_path,
        listener=held,
        sweeper=False,
        simulated=SIGNED,
        knobs=Knobs(auth_jwt_seconds=0),
    ) as machine:
        chat = await machine.open(authentication=login())
        failed = await chat.wait_for_state("failed")

        assert failed["failure"]["code"] == "authentication_required"
        assert _outcomes(machine) == ["401"] * 4


@pytest.mark.parametrize("text", ["Session authentication failed: x", "TRY to authenticate again"])
async def test_a_login_that_genesys_refuses_is_asked_for_and_never_made_anonymous(
    tmp_path: Path, text: str
) -> None:
    async with running(
        tmp_path, sweeper=False, simulated=SIGNED, knobs=Knobs(auth_refusal=text)
    ) as machine:
        chat = await machine.open(authentication=login(), message={"text": "one"})
        failed = await chat.wait_for_state("failed")

        assert failed["failure"]["code"] == "authentication_required"
        assert _outcomes(machine) == ["403"]
        # The session's failure is written down first, and its messages' after it.
        await chat.wait_for("message.failed")
        assert (await chat.types())[-2:] == ["session.failed", "message.failed"]

        machine.control.knobs(auth_refusal="")
        await _sign_in(chat, "code-ann.2")
        await chat.send("two")
        assert machine.stored() == ["two"]


@HELD
async def test_another_guests_login_is_refused_to_who_brings_it(
    tmp_path: Path, *, held: bool
) -> None:
    """Not only to whoever looks later: a link that is held does not hide it."""
    async with running(tmp_path, listener=held, sweeper=False, simulated=SIGNED) as machine:
        chat = await machine.open(authentication=login(), message={"text": "one"})
        same = await _sign_in(chat, "code-ann.2")
        other = await _sign_in(chat, "code-bob")

        assert (same["state"], same["authenticated"]) == ("active", True)
        assert other["state"] == "failed"
        assert other["failure"]["code"] == "authentication_required"
        assert _outcomes(machine) == ["new", "resumed", "403"]


async def test_an_id_token_cannot_be_renewed(tmp_path: Path) -> None:
    knobs = Knobs(auth_jwt_seconds=LASTING)
    async with running(
        tmp_path, listener=False, sweeper=False, simulated=SIGNED, knobs=knobs
    ) as machine:
        proof = {"idToken": "id-ann", "nonce": "n"}
        chat = await machine.open(authentication=proof, message={"text": "one"})
        await _lapse(machine, LASTING)
        await chat.verb("resume")

        failed = await chat.wait_for_state("failed")
        assert failed["failure"]["code"] == "authentication_required"


async def test_nothing_secret_is_told_in_log_timeline_or_answers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with running(tmp_path, sweeper=False, simulated=SIGNED) as machine:
        chat = await machine.open(authentication=login(), message={"text": "one"})
        stored = await machine.assembly.ports.sessions.load(chat.id)  # type: ignore[arg-type] # an id from the API
        assert stored.sign_in is not None
        line = await machine.call("GET", f"/v1/sessions/{chat.id}/timeline")
        records = [str(vars(record)) for record in caplog.records if "service" in record.name]
        told = str([line, await chat.events(), await chat.read(), repr(stored), records])

        secrets = (stored.sign_in.jwt, stored.sign_in.refresh_token, "code-ann", "codeVerifier")
        assert [secret for secret in secrets if secret and secret in told] == []
        for file in tmp_path.rglob("*"):
            if file.is_file():
                assert stored.sign_in.jwt.encode() not in file.read_bytes()


async def _lapse(machine: Machine, seconds: float = SECONDS) -> None:
    begun = machine.assembly.ports.clock.monotonic()

    def lapsed() -> bool:
        return machine.assembly.ports.clock.monotonic() - begun > seconds

    await eventually(lapsed, what="the JWT lapses")
