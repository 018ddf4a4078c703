"""Logins and files that go wrong half-way, with real parts: sockets, bytes, and either store."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest

from service.domain.attachment import Upload
from service.domain.deployment import Deployment
from service.domain.errors import FileTransferError, VersionConflictError
from service.domain.ids import SessionId
from service.domain.sign_in import JWT_SECONDS, LoginProof, Tokens
from service.ports import Ports
from service.ports.login import GuestLogin
from service.ports.wires import GuestFiles
from service.simulator.deployments import Bot
from service.simulator.deployments import Deployment as Simulated
from service.simulator.knobs import Knobs
from tests.integration.sessions.test_attachments import ask, becomes, put
from tests.support.machine import PATIENCE, Chat, Json, Machine, eventually, running
from tests.support.wire_story import tells

SIGNED: Final = Simulated(bot=Bot.SILENT, auth=True, step_up=True)
OVER_DYNAMODB: Final = pytest.mark.parametrize("store", ["dynamodb"], indirect=True)
"""On one machine the story is told elsewhere."""


def login(code: str = "code-ann") -> dict[str, Any]:
    return {"code": code, "redirectUri": "https://shop.example/back", "codeVerifier": "v"}


@dataclass
class Dying:
    """A login port whose visit dies when Genesys has answered, and before anything is stored."""

    real: GuestLogin
    deaths: int = 0

    async def exchange(self, deployment: Deployment, proof: LoginProof) -> Tokens:
        return await self.real.exchange(deployment, proof)

    async def refresh(self, deployment: Deployment, *, refresh_token: str) -> Tokens:
        tokens = await self.real.refresh(deployment, refresh_token=refresh_token)
        if self.deaths:
            self.deaths -= 1
            raise asyncio.CancelledError
        return tokens

    async def revoke(self, deployment: Deployment, *, jwt: str) -> bool:
        return await self.real.revoke(deployment, jwt=jwt)


@dataclass
class Stumbling:
    """A port of files that fails so often after the bytes were fetched."""

    real: GuestFiles
    failures: int
    tried: int = 0

    async def put(
        self, deployment: Deployment, upload: Upload, *, file_type: str, body: bytes
    ) -> None:
        await self.real.put(deployment, upload, file_type=file_type, body=body)

    async def copy(
        self, deployment: Deployment, source: str, upload: Upload, *, file_type: str, size: int
    ) -> None:
        self.tried += 1
        if self.tried <= self.failures:
            raise FileTransferError(status=503)
        await self.real.copy(deployment, source, upload, file_type=file_type, size=size)


@OVER_DYNAMODB
@tells("configureAuthenticatedSession", "SignIn", "LogoutEvent")
async def test_a_guest_steps_up_and_signs_out(tmp_path: Path, store: str | None) -> None:
    async with running(tmp_path, sweeper=False, simulated=SIGNED, aws_endpoint=store) as machine:
        chat = await machine.open(message={"text": "anonymous"})
        up = await chat.verb("authentication", login())
        await chat.send("as Ann")
        path = f"/v1/sessions/{chat.id}/authentication"
        out = await machine.call("DELETE", path, status=200)

        assert (up["authenticated"], up["state"], up["incarnation"]) == (True, "active", 1)
        assert (out["state"], out["ended"]) == ("ended", {"mode": None, "verified": True})
        assert machine.stored() == ["anonymous", "as Ann"]
        stored = await machine.assembly.ports.sessions.load(SessionId(chat.id))
        assert stored.sign_in is not None
        assert (stored.sign_in.jwt, stored.sign_in.refresh_token) == ("", None)


@OVER_DYNAMODB
async def test_a_login_that_lapsed_is_renewed_by_its_caller(
    tmp_path: Path, store: str | None
) -> None:
    async with running(
        tmp_path,
        sweeper=False,
        simulated=SIGNED,
        knobs=Knobs(refresh_token_seconds=0.0),
        aws_endpoint=store,
    ) as machine:
        chat = await machine.open(authentication=login(), message={"text": "one"})
        await _age(chat)
        machine.control.drop()
        await chat.wait_for_state("failed")
        back = await chat.verb("authentication", login("code-ann.2"))
        await chat.send("two")

        assert (back["state"], back["failure"], back["incarnation"]) == ("active", None, 1)
        assert machine.stored() == ["one", "two"]


async def test_a_refresh_token_that_a_process_took_to_its_grave_is_told_honestly(
    tmp_path: Path, store: str | None
) -> None:
    """Genesys gave another one and takes the old one no more: only the guest can help."""
    mortal: list[Dying] = []

    def meddle(ports: Ports) -> Ports:
        mortal.append(Dying(ports.login))
        return replace(ports, login=mortal[0])

    async with running(
        tmp_path,
        sweeper=False,
        simulated=SIGNED,
        knobs=Knobs(refresh_rotates=True),
        meddle=meddle,
        aws_endpoint=store,
    ) as machine:
        chat = await machine.open(authentication=login(), message={"text": "one"})
        [dying] = mortal
        dying.deaths = 1
        await _age(chat)
        machine.control.drop()
        await eventually(lambda: dying.deaths == 0)
        await chat.verb("resume")
        failed = await chat.wait_for_state("failed")
        back = await chat.verb("authentication", login("code-ann.2"))
        await chat.send("two")

        assert failed["failure"]["code"] == "authentication_required"
        assert "any more" in failed["failure"]["detail"]
        assert (back["state"], back["incarnation"]) == ("active", 1)
        assert machine.stored() == ["one", "two"]


@tells("onAttachment", "UploadSuccessEvent")
async def test_a_file_goes_along_into_the_next_guest_session_though_the_first_try_fails(
    tmp_path: Path, store: str | None
) -> None:
    async with running(tmp_path, sweeper=False, aws_endpoint=store, meddle=_stumbling) as machine:
        chat = await machine.open(message={"text": "hello"})
        made = await _uploaded(machine, chat)
        await _replaced(machine, chat)
        answer = await _send(machine, chat, made)

        assert answer["status"] == "confirmed"
        assert machine.stored()[-1] == "Look"
        assert len(await chat.events("attachment.uploaded")) == 1
        assert await chat.events("attachment.failed") == []


async def test_a_file_whose_bytes_are_out_of_reach_fails_with_its_message(
    tmp_path: Path, store: str | None
) -> None:
    async with running(
        tmp_path, sweeper=False, aws_endpoint=store, knobs=Knobs(download_seconds=0.0)
    ) as machine:
        chat = await machine.open(message={"text": "hello"})
        made = await _uploaded(machine, chat)
        await _replaced(machine, chat)
        # Three tries of 20 s, and the pauses between them, where a machine stands still.
        told = await chat.wait_for("attachment.failed", within=2 * PATIENCE)
        refused = await machine.call(
            "POST",
            f"/v1/sessions/{chat.id}/messages",
            {"attachmentIds": [made["id"]]},
            status=422,
        )
        await chat.send("without it")

        assert told["data"]["attachment"]["failure"]["code"] == "guest_session_replaced"
        assert refused["code"] == "unknown_attachment"
        assert machine.stored()[-1] == "without it"


def _stumbling(ports: Ports) -> Ports:
    return replace(ports, guest_files=Stumbling(ports.guest_files, failures=1))


async def _age(chat: Chat) -> None:
    """Let the broker's JWT be too old to be shown again: nothing happens before, however slow."""
    sessions = chat.machine.assembly.ports.sessions

    async def aged() -> bool:
        stored = await sessions.load(SessionId(chat.id))
        assert stored.sign_in is not None
        older = replace(stored.sign_in, issued_at=stored.sign_in.issued_at - JWT_SECONDS)
        try:
            await sessions.commit(stored, replace(stored, sign_in=older))
        except VersionConflictError:
            return False
        return True

    await eventually(aged, what="the JWT is old")


async def _uploaded(machine: Machine, chat: Chat) -> Json:
    made = await ask(machine, chat)
    assert await put(made) == 200
    await becomes(machine, chat, made, "uploaded")
    return made


async def _replaced(machine: Machine, chat: Chat) -> None:
    machine.control.forget(await chat.token())
    machine.control.drop()
    await chat.wait_for("session.replaced")


async def _send(machine: Machine, chat: Chat, made: Json) -> Json:
    path = f"/v1/sessions/{chat.id}/messages"
    body = {"attachmentIds": [made["id"]], "text": "Look"}
    return await machine.call("POST", path, body, status=201, wait=25)
