"""A file that was not sent is deleted, here and at Genesys; any other is not."""

from dataclasses import replace

import pytest

from service.domain import errors as er
from service.domain.attachment import Attachment, AttachmentChange, AttachmentStatus
from service.domain.session import Session
from service.simulator.deployments import Disconnect
from service.usecases.delete_file import TRIES
from service.usecases.idempotency import Answer
from service.usecases.waiting import Patience
from tests.support.file_stage import asked, attend, put, send, stored
from tests.support.store_builders import TENANT, an_api_key
from tests.support.visit_stage import Stage, Watched, on_virtual_time, staged

KEY = an_api_key(tenant=TENANT)
S = AttachmentStatus


async def _up(stage: Stage, session: Session) -> Attachment:
    file = await attend(stage, await asked(stage, session))
    await put(stage, file)
    await stage.reconcile(session)
    return await stored(stage, file)


async def _delete(stage: Stage, file: Attachment, seconds: float = 10.0) -> Answer:
    patience = Patience(arrived=stage.clock.monotonic(), seconds=seconds)
    delete = stage.assembly.broker.files.delete
    return await delete(KEY, file.session_id, file.id, patience=patience)


@on_virtual_time
async def test_it_is_gone_at_genesys_too_and_cannot_be_sent() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        answer = await _delete(stage, file)

        assert (answer.status, answer.body) == (204, None)
        assert len(stage.frames("deleteAttachment")) == 1
        with pytest.raises(er.NotFoundError):
            await _delete(stage, file)
        with pytest.raises(er.UnknownAttachmentError):
            await send(stage, session, file)


@on_virtual_time
async def test_who_does_not_wait_is_told_that_it_is_under_way_and_may_ask_again() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)

        assert (await _delete(stage, file, seconds=0.0)).status == 202
        assert (await _delete(stage, file)).status == 204


@on_virtual_time
async def test_only_what_is_uploaded_and_not_sent_is_deleted() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        waiting = await attend(stage, await asked(stage, session))
        gone = await _up(stage, session)
        await send(stage, session, gone)

        for file, status in ((waiting, "awaitingUpload"), (gone, "sending")):
            with pytest.raises(er.AttachmentStateError) as refused:
                await _delete(stage, file)
            assert refused.value.status == status


@on_virtual_time
async def test_what_genesys_does_not_delete_is_told() -> None:
    async with staged() as stage:
        file = await _up(stage, await stage.chatted())
        stage.control.fault("refuse", action="deleteAttachment", code=403, count=1)

        with pytest.raises(er.AttachmentStateError, match="did not delete"):
            await _delete(stage, file)


@pytest.mark.parametrize("races", [1, TRIES])
@on_virtual_time
async def test_a_lost_race_is_run_again_and_not_for_ever(races: int) -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        watched = Watched(stage.ports.attachments)

        async def another() -> None:
            now = await stored(stage, file)
            await stage.ports.attachments.change(AttachmentChange(before=now, after=now))

        for nth in range(races):
            watched.before("wish", another, nth=nth + 1)
        delete = replace(stage.assembly.broker.files.delete, attachments=watched)
        patience = Patience(arrived=stage.clock.monotonic(), seconds=10.0)
        if races == TRIES:
            with pytest.raises(er.UnavailableError):
                await delete(KEY, session.id, file.id, patience=patience)
        else:
            answer = await delete(KEY, session.id, file.id, patience=patience)
            assert answer.status == 204


@on_virtual_time
async def test_a_closed_chat_is_only_read() -> None:
    async with staged(simulated={"disconnect": Disconnect.READ_ONLY}) as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        stage.control.disconnect(session.client_id)
        await stage.reconcile(session)

        with pytest.raises(er.SessionReadOnlyError):
            await _delete(stage, file)
        assert (await stored(stage, file)).status is S.UPLOADED
