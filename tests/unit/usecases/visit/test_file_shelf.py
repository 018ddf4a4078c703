"""What is known of files during a visit."""

from service.domain.attachment import Attachment, AttachmentStatus
from service.domain.ids import AttachmentId
from service.usecases.visit.file_shelf import Ask, Asked, Shelf
from tests.unit.domain.test_attachment import an_attachment

S = AttachmentStatus
ID = AttachmentId("att_1")


def _with(*attachments: Attachment) -> Shelf:
    shelf = Shelf()
    for attachment in attachments:
        shelf.keep(attachment)
    return shelf


def test_what_was_asked_is_forgotten_with_its_link_only() -> None:
    shelf = Shelf()
    shelf.begin("lnk_1")
    shelf.asked["t"] = Asked(attachment_id=ID, ask=Ask.LOOK, guest_id="g", until=1.0)
    shelf.tries[ID, Ask.LOOK] = 1
    shelf.answered.add((ID, Ask.ADDRESS))
    shelf.begin("lnk_1")
    assert shelf.is_asking(ID)

    shelf.begin("lnk_2")
    assert not shelf.is_asking(ID)
    assert (shelf.tries, shelf.answered) == ({}, set())


def test_a_file_is_found_by_what_genesys_calls_it() -> None:
    shelf = _with(an_attachment(guest_id="g"))

    assert shelf.of_guest("g") is shelf.items[ID]
    assert shelf.of_guest("other") is None
    assert shelf.of_guest(None) is None


def test_a_link_is_wanted_for_what_was_not_asked_yet() -> None:
    assert _with(an_attachment()).unasked
    assert _with(an_attachment(status=S.SENT, wanted_at=1.0)).unasked
    waiting = _with(an_attachment(status=S.AWAITING_UPLOAD))
    assert (waiting.unasked, waiting.at_work) == (False, True)
    done = _with(an_attachment(status=S.SENT), an_attachment(status=S.UPLOADED))
    assert (done.unasked, done.at_work) == (False, False)
