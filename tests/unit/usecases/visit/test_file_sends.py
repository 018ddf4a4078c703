"""A message waits for its file, and names it as Genesys does."""

from dataclasses import replace

import pytest

from service.domain.attachment import AttachmentStatus
from service.domain.message import SendBody
from service.domain.send import Written
from service.usecases.visit.file_sends import is_held_back, may_go, with_files
from tests.support.file_stage import asked
from tests.support.store_builders import a_send
from tests.support.visit_stage import on_virtual_time, staged

S = AttachmentStatus


@pytest.mark.parametrize(
    ("status", "incarnation", "held"),
    [
        (S.SENDING, 1, False),
        (S.SENDING, 0, True),
        (S.RESTAGING, 1, True),
        (S.FAILED, 1, False),
        (S.DELETED, 1, False),
    ],
)
@on_virtual_time
async def test_what_is_not_there_yet_holds_back_and_what_is_lost_does_not(
    status: S, incarnation: int, *, held: bool
) -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await asked(stage, session, status=status, incarnation=incarnation)
        desk = await stage.desk(session)
        message = a_send(session, 1, body=SendBody(attachment_ids=(file.id,)))
        assert not is_held_back(desk, message)

        desk.files.keep(file)
        assert is_held_back(desk, message) is held


@on_virtual_time
async def test_a_file_that_this_visit_did_not_hear_of_is_read() -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await asked(stage, session, status=S.SENDING, incarnation=1)
        desk = await stage.desk(session)
        message = a_send(session, 1, body=SendBody(attachment_ids=(file.id,)))

        assert await may_go(desk, message)
        assert file.id in desk.files.items


@on_virtual_time
async def test_the_mark_names_files_as_genesys_does() -> None:
    async with staged() as stage:
        session = await stage.made()
        file = await asked(stage, session, status=S.SENDING, guest_id="g")
        desk = await stage.desk(session)
        desk.files.keep(file)
        message = a_send(session, 1, body=SendBody(attachment_ids=(file.id,)))
        mark = Written(at=1.0, incarnation=1, writer="w", link="l")
        marked = with_files(desk, replace(message, written=mark))

        assert marked.written is not None
        assert marked.written.attachment_ids == ("g",)
        assert with_files(desk, message) == message
        plain = a_send(session, 2, written=mark)
        assert with_files(desk, plain) == plain
