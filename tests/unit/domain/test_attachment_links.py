"""Content has links of ours where Genesys has addresses that are secrets and die."""

from typing import Any

from service.domain.attachment_links import content_link, file_in, with_links
from service.domain.ids import SessionId

SES = SessionId("ses_1")
FILE = {"id": "g1", "url": "https://down.test/secret", "filename": "a.pdf"}


def test_the_link_takes_the_place_of_the_address() -> None:
    [item] = with_links(SES, [{"contentType": "Attachment", "attachment": FILE, "beside": 1}])

    link = "/v1/sessions/ses_1/attachments/g1/content"
    assert content_link(SES, "g1") == link
    assert item == {
        "contentType": "Attachment",
        "attachment": {"id": "g1", "filename": "a.pdf", "href": link},
        "beside": 1,
    }


def test_what_is_no_file_of_genesys_stays_as_it_came() -> None:
    content: list[dict[str, Any]] = [
        {"contentType": "Card", "card": {"url": "https://x.test"}},
        {"contentType": "Attachment", "attachment": {"url": "https://elsewhere.test"}},
        {"contentType": "Attachment", "attachment": "odd"},
    ]

    assert list(with_links(SES, content)) == content


def test_a_file_is_found_by_its_id() -> None:
    content: list[dict[str, Any]] = [
        {"card": {}},
        {"attachment": "odd"},
        {"attachment": {"id": "g0"}},
        {"attachment": FILE},
    ]

    assert file_in(content, "g1") == FILE
    assert file_in(content, "g2") is None


def test_a_link_leads_nowhere_else_whatever_a_file_is_called() -> None:
    assert content_link(SES, "../../x?y#z") == (
        "/v1/sessions/ses_1/attachments/..%2F..%2Fx%3Fy%23z/content"
    )
