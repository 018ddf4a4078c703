"""How a file may move on, and what is told of it."""

import pytest

from service.domain import attachment as file
from service.domain.attachment import (
    Attachment,
    AttachmentChange,
    AttachmentStatus,
    Upload,
    attachment_view,
    count_open,
)
from service.domain.ids import AttachmentId, MessageId, SessionId
from service.domain.message import Failure

S = AttachmentStatus
MESSAGE = MessageId("msg_1")
UPLOAD = Upload(url="https://up.test/secret", headers={"x-amz-tagging": "a=b"}, expires_at=700.0)


def an_attachment(**changes: object) -> Attachment:
    fields: dict[str, object] = {
        "id": AttachmentId("att_1"),
        "session_id": SessionId("ses_1"),
        "file_name": "photo.jpg",
        "file_type": "image/jpeg",
        "file_size": 5,
        "created_at": 100.0,
        "updated_at": 100.0,
    }
    return Attachment(**(fields | changes))  # type: ignore[arg-type]


def test_the_whole_way() -> None:
    asked = an_attachment()
    out = file.handed_out(asked, guest_id="g", incarnation=2, upload=UPLOAD, now=101.0)
    there = file.arrived(out, url="https://down.test/1", now=102.0)
    taken = file.claimed(there, MESSAGE, now=103.0)
    sent = file.sent(taken, now=104.0)

    states = [each.status for each in (asked, out, there, taken, sent)]
    assert states == [S.REQUESTED, S.AWAITING_UPLOAD, S.UPLOADED, S.SENDING, S.SENT]
    assert (out.guest_id, out.incarnation, out.given_up_at) == ("g", 2, 760.0)
    assert (there.upload, there.download and there.download.at) == (None, 102.0)
    assert (sent.message_id, sent.updated_at) == (MESSAGE, 104.0)


def test_an_address_of_a_guest_session_that_is_gone_is_forgotten() -> None:
    out = file.handed_out(an_attachment(), guest_id="g", incarnation=1, upload=UPLOAD, now=1.0)
    again = file.asked_again(out, now=2.0)

    assert (again.status, again.guest_id, again.incarnation, again.upload) == (
        S.REQUESTED,
        None,
        None,
        None,
    )
    assert again.given_up_at is None


def test_what_arrives_for_a_message_goes_on_to_be_sent() -> None:
    carried = an_attachment(status=S.RESTAGING, message_id=MESSAGE)

    assert file.arrived(carried, url=None, now=1.0).status is S.SENDING
    assert file.arrived(carried, url=None, now=1.0).download is None


@pytest.mark.parametrize(
    ("status", "doubtful", "after", "wanted"),
    [
        (S.SENDING, False, S.UPLOADED, None),
        (S.SENDING, True, S.UPLOADED, 9.0),
        (S.RESTAGING, True, S.RESTAGING, None),
    ],
)
def test_a_file_outlives_a_message_that_was_not_sent(
    status: S, after: S, wanted: float | None, *, doubtful: bool
) -> None:
    held = an_attachment(status=status, message_id=MESSAGE)
    free = file.let_go(held, now=9.0, doubtful=doubtful)

    assert (free.status, free.message_id, free.wanted_at) == (after, None, wanted)


def test_what_failed_keeps_no_address() -> None:
    out = an_attachment(status=S.AWAITING_UPLOAD, upload=UPLOAD, wanted_at=1.0)
    lost = file.failed(out, file.not_seen(), now=2.0)

    assert (lost.status, lost.upload, lost.wanted_at, lost.at_work) == (
        S.FAILED,
        None,
        None,
        False,
    )


def test_a_sent_file_may_lose_its_bytes_and_stays_sent() -> None:
    found = file.seen(an_attachment(status=S.SENT, wanted_at=1.0), url="https://d.test", now=2.0)
    lost = file.gone(found, "4008", now=3.0)

    assert (found.wanted_at, found.download and found.download.url) == (None, "https://d.test")
    assert (lost.status, lost.failure and lost.failure.code, lost.download) == (
        S.SENT,
        "attachment_expired",
        None,
    )


def test_a_change_is_kept_as_the_next_version() -> None:
    before = an_attachment(version=4)
    change = AttachmentChange(before=before, after=file.moved(before, S.DELETING, now=1.0))

    assert (file.kept(change).version, file.kept(change).status) == (5, S.DELETING)


def test_what_is_open_is_counted() -> None:
    every = [an_attachment(status=status) for status in S]

    assert count_open(every) == 5


@pytest.mark.parametrize("status", [S.REQUESTED, S.AWAITING_UPLOAD, S.RESTAGING, S.DELETING])
def test_something_is_still_to_come_of_these(status: S) -> None:
    assert an_attachment(status=status).at_work


def test_who_wants_to_know_where_a_file_is_makes_work() -> None:
    assert an_attachment(status=S.SENT, wanted_at=1.0).at_work
    assert not an_attachment(status=S.UPLOADED).at_work


def test_every_code_of_genesys_has_a_name_and_a_sentence() -> None:
    told = {code: file.refused(code) for code in (*file.FILE_CODES, "4711")}

    assert all(failure.detail and failure.provider_code == code for code, failure in told.items())
    assert told["4711"].code == "attachment_refused"
    assert {failure.code for failure in told.values()} >= {"attachment_too_large"}
    assert file.no_answer().code == "upload_address_unavailable"
    assert file.left_behind().code == "guest_session_replaced"


def test_what_callers_see() -> None:
    out = an_attachment(
        status=S.AWAITING_UPLOAD,
        upload=UPLOAD,
        failure=Failure(code="a", detail="b", provider_code="4001"),
    )
    shown = attachment_view(out, with_upload=True)

    assert shown["upload"] == {
        "method": "PUT",
        "url": "https://up.test/secret",
        "headers": {"x-amz-tagging": "a=b", "Content-Type": "image/jpeg"},
        "expiresAt": "1970-01-01T00:11:40.000Z",
    }
    assert shown["href"] == "/v1/sessions/ses_1/attachments/att_1/content"
    assert shown["failure"] == {"code": "a", "detail": "b", "providerCode": "4001"}
    assert "secret" not in str(attachment_view(out))
    assert attachment_view(an_attachment(), with_upload=True)["upload"] is None


def test_no_address_is_in_what_a_value_says_of_itself() -> None:
    out = an_attachment(upload=UPLOAD)

    assert "secret" not in repr(out)
    assert "secret" not in repr(UPLOAD)
    assert "photo" not in repr(out)


def test_a_type_that_belongs_to_the_signature_is_said_once() -> None:
    signed = Upload(url="u", headers={"content-type": "image/JPEG", "x": "y"}, expires_at=1.0)

    assert signed.headers_for("image/jpeg") == {"content-type": "image/JPEG", "x": "y"}
    assert UPLOAD.headers_for("image/jpeg") == {**UPLOAD.headers, "Content-Type": "image/jpeg"}
