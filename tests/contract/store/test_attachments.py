"""Files of sessions: kept whole, moved by version, told on the session, gone with it."""

import asyncio
import dataclasses
from typing import Any

import pytest

from service.adapters.table import schema
from service.domain.attachment import (
    Attachment,
    AttachmentChange,
    AttachmentStatus,
    Download,
    Upload,
    moved,
)
from service.domain.errors import (
    IdempotencyInProgressError,
    InvalidRequestError,
    NotFoundError,
    PlaceTakenError,
    VersionConflictError,
)
from service.domain.ids import AttachmentId, DeploymentName, SessionId
from service.domain.log import EventType
from service.domain.media import MediaRules
from service.domain.message import Failure, SendBody
from service.domain.session import Session, State
from tests.contract.store.conftest import Table
from tests.support.store_builders import (
    NOW,
    a_deployment,
    a_send,
    a_session,
    an_answer,
    an_event,
)

S = AttachmentStatus
RULES = MediaRules(file_types=("image/*",), max_file_size_kb=10, blocked_extensions=(".exe",))


def _file(session: Session, **changes: Any) -> Attachment:  # noqa: ANN401 - fields of Attachment
    fields: dict[str, Any] = {
        "id": AttachmentId("att_1"),
        "session_id": session.id,
        "file_name": "photo.jpg",
        "file_type": "image/jpeg",
        "file_size": 5,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Attachment(**(fields | changes))


async def _made(table: Table, **changes: Any) -> Session:  # noqa: ANN401 - fields of Session
    session = a_session(**changes)
    await table.sessions.create(session, events=[], sends=[], idempotency=None, may_replace=None)
    return session


async def test_a_file_is_read_back_whole_and_told_on_its_session(table: Table) -> None:
    session = await _made(table)
    file = _file(
        session,
        status=S.AWAITING_UPLOAD,
        guest_id="g",
        incarnation=2,
        upload=Upload(url="https://up.test/1", headers={"x-amz-tagging": "a=b"}, expires_at=NOW),
        download=Download(url="https://down.test/1", at=NOW),
        failure=Failure(code="a", detail="b", provider_code="4001"),
    )
    await table.attachments.create(file, None)

    assert await table.attachments.attachment(session.id, file.id) == file
    assert (await table.sessions.load(session.id)).attachments_at == NOW
    assert await table.attachments.attachment(session.id, AttachmentId("att_2")) is None


async def test_addresses_are_not_in_the_table_in_the_clear(table: Table) -> None:
    session = await _made(table)
    file = _file(
        session,
        upload=Upload(url="https://up.test/secret", headers={"h": "secret"}, expires_at=NOW),
        download=Download(url="https://down.test/secret", at=NOW),
    )
    await table.attachments.create(file, None)
    item = await table.driver.get(schema.attachment_key(session.id, file.id))
    assert item is not None
    assert "secret" not in str(item)


async def test_files_of_a_session_come_oldest_first(table: Table) -> None:
    session = await _made(table)
    for name in ("att_2", "att_1", "att_3"):
        await table.attachments.create(_file(session, id=AttachmentId(name)), None)

    found = await table.attachments.of_session(session.id)
    assert [file.id for file in found] == ["att_1", "att_2", "att_3"]


async def test_files_of_a_session_come_in_pages(table: Table) -> None:
    session = await _made(table)
    for name in ("att_2", "att_1", "att_3"):
        await table.attachments.create(_file(session, id=AttachmentId(name)), None)

    pages: list[list[str]] = []
    cursor = None
    while not pages or cursor is not None:
        page = await table.attachments.page_of_session(session.id, cursor=cursor, limit=2)
        pages.append([file.id for file in page.items])
        cursor = page.next_cursor
    assert pages == [["att_1", "att_2"], ["att_3"]]


async def test_a_cursor_of_another_session_is_refused(table: Table) -> None:
    session = await _made(table)
    for name in ("att_1", "att_2"):
        await table.attachments.create(_file(session, id=AttachmentId(name)), None)
    page = await table.attachments.page_of_session(session.id, cursor=None, limit=1)

    with pytest.raises(InvalidRequestError):
        await table.attachments.page_of_session(
            SessionId("ses_other"), cursor=page.next_cursor, limit=1
        )


async def test_only_one_of_two_who_move_it_wins(table: Table) -> None:
    session = await _made(table)
    file = _file(session, status=S.UPLOADED)
    await table.attachments.create(file, None)
    changes = [
        AttachmentChange(before=file, after=moved(file, status, now=NOW + 1))
        for status in (S.DELETING, S.SENDING)
    ]
    ends = await asyncio.gather(
        *(table.attachments.change(change) for change in changes), return_exceptions=True
    )

    assert [type(end) for end in ends if isinstance(end, Exception)] == [VersionConflictError]
    [won] = [end for end in ends if isinstance(end, Attachment)]
    assert await table.attachments.attachment(session.id, file.id) == won
    assert won.version == 2


async def test_a_wish_is_told_on_the_session_and_a_lost_one_is_not(table: Table) -> None:
    session = await _made(table)
    file = _file(session)
    await table.attachments.create(file, None)
    change = AttachmentChange(before=file, after=moved(file, S.DELETING, now=NOW + 5))
    await table.attachments.wish(change)
    late = AttachmentChange(before=file, after=moved(file, S.SENT, now=NOW + 9))
    with pytest.raises(VersionConflictError):
        await table.attachments.wish(late)

    assert (await table.sessions.load(session.id)).attachments_at == NOW + 5


async def test_what_is_told_there_outlives_a_change_of_the_session(table: Table) -> None:
    session = await _made(table)
    await table.attachments.create(_file(session), None)
    after = dataclasses.replace(session, state=State.LIVE)
    kept = await table.sessions.commit(session, after)

    assert kept.version == 2
    assert (await table.sessions.load(session.id)).attachments_at == NOW


async def test_no_file_without_its_session(table: Table) -> None:
    session = a_session(id=SessionId("ses_none"))
    with pytest.raises(NotFoundError):
        await table.attachments.create(_file(session), None)

    assert await table.attachments.of_session(session.id) == []


async def test_the_answer_is_made_with_the_file(table: Table) -> None:
    session = await _made(table)
    answer = an_answer()
    await table.attachments.create(_file(session), answer)
    with pytest.raises(IdempotencyInProgressError):
        await table.attachments.create(_file(session, id=AttachmentId("att_2")), answer)

    assert await table.tenants.idempotency(answer.tenant, answer.key, now=NOW) is not None
    assert len(await table.attachments.of_session(session.id)) == 1


async def test_an_event_and_what_it_tells_of_a_file_are_one(table: Table) -> None:
    session = await _made(table)
    file = _file(session)
    await table.attachments.create(file, None)
    change = AttachmentChange(before=file, after=moved(file, S.UPLOADED, now=NOW))
    told = an_event(session, 1, type=EventType.ATTACHMENT_UPLOADED)
    await table.sessions.append(told, attachments=[change])
    with pytest.raises(PlaceTakenError):
        await table.sessions.append(an_event(session, 1, id="evt_other"), attachments=[change])
    with pytest.raises(VersionConflictError):
        await table.sessions.append(an_event(session, 2), attachments=[change])

    found = await table.attachments.attachment(session.id, file.id)
    assert found is not None
    assert (found.status, found.version) == (S.UPLOADED, 2)
    assert (await table.sessions.read_log(session.id, after=0, limit=9)).last_sequence == 1


async def test_a_file_goes_with_one_message_only(table: Table) -> None:
    session = await _made(table)
    file = _file(session, status=S.UPLOADED)
    await table.attachments.create(file, None)
    taken = AttachmentChange(before=file, after=moved(file, S.SENDING, now=NOW))
    body = SendBody(attachment_ids=(file.id,))
    await table.sessions.accept(
        an_event(session, 1), a_send(session, 1, body=body), None, attachments=[taken]
    )
    with pytest.raises(VersionConflictError):
        await table.sessions.accept(
            an_event(session, 2), a_send(session, 2, body=body), None, attachments=[taken]
        )

    [send] = await table.sessions.open_sends(session.id)
    assert (send.sequence, send.body.attachment_ids) == (1, (file.id,))


async def test_files_go_with_their_session(table: Table) -> None:
    session = await _made(table)
    await table.attachments.create(_file(session), an_answer())
    gone = dataclasses.replace(session, state=State.ERASED)
    await table.sessions.erase(session, gone, an_event(session, 1, type=EventType.ERASED, data={}))
    with pytest.raises(NotFoundError):
        await table.attachments.create(_file(session, id=AttachmentId("att_2")), None)
    while not await table.sessions.purge(gone):
        continue

    assert await table.attachments.of_session(session.id) == []
    answer = an_answer()
    assert await table.tenants.idempotency(answer.tenant, answer.key, now=NOW) is None


async def test_what_a_deployment_takes_is_kept_until_it_is_another(table: Table) -> None:
    shop = a_deployment(name=DeploymentName("shop"))
    assert await table.attachments.rules(shop) is None
    await table.attachments.learn(shop, MediaRules())
    await table.attachments.learn(shop, RULES)

    assert await table.attachments.rules(shop) == RULES
    other = dataclasses.replace(shop, deployment_id="another")
    assert await table.attachments.rules(other) is None
