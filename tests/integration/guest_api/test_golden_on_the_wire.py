"""The broker against the simulator: what goes over the wire is what the transcripts say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Unpack

import httpx2

from service.simulator.deployments import Bot, Deployment
from tests.integration.guest_api.golden_files import golden
from tests.integration.simulator.line import opened
from tests.support.machine import PATIENCE, Choices, Machine, eventually, running
from tests.support.tap import tap
from tests.support.transcript import differences
from tests.support.wire_story import tells


@asynccontextmanager
async def _played(name: str, folder: Path, **choices: Unpack[Choices]) -> AsyncIterator[Machine]:
    """A machine whose words with the simulator must be that transcript by the end."""
    wanted = golden(name)
    async with tap() as wire:
        choices |= {"sweeper": False, "policies": {"endpoint": wire.origin}}
        async with running(folder, **choices) as machine:
            wire.lead_to(machine.sim.origin)
            yield machine
            await eventually(lambda: len(wire.said) >= len(wanted), what="the whole transcript")
            # Before the machine stops, which closes what is open.
            said = list(wire.said)
    assert differences(wanted, said) == []


@tells("configureSession", "SessionResponse", "onMessage", "StructuredMessage", "Text")
@tells("getJwt", "JwtResponse")
async def test_first_contact(tmp_path: Path) -> None:
    async with _played("first_contact", tmp_path) as machine:
        chat = await machine.open(message={"text": "Hi"})
        machine.control.say(await chat.token(), "Hello, one moment", entity="Bot")
        await chat.wait_for_text("Hello, one moment")
        await machine.stop_listener()
        await chat.agent_says("Your order ships today")
        await machine.start_listener()
        await chat.wait_for_text("Your order ships today")


@tells("Disconnect", "closeSession", "configureSession", "SessionResponse", "Join")
async def test_a_conversation_that_ended_and_a_new_one(tmp_path: Path) -> None:
    simulated = Deployment(bot=Bot.SILENT, auto_start=True)
    async with _played("ended_then_new", tmp_path, simulated=simulated) as machine:
        chat = await machine.open(message={"text": "one"})
        machine.control.disconnect(await chat.token(), nickname="Dana")
        await chat.wait_for("session.readOnly")
        await eventually(lambda: not machine.control.connections(), what="the link let go")
        await chat.send("two")


@tells("string", "closeSession")
async def test_a_message_that_is_refused_as_read_only(tmp_path: Path) -> None:
    async with _played("read_only_refused", tmp_path) as machine:
        chat = await machine.open(message={"text": "one"})
        machine.control.fault("swallow_frame", direction="Outbound")
        machine.control.disconnect(await chat.token())
        await chat.send("two")


@tells("echo", "SessionExpiredEvent", "TooManyRequestsErrorMessage")
async def test_a_session_that_expired(tmp_path: Path) -> None:
    simulated = Deployment(bot=Bot.SILENT, session_seconds=6)
    async with _played("expired", tmp_path, simulated=simulated) as machine:
        chat = await machine.open(message={"text": "one"})
        machine.control.fault("throttle", retry_after=12)
        await chat.send("two", wait=25)


@tells("ConnectionClosedEvent")
async def test_one_connection_too_many(tmp_path: Path) -> None:
    async with _played("evicted", tmp_path) as machine:
        chat = await machine.open(message={"text": "one"})
        token = await chat.token()
        async with opened(machine.sim) as b, opened(machine.sim) as c, opened(machine.sim) as d:
            answers = [await line.configure(token) for line in (b, c, d)]
            await chat.wait_for("session.recovered")

        assert [answer["body"]["newSession"] for answer in answers] == [False, False, False]


@tells("TooManyRequestsErrorMessage")
async def test_a_message_that_came_too_fast(tmp_path: Path) -> None:
    async with _played("throttled", tmp_path) as machine:
        chat = await machine.open(message={"text": "one"})
        machine.control.fault("throttle", retry_after=1)
        sent = await chat.send("two")

        assert sent["status"] == "confirmed"
        assert machine.stored() == ["one", "two"]


@tells("onAttachment", "PresignedUrlResponse", "UploadSuccessEvent", "Attachment")
async def test_a_file_that_is_uploaded_and_sent(tmp_path: Path) -> None:
    async with _played("attachment", tmp_path) as machine:
        chat = await machine.open(message={"text": "one"})
        asked = {"fileName": "photo.jpg", "fileType": "image/jpeg", "fileSize": 20_480}
        file = await machine.call("POST", f"/v1/sessions/{chat.id}/attachments", asked, status=201)
        upload = file["upload"]
        async with httpx2.AsyncClient(timeout=PATIENCE) as http:
            taken = await http.request(
                upload["method"], upload["url"], headers=upload["headers"], content=bytes(20_480)
            )
        assert taken.status_code == 200
        await chat.wait_for("attachment.uploaded")
        sent = await chat.verb("messages", {"attachmentIds": [file["id"]]}, status=201)

        assert sent["status"] == "confirmed"
