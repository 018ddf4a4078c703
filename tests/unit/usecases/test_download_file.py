"""A file is fetched by a link that stays, from an address that is fresh."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain import errors as er
from service.domain.attachment import Attachment, AttachmentChange, AttachmentStatus, Download
from service.domain.events import LeaveRequested
from service.domain.ids import AttachmentId, SessionId
from service.domain.session import Ended, EndedBy, Session, State
from service.simulator.deployments import Disconnect
from service.usecases.waiting import Patience
from tests.support.file_stage import asked, attend, put, send, stored
from tests.support.store_builders import TENANT, an_api_key
from tests.support.visit_stage import Stage, Watched, on_virtual_time, staged
from tests.support.wire_story import tells

KEY = an_api_key(tenant=TENANT)
S = AttachmentStatus
REPORT = {
    "contentType": "Attachment",
    "attachment": {
        "id": "b0262692-1111",
        "filename": "report.pdf",
        "mime": "application/pdf",
        "fileSize": 10,
        "mediaType": "File",
        "url": "https://down.test/secret",
    },
}
ID = AttachmentId("b0262692-1111")


async def _fetch(
    stage: Stage, session: Session, name: AttachmentId, *, seconds: float = 10.0
) -> Download:
    patience = Patience(arrived=stage.clock.monotonic(), seconds=seconds)
    return await stage.assembly.broker.files.download(KEY, session.id, name, patience=patience)


async def _bytes(stage: Stage, download: Download) -> bytes:
    _, _, body = await stage.broker.simulator.http("GET", download.url, {}, b"")
    return body


async def _with_report(stage: Stage, **deployment: Any) -> Session:  # noqa: ANN401 - passed on
    session = await stage.chatted(**deployment)
    async with stage.held(session):
        stage.say(session, "Here", content=[REPORT])
        await stage.clock.sleep(2)
    return session


async def _up(stage: Stage, session: Session) -> Attachment:
    file = await attend(stage, await asked(stage, session))
    await put(stage, file)
    await stage.reconcile(session)
    return await stored(stage, file)


@tells("getAttachment", "PresignedUrlResponse", "Attachment")
@on_virtual_time
async def test_a_received_file_is_fetched_by_our_link() -> None:
    async with staged() as stage:
        session = await _with_report(stage)
        [message] = await stage.of(session, "message.received")
        [item] = message["message"]["content"]
        assert item["attachment"]["href"] == f"/v1/sessions/{session.id}/attachments/{ID}/content"
        assert "secret" not in str(await stage.log(session))

        first = await _fetch(stage, session, ID)
        again = await _fetch(stage, session, ID)
        assert await _bytes(stage, first) == b"report.pdf"
        assert again == first
        assert len(stage.frames("getAttachment")) == 1
        listed = await stage.assembly.broker.files.read(KEY, session.id, cursor=None, limit=9)
        assert listed["items"] == []


@on_virtual_time
async def test_an_address_that_grew_old_is_asked_anew() -> None:
    async with staged() as stage:
        session = await _with_report(stage)
        first = await _fetch(stage, session, ID)
        await stage.clock.sleep(541)
        second = await _fetch(stage, session, ID)

        assert second.url != first.url
        assert await _bytes(stage, second) == b"report.pdf"


@on_virtual_time
async def test_the_guest_s_own_file_is_fetched_too() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        assert await _bytes(stage, await _fetch(stage, session, file.id)) == b"bytes"
        await send(stage, session, file)
        await stage.attend(session)
        await stage.clock.sleep(700)

        assert await _bytes(stage, await _fetch(stage, session, file.id)) == b"bytes"
        [_, confirmed] = await stage.of(session, "message.confirmed")
        [item] = confirmed["message"]["content"]
        assert item["attachment"]["href"].endswith(f"/{file.id}/content")


@on_virtual_time
async def test_what_genesys_has_no_more_is_gone_and_stays_so() -> None:
    async with staged(knobs={"attachment_seconds": 100}) as stage:
        session = await _with_report(stage)
        await stage.clock.sleep(200)
        for _ in range(2):
            with pytest.raises(er.AttachmentGoneError):
                await _fetch(stage, session, ID)

        assert len(stage.frames("getAttachment")) == 1


@on_virtual_time
async def test_a_refusal_that_proves_nothing_may_be_asked_again() -> None:
    async with staged() as stage:
        session = await _with_report(stage)
        stage.control.fault("refuse", action="getAttachment", code=403, count=1)
        with pytest.raises(er.UnavailableError):
            await _fetch(stage, session, ID)

        assert await _bytes(stage, await _fetch(stage, session, ID)) == b"report.pdf"


@on_virtual_time
async def test_a_silence_is_told_and_may_be_asked_again() -> None:
    async with staged() as stage:
        session = await _with_report(stage)
        stage.control.fault("swallow_write", action="getAttachment", count=4)
        with pytest.raises(er.UnavailableError):
            await _fetch(stage, session, ID, seconds=0.5)
        async with stage.held(session):
            await stage.clock.sleep(60)
        assert (await _item(stage, session)).wanted_at is None

        assert await _bytes(stage, await _fetch(stage, session, ID)) == b"report.pdf"


async def _item(stage: Stage, session: Session) -> Attachment:
    found = await stage.ports.attachments.attachment(session.id, ID)
    assert found is not None
    return found


@on_virtual_time
async def test_a_closed_chat_still_gives_its_files() -> None:
    async with staged(simulated={"disconnect": Disconnect.READ_ONLY}) as stage:
        session = await _with_report(stage)
        async with stage.held(session):
            stage.control.disconnect(session.client_id)
            await stage.clock.sleep(5)

        assert (await stage.load(session)).state is State.READ_ONLY
        assert await _bytes(stage, await _fetch(stage, session, ID)) == b"report.pdf"


@on_virtual_time
async def test_a_session_that_is_over_asks_nobody() -> None:
    async with staged() as stage:
        ended = Ended(by=EndedBy.CALLER, resumable=False, at=stage.now)
        session = await stage.made(id=SessionId("ses_a"), state=State.ENDED, ended=ended)
        file = await asked(stage, session, status=S.SENT, guest_id="g")

        with pytest.raises(er.SessionEndedError):
            await _fetch(stage, session, file.id)


@pytest.mark.parametrize("status", [S.REQUESTED, S.AWAITING_UPLOAD])
@on_virtual_time
async def test_what_was_not_uploaded_cannot_be_fetched(status: S) -> None:
    async with staged() as stage:
        session = await stage.made()
        guest_id = None if status is S.REQUESTED else "g"
        file = await asked(stage, session, status=status, guest_id=guest_id)

        with pytest.raises(er.AttachmentStateError):
            await _fetch(stage, session, file.id)


@pytest.mark.parametrize("name", ["att_no", "a#b", "x" * 65, "a\n", "att_gone"])
@on_virtual_time
async def test_there_is_no_such_file(name: str) -> None:
    async with staged() as stage:
        session = await _with_report(stage)
        await asked(stage, session, id=AttachmentId("att_gone"), status=S.DELETED)
        for number in range(205 if name == "att_no" else 0):
            await stage.foreign(session, f"{number}")

        with pytest.raises(er.NotFoundError):
            await _fetch(stage, session, AttachmentId(name))
        assert stage.frames("getAttachment") == []


@on_virtual_time
async def test_a_file_that_goes_while_it_is_waited_for_is_not_found() -> None:
    async with staged() as stage:
        session = await _with_report(stage)

        async def erased() -> None:
            await stage.assembly.broker.erase_session(KEY, session.id)

        stage.shards.before("lease", erased)
        with pytest.raises(er.NotFoundError):
            await _fetch(stage, session, ID)


@on_virtual_time
async def test_a_session_that_ends_while_a_file_is_asked_for_says_so() -> None:
    async with staged() as stage:
        session = await _with_report(stage)

        async def ended() -> None:
            await stage.assembly.change(session.id, LeaveRequested())

        stage.shards.before("lease", ended)
        begun = stage.now
        with pytest.raises(er.SessionEndedError):
            await _fetch(stage, session, ID)

        assert stage.now - begun < 2
        assert (await _item(stage, session)).wanted_at is None


@on_virtual_time
async def test_who_lost_the_race_waits_for_who_won_it() -> None:
    async with staged() as stage:
        session = await _with_report(stage)
        watched = Watched(stage.ports.attachments)

        async def another() -> None:
            await _fetch(stage, session, ID)

        watched.before("create", another)
        download = replace(stage.assembly.broker.files.download, attachments=watched)
        patience = Patience(arrived=stage.clock.monotonic(), seconds=10.0)
        found = await download(KEY, session.id, ID, patience=patience)
        assert await _bytes(stage, found) == b"report.pdf"

        await stage.clock.sleep(600)

        async def moved() -> None:
            now = await _item(stage, session)
            await stage.ports.attachments.change(AttachmentChange(before=now, after=now))

        watched.before("wish", moved)
        patience = Patience(arrived=stage.clock.monotonic(), seconds=10.0)
        found = await download(KEY, session.id, ID, patience=patience)
        assert await _bytes(stage, found) == b"report.pdf"


@on_virtual_time
async def test_no_address_without_tls_unless_the_deployment_is_without() -> None:
    async with staged() as stage:
        session = await stage.made()
        known = Download(url="http://down.test/1", at=stage.now)
        safe = Download(url="https://down.test/1", at=stage.now)
        file = await asked(stage, session, status=S.SENT, guest_id="g", download=known)
        other = await asked(stage, session, status=S.SENT, guest_id="h", download=safe)
        assert await _fetch(stage, session, file.id) == known
        stored_ = await stage.ports.tenants.deployment(TENANT, session.deployment)
        changed = replace(stored_, endpoint=None, domain="example.com")
        await stage.ports.tenants.put_deployment(
            changed, expected_version=stored_.version, idempotency=None
        )

        with pytest.raises(er.UnavailableError):
            await _fetch(stage, session, file.id)
        assert await _fetch(stage, session, other.id) == safe


@on_virtual_time
async def test_races_that_are_lost_too_often_wait_for_the_winner() -> None:
    async with staged() as stage:
        session = await _with_report(stage)
        await _fetch(stage, session, ID)
        await stage.clock.sleep(600)
        watched = Watched(stage.ports.attachments)

        async def moved() -> None:
            now = await _item(stage, session)
            await stage.ports.attachments.change(AttachmentChange(before=now, after=now))

        for nth in range(1, 6):
            watched.before("wish", moved, nth=nth)
        download = replace(stage.assembly.broker.files.download, attachments=watched)
        patience = Patience(arrived=stage.clock.monotonic(), seconds=1.0)
        with pytest.raises(er.UnavailableError):
            await download(KEY, session.id, ID, patience=patience)


@on_virtual_time
async def test_the_link_in_the_raw_body_of_an_own_message_leads_to_the_file() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        await send(stage, session, file)
        await stage.attend(session)
        told = (await stage.of(session, "message.confirmed"))[-1]["message"]
        ids = [each["content"][0]["attachment"]["id"] for each in (told, told["raw"])]
        assert ids[0] != ids[1]
        await stage.clock.sleep(600)

        first, second = [await _fetch(stage, session, AttachmentId(each)) for each in ids]
        assert await _bytes(stage, second) == b"bytes"
        assert first == second
