"""The broker uploads a caller's bytes, and says what Genesys made of them."""

from dataclasses import replace

import pytest

from service.domain import errors as er
from service.domain.attachment import Attachment, AttachmentStatus
from service.domain.errors import FileTransferError
from service.usecases.idempotency import Answer
from service.usecases.stream_file import Content
from service.usecases.waiting import Patience
from tests.support.file_stage import PHOTO, asked, attend, stored
from tests.support.store_builders import TENANT, an_api_key
from tests.support.visit_stage import Stage, Watched, on_virtual_time, staged

KEY = an_api_key(tenant=TENANT)
JPEG = Content(type="Image/JPEG; charset=x", body=PHOTO)
S = AttachmentStatus


async def _stream(
    stage: Stage, file: Attachment, content: Content = JPEG, *, seconds: float = 10.0
) -> Answer:
    patience = Patience(arrived=stage.clock.monotonic(), seconds=seconds)
    stream = stage.assembly.broker.files.stream
    return await stream(KEY, file.session_id, file.id, content, patience=patience)


@on_virtual_time
async def test_the_bytes_arrive_and_the_answer_says_so() -> None:
    async with staged(knobs={"scan_seconds": 2}) as stage:
        session = await stage.chatted()
        file = await attend(stage, await asked(stage, session))
        answer = await _stream(stage, file)

        assert answer.status == 200
        assert (answer.body or {})["status"] == "uploaded"
        assert len(await stage.of(session, "attachment.uploaded")) == 1


@on_virtual_time
async def test_who_does_not_wait_is_told_that_it_is_under_way() -> None:
    async with staged(knobs={"scan_seconds": 5}) as stage:
        file = await attend(stage, await asked(stage, await stage.chatted()))
        answer = await _stream(stage, file, seconds=0.0)

        assert (answer.status, (answer.body or {})["status"]) == (202, "awaitingUpload")


@pytest.mark.parametrize(
    ("content", "pointers"),
    [
        (Content(type="image/png", body=PHOTO), ["/header/content-type"]),
        (Content(type="", body=PHOTO), ["/header/content-type"]),
        (Content(type="image/jpeg", body=PHOTO + b"x"), [""]),
        (Content(type="image/png", body=b""), ["/header/content-type", ""]),
    ],
)
@on_virtual_time
async def test_what_was_not_announced_is_not_uploaded(
    content: Content, pointers: list[str]
) -> None:
    async with staged() as stage:
        file = await attend(stage, await asked(stage, await stage.chatted()))
        with pytest.raises(er.InvalidRequestError) as refused:
            await _stream(stage, file, content)

        assert [fault.pointer for fault in refused.value.faults] == pointers
        assert (await stored(stage, file)).status is S.AWAITING_UPLOAD


@pytest.mark.parametrize("status", [S.REQUESTED, S.UPLOADED, S.SENT])
@on_virtual_time
async def test_only_what_awaits_its_upload_takes_bytes(status: S) -> None:
    async with staged() as stage:
        file = await asked(stage, await stage.chatted(), status=status)
        with pytest.raises(er.AttachmentStateError):
            await _stream(stage, file)


@on_virtual_time
async def test_an_address_that_expired_takes_no_bytes() -> None:
    async with staged(knobs={"upload_seconds": 5}) as stage:
        file = await attend(stage, await asked(stage, await stage.chatted()))
        await stage.clock.sleep(5)
        with pytest.raises(er.AttachmentStateError):
            await _stream(stage, file)


@on_virtual_time
async def test_a_transfer_that_fails_is_told_and_may_be_tried_again() -> None:
    async with staged() as stage:
        file = await attend(stage, await asked(stage, await stage.chatted()))
        watched = Watched(stage.ports.guest_files)
        watched.fail("put", FileTransferError(status=503))
        stream = replace(stage.assembly.broker.files.stream, guest_files=watched)
        patience = Patience(arrived=stage.clock.monotonic(), seconds=10.0)
        with pytest.raises(FileTransferError):
            await stream(KEY, file.session_id, file.id, JPEG, patience=patience)

        assert (await _stream(stage, file)).status == 200


@pytest.mark.parametrize("found", ["by another", "by this request"])
@on_virtual_time
async def test_bytes_that_went_to_a_guest_session_that_is_gone_may_be_sent_again(
    found: str,
) -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await attend(stage, await asked(stage, session))
        watched = Watched(stage.ports.guest_files)

        async def replaced() -> None:
            stage.control.forget(session.client_id)
            if found == "by another":
                await stage.reconcile(session)

        watched.before("put", replaced)
        stream = replace(stage.assembly.broker.files.stream, guest_files=watched)
        patience = Patience(arrived=stage.clock.monotonic(), seconds=10.0)
        with pytest.raises(FileTransferError):
            await stream(KEY, file.session_id, file.id, JPEG, patience=patience)

        # There is a new address by then.
        assert (await _stream(stage, file)).status == 200
        assert (await stored(stage, file)).incarnation == 2


@on_virtual_time
async def test_a_file_that_goes_while_it_is_waited_for_is_not_found() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await attend(stage, await asked(stage, session))

        async def erased() -> None:
            await stage.assembly.broker.erase_session(KEY, session.id)

        stage.shards.before("lease", erased)
        with pytest.raises(er.NotFoundError):
            await _stream(stage, file)
