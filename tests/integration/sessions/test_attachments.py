"""Files over real sockets: up and out, through broken links, and never twice."""

from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from service.simulator.knobs import Knobs
from tests.support.machine import PATIENCE, Chat, Json, Machine, eventually, running
from tests.support.wire_story import tells

HELD = pytest.mark.parametrize("held", [True, False], ids=["held", "on demand"])
PHOTO: Final = b"\x89PNG" + bytes(20_476)
FILE: Final = {"fileName": "photo.jpg", "fileType": "image/jpeg", "fileSize": len(PHOTO)}


async def ask(machine: Machine, chat: Chat, **file: Any) -> Json:  # noqa: ANN401 - fields of the body
    """A place for a file."""
    answer = await machine.http.post(
        f"/v1/sessions/{chat.id}/attachments?wait=25", json=FILE | file
    )
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def put(made: Json, content: bytes = PHOTO) -> int:
    """What a caller does with it."""
    upload = made["upload"]
    async with httpx2.AsyncClient(timeout=PATIENCE) as http:
        answer = await http.request(
            upload["method"], upload["url"], headers=upload["headers"], content=content
        )
    return answer.status_code


async def status_of(machine: Machine, chat: Chat, made: Json) -> str:
    """As it is."""
    answer = await machine.http.get(f"/v1/sessions/{chat.id}/attachments/{made['id']}")
    return str(answer.json()["status"])


async def becomes(machine: Machine, chat: Chat, made: Json, status: str) -> None:
    """Wait for it."""

    async def is_so() -> bool:
        return await status_of(machine, chat, made) == status

    await eventually(is_so)


@tells("onAttachment", "PresignedUrlResponse", "UploadSuccessEvent", "Attachment")
@HELD
async def test_a_photo_goes_up_and_out(tmp_path: Path, *, held: bool, store: str | None) -> None:
    async with running(tmp_path, listener=held, aws_endpoint=store) as machine:
        chat = await machine.open(message={"text": "hello"})
        made = await ask(machine, chat)
        assert await put(made) == 200
        await becomes(machine, chat, made, "uploaded")
        answer = await machine.http.post(
            f"/v1/sessions/{chat.id}/messages?wait=25",
            json={"attachmentIds": [made["id"]], "text": "Look"},
        )

        assert answer.status_code == 201, answer.text
        again = await machine.http.post(
            f"/v1/sessions/{chat.id}/messages", json={"attachmentIds": [made["id"]]}
        )
        assert (again.status_code, again.json()["code"]) == (422, "unknown_attachment")
        assert await status_of(machine, chat, made) == "sent"
        assert machine.stored() == ["hello", "Look"]
        log = await chat.events()
        assert [e["type"] for e in log].count("attachment.uploaded") == 1
        assert "Signature" not in str(log)


@tells("getAttachment", "PresignedUrlResponse")
async def test_a_file_of_the_agent_is_fetched_by_a_link_that_stays(tmp_path: Path) -> None:
    report = {"id": "b0262692", "filename": "report.pdf", "mime": "application/pdf"}
    told = {**report, "url": "https://down.test/secret", "mediaType": "File", "fileSize": 10}
    async with running(tmp_path) as machine:
        chat = await machine.open(message={"text": "hello"})
        content = [{"contentType": "Attachment", "attachment": told}]
        machine.control.say(await chat.token(), "here", content=content)
        event = await chat.wait_for_text("here")
        file = event["data"]["message"]["content"][0]["attachment"]
        assert "url" not in file
        answer = await machine.http.get(file["href"])
        plain = await machine.call("GET", file["href"], redirect="false")

        assert answer.status_code == 302
        assert answer.headers["cache-control"] == "private, no-store"
        assert plain["url"] == answer.headers["location"]
        async with httpx2.AsyncClient(timeout=PATIENCE) as http:
            assert (await http.get(plain["url"])).content == b"report.pdf"
        assert "secret" not in str(await chat.events())


@tells("onAttachment", "UploadSuccessEvent", "getAttachment")
async def test_an_uploaded_file_outlives_its_guest_session(tmp_path: Path) -> None:
    async with running(tmp_path) as machine:
        chat = await machine.open(message={"text": "hello"})
        made = await ask(machine, chat)
        assert await put(made) == 200
        await becomes(machine, chat, made, "uploaded")
        machine.control.forget(await chat.token())
        machine.control.drop()
        await chat.wait_for("session.replaced")
        await becomes(machine, chat, made, "uploaded")
        path = f"/v1/sessions/{chat.id}/messages"
        body = {"attachmentIds": [made["id"]], "text": "Look"}
        answer = await machine.http.post(path, params={"wait": 20}, json=body)

        assert answer.status_code == 201, answer.text
        assert machine.stored()[-1] == "Look"
        assert await chat.types() == [*(await chat.types())[:-1], "message.confirmed"]


async def test_a_link_that_breaks_before_the_news_of_an_upload_loses_nothing(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, knobs=Knobs(scan_seconds=0.5)) as machine:
        chat = await machine.open(message={"text": "hello"})
        made = await ask(machine, chat)
        assert await put(made) == 200
        machine.control.drop()
        await becomes(machine, chat, made, "uploaded")

        assert len(await chat.events("attachment.uploaded")) == 1


@tells("UploadFailureEvent")
async def test_what_genesys_finds_wrong_is_told_to_the_caller(tmp_path: Path) -> None:
    async with running(tmp_path) as machine:
        chat = await machine.open(message={"text": "hello"})
        made = await ask(machine, chat)
        assert await put(made, b"other bytes") == 200
        event = await chat.wait_for("attachment.failed")

        failure = event["data"]["attachment"]["failure"]
        assert (failure["code"], failure["providerCode"]) == ("attachment_too_large", "4002")


async def test_an_address_that_expired_takes_nothing_and_is_told(tmp_path: Path) -> None:
    async with running(tmp_path, knobs=Knobs(upload_seconds=0.0)) as machine:
        chat = await machine.open(message={"text": "hello"})
        made = await ask(machine, chat)

        assert await put(made) == 403


@tells("onAttachment", "UploadSuccessEvent")
@HELD
async def test_the_broker_uploads_the_bytes_for_its_caller(tmp_path: Path, *, held: bool) -> None:
    async with running(tmp_path, listener=held) as machine:
        chat = await machine.open(message={"text": "hello"})
        content = bytes(3_000_000)
        made = await ask(machine, chat, fileSize=len(content))
        path = f"/v1/sessions/{chat.id}/attachments/{made['id']}/content"
        wrong = await machine.http.put(path, content=b"x", headers={"content-type": "image/png"})
        answer = await machine.http.put(
            path, params={"wait": 20}, content=content, headers={"content-type": "image/jpeg"}
        )

        assert {each["pointer"] for each in wrong.json()["errors"]} == {"", "/header/content-type"}
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "uploaded"
        found = await machine.call("GET", path, redirect="false")
        async with httpx2.AsyncClient(timeout=PATIENCE) as http:
            assert (await http.get(found["url"])).content == content
