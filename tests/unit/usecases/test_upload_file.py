"""A place for a file is asked for durably, once, and only for a file that may come."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain import errors as er
from service.domain.access import Scope
from service.domain.attachment import AttachmentStatus
from service.domain.errors import IdempotencyInProgressError
from service.domain.ids import AttachmentId, SessionId
from service.domain.media import FileFacts
from service.domain.session import Ended, EndedBy, Session, State
from service.usecases.idempotency import Answer, Ticket
from service.usecases.upload_file import UploadRequest
from service.usecases.waiting import Patience
from tests.support.file_stage import asked, attend, put, stored
from tests.support.store_builders import TENANT, an_api_key
from tests.support.visit_stage import Stage, on_virtual_time, staged

KEY = an_api_key(tenant=TENANT)
PHOTO = FileFacts(name="photo.jpg", type="image/jpeg", size=5)


def _wanted(stage: Stage, session: Session, file: FileFacts = PHOTO, **more: Any) -> UploadRequest:  # noqa: ANN401 - fields of UploadRequest
    patience = Patience(arrived=stage.clock.monotonic(), seconds=more.pop("seconds", 10.0))
    return UploadRequest(key=KEY, session_id=session.id, file=file, patience=patience, **more)


def _body(answer: Answer) -> dict[str, Any]:
    return dict(answer.body or {})


@on_virtual_time
async def test_the_address_comes_with_the_answer() -> None:
    async with staged() as stage:
        session = await stage.made()
        answer = await stage.assembly.broker.files.upload(_wanted(stage, session))

        shown = _body(answer)
        assert (answer.status, shown["status"]) == (201, "awaitingUpload")
        assert shown["upload"]["headers"]["Content-Type"] == "image/jpeg"
        assert "x-amz-tagging" in shown["upload"]["headers"]


@on_virtual_time
async def test_who_does_not_wait_is_told_that_it_is_under_way() -> None:
    async with staged() as stage:
        session = await stage.made()
        wanted = _wanted(stage, session, seconds=0.0)
        answer = await stage.assembly.broker.files.upload(wanted)

        assert (answer.status, _body(answer)["upload"]) == (202, None)
        # The sweeper alone finishes it.
        await stage.clock.sleep(61)
        await stage.assembly.sweep()
        one = await stage.assembly.broker.files.read.one(
            KEY, session.id, AttachmentId(_body(answer)["id"])
        )
        assert one["status"] == "awaitingUpload"


@on_virtual_time
async def test_a_refusal_of_genesys_is_told_with_the_answer() -> None:
    async with staged(simulated={"attachments": False}) as stage:
        answer = await stage.assembly.broker.files.upload(_wanted(stage, await stage.made()))

        assert answer.status == 201
        assert _body(answer)["failure"]["code"] == "attachments_disabled"


@on_virtual_time
async def test_what_the_deployment_said_is_known_once_a_session_was_opened() -> None:
    async with staged(simulated={"max_file_kb": 1, "file_types": ("image/*",)}) as stage:
        session = await stage.chatted()
        upload = stage.assembly.broker.files.upload

        with pytest.raises(er.AttachmentTooLargeError):
            await upload(
                _wanted(stage, session, FileFacts(name="a.jpg", type="image/a", size=2000))
            )
        with pytest.raises(er.AttachmentTypeNotAllowedError):
            await upload(_wanted(stage, session, FileFacts(name="a.mp4", type="video/mp4", size=9)))
        assert await stage.ports.attachments.of_session(session.id) == []


@on_virtual_time
async def test_a_session_that_is_over_or_closed_takes_no_file() -> None:
    async with staged() as stage:
        upload = stage.assembly.broker.files.upload
        ended = Ended(by=EndedBy.CALLER, resumable=False, at=stage.now)
        over = await stage.made(id=SessionId("ses_a"), state=State.ENDED, ended=ended)
        closed = await stage.made(id=SessionId("ses_b"), state=State.READ_ONLY)

        with pytest.raises(er.SessionEndedError):
            await upload(_wanted(stage, over))
        with pytest.raises(er.SessionReadOnlyError):
            await upload(_wanted(stage, closed))


@on_virtual_time
async def test_a_session_has_only_so_many_files_that_are_not_sent() -> None:
    async with staged() as stage:
        session = await stage.made()
        for _ in range(25):
            await asked(stage, session)

        with pytest.raises(er.TooManyAttachmentsError):
            await stage.assembly.broker.files.upload(_wanted(stage, session))


@on_virtual_time
async def test_a_repeat_makes_no_second_file() -> None:
    async with staged() as stage:
        session = await stage.made()
        broker = stage.assembly.broker
        ticket = Ticket(tenant=TENANT, key="POST /a k", request_hash="h", at=stage.now)
        wanted = _wanted(stage, session, ticket=ticket)

        answers = [
            await broker.once(
                ticket,
                act=lambda: broker.files.upload(wanted),
                replay=lambda record: broker.files.upload.replay(KEY, record),
            )
            for _ in range(2)
        ]

        first, second = answers
        assert (first.body, second.body) == (first.body, first.body)
        assert (first.replayed, second.replayed) == (False, True)
        with pytest.raises(IdempotencyInProgressError):
            await broker.files.upload(wanted)
        assert len(await stage.ports.attachments.of_session(session.id)) == 1


@on_virtual_time
async def test_files_are_listed_without_addresses() -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await attend(stage, await asked(stage, session))
        await asked(stage, session, id=AttachmentId("att_0"), status=AttachmentStatus.DELETED)
        read = stage.assembly.broker.files.read
        listed = await read(KEY, session.id, cursor=None, limit=50)

        assert [each["id"] for each in listed["items"]] == [file.id]
        assert "upload" not in listed["items"][0]
        assert listed["nextCursor"] is None


@on_virtual_time
async def test_no_page_of_files_is_empty_while_others_follow() -> None:
    async with staged() as stage:
        session = await stage.made()
        for name, status in (
            ("att_0", AttachmentStatus.DELETED),
            ("att_1", AttachmentStatus.UPLOADED),
            ("att_2", AttachmentStatus.RECEIVED),
            ("att_3", AttachmentStatus.UPLOADED),
            ("att_4", AttachmentStatus.DELETED),
        ):
            await asked(stage, session, id=AttachmentId(name), status=status)

        pages: list[list[str]] = []
        cursor = None
        while not pages or cursor is not None:
            listed = await stage.assembly.broker.files.read(KEY, session.id, cursor=cursor, limit=1)
            pages.append([each["id"] for each in listed["items"]])
            cursor = listed["nextCursor"]
        assert pages == [["att_1"], ["att_3"], []]


@pytest.mark.parametrize("name", ["att_unknown", "att_0", "x" * 65, "att_\n"])
@on_virtual_time
async def test_there_is_no_such_file(name: str) -> None:
    async with staged() as stage:
        session = await stage.made()
        await asked(stage, session, id=AttachmentId("att_0"), status=AttachmentStatus.DELETED)

        with pytest.raises(er.NotFoundError):
            await stage.assembly.broker.files.read.one(KEY, session.id, AttachmentId(name))


@on_virtual_time
async def test_an_erased_session_takes_no_file() -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await attend(stage, await asked(stage, session))
        await stage.assembly.broker.erase_session(KEY, session.id)

        with pytest.raises(er.NotFoundError):
            await asked(stage, session)
        assert await stage.ports.attachments.attachment(session.id, file.id) is None


@on_virtual_time
async def test_a_file_that_goes_while_it_is_waited_for_is_not_found() -> None:
    async with staged() as stage:
        session = await stage.made()

        async def erased() -> None:
            await stage.assembly.broker.erase_session(KEY, session.id)

        stage.shards.before("lease", erased)
        with pytest.raises(er.NotFoundError):
            await stage.assembly.broker.files.upload(_wanted(stage, session))


@on_virtual_time
async def test_an_upload_is_seen_by_the_next_reader() -> None:
    async with staged() as stage:
        session = await stage.made()
        answer = await stage.assembly.broker.files.upload(_wanted(stage, session))
        [file] = await stage.ports.attachments.of_session(session.id)
        await put(stage, file)
        await stage.clock.sleep(16)
        await stage.assembly.sweep()

        assert (await stored(stage, file)).status is AttachmentStatus.UPLOADED
        assert _body(answer)["id"] == file.id


@on_virtual_time
async def test_who_may_only_read_gets_no_address_to_write_to() -> None:
    async with staged() as stage:
        session = await stage.made()
        made = _body(await stage.assembly.broker.files.upload(_wanted(stage, session)))
        read = stage.assembly.broker.files.read
        reader = replace(KEY, scopes=(Scope.SESSIONS_READ,))

        assert (await read.one(KEY, session.id, AttachmentId(made["id"])))["upload"]
        shown = await read.one(reader, session.id, AttachmentId(made["id"]))
        assert (shown["status"], shown["upload"]) == ("awaitingUpload", None)
