"""A server that says what the transcripts say and nothing else: the log tells the story."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.integration.guest_api.golden_files import golden, golden_names
from tests.support.machine import Json, Machine, eventually, running
from tests.support.scripted_server import Made, Script, scripted
from tests.support.wire_story import tells

OPENED = ["message.accepted", "session.opened", "message.confirmed"]


@asynccontextmanager
async def _played(
    name: str, folder: Path, policies: Json | None = None, made: Made | None = None
) -> AsyncIterator[tuple[Machine, Script]]:
    """A machine that talks with that transcript's server, and must have heard all of it."""
    async with scripted(golden(name), made) as script:
        wanted = {"endpoint": script.origin, "autoStart": False, **(policies or {})}
        async with running(folder, sweeper=False, policies=wanted) as machine:
            yield machine, script
            await eventually(lambda: not script.left or bool(script.problems), what="the end")
            assert script.problems == []


@tells("configureSession", "SessionResponse", "onMessage", "StructuredMessage", "Text")
@tells("getJwt", "JwtResponse")
async def test_first_contact(tmp_path: Path) -> None:
    async with _played("first_contact", tmp_path) as (machine, _):
        chat = await machine.open(message={"text": "Hi"})
        await chat.wait_for_text("Hello, one moment")
        await machine.stop_listener()
        await machine.start_listener()
        await chat.wait_for_text("Your order ships today")

        assert await chat.types() == [*OPENED, "message.received", "message.received"]
        bot, agent = [e["data"]["message"] for e in await chat.events("message.received")]
        assert (bot["author"]["kind"], bot["recovered"]) == ("bot", False)
        assert agent["author"] == {"kind": "agent", "name": "Dana", "image": None}
        assert agent["recovered"] is True


@tells("Disconnect", "closeSession", "configureSession", "SessionResponse", "Join")
async def test_a_conversation_that_ended_and_a_new_one(tmp_path: Path) -> None:
    async with _played("ended_then_new", tmp_path, {"autoStart": True}) as (machine, script):
        chat = await machine.open(message={"text": "one"})
        closed = await chat.wait_for("session.readOnly")
        await eventually(lambda: script.left[0].link == 2, what="the link let go")
        sent = await chat.send("two")

        assert (closed["data"]["session"]["endedBy"], sent["status"]) == ("agent", "confirmed")
        receipt = (await chat.wait_for("session.replaced"))["data"]["receipt"]
        assert receipt["cause"] == "read_only"
        session = await chat.read()
        assert (session["state"], session["incarnation"]) == ("active", 2)


@tells("string", "closeSession")
async def test_a_message_that_is_refused_as_read_only(tmp_path: Path) -> None:
    async with _played("read_only_refused", tmp_path) as (machine, _):
        chat = await machine.open(message={"text": "one"})
        sent = await chat.send("two")

        assert (sent["status"], sent["incarnation"]) == ("confirmed", 2)
        types = await chat.types()
        assert types.count("session.readOnly") == types.count("session.replaced") == 1
        assert "message.failed" not in types


@tells("echo", "SessionExpiredEvent", "TooManyRequestsErrorMessage")
async def test_a_session_that_expired(tmp_path: Path) -> None:
    made = {"$expires1": lambda: int(time.time()) + 6}
    async with _played("expired", tmp_path, made=made) as (machine, _):
        chat = await machine.open(message={"text": "one"})
        sent = await chat.send("two", wait=25)

        assert (sent["status"], sent["incarnation"]) == ("confirmed", 2)
        receipt = (await chat.wait_for("session.replaced"))["data"]["receipt"]
        assert receipt["cause"] == "session_expired"
        assert (receipt["previous"]["incarnation"], receipt["current"]["incarnation"]) == (1, 2)


@tells("ConnectionClosedEvent")
async def test_one_connection_too_many(tmp_path: Path) -> None:
    async with _played("evicted", tmp_path) as (machine, script):
        chat = await machine.open(message={"text": "one"})
        receipt = (await chat.wait_for("session.recovered"))["data"]["receipt"]

        assert receipt["cause"] == "evicted"
        assert await chat.types() == [*OPENED, "session.recovered"]
        told, _, back = script.at[4:7]
        assert back - told >= 5


@tells("TooManyRequestsErrorMessage")
async def test_a_message_that_came_too_fast(tmp_path: Path) -> None:
    async with _played("throttled", tmp_path) as (machine, script):
        chat = await machine.open(message={"text": "one"})
        sent = await chat.send("two")

        assert sent["status"] == "confirmed"
        assert await chat.types() == [*OPENED, "message.accepted", "message.confirmed"]
        refused, again = script.at[5:7]
        assert again - refused >= 1


@tells("onAttachment", "PresignedUrlResponse", "UploadSuccessEvent", "Attachment")
async def test_a_file_that_is_uploaded_and_sent(tmp_path: Path) -> None:
    async with _played("attachment", tmp_path) as (machine, script):
        chat = await machine.open(message={"text": "one"})
        asked = {"fileName": "photo.jpg", "fileType": "image/jpeg", "fileSize": 20_480}
        files = f"/v1/sessions/{chat.id}/attachments"
        file = await machine.call("POST", files, asked, status=201)
        uploaded = await chat.wait_for("attachment.uploaded")
        sent = await chat.verb("messages", {"attachmentIds": [file["id"]]}, status=201)

        assert uploaded["data"]["attachment"]["id"] == file["id"]
        assert sent["status"] == "confirmed"
        [item] = sent["content"]
        assert item["attachment"]["href"] == f"{files}/{file['id']}/content"
        assert script.names["$url2"] not in str(await chat.events())


def test_every_transcript_is_played_both_ways() -> None:
    told = [Path(__file__), Path(__file__).with_name("test_golden_on_the_wire.py")]
    for file in told:
        text = file.read_text(encoding="utf-8")
        assert [name for name in golden_names() if f'"{name}"' not in text] == []
