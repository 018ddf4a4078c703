"""Where no id tells, a message is proven by its words, its answers and its files."""

from typing import Any

import pytest

from service.domain.answered import content_of
from service.domain.message import ButtonReply, FormEntry, FormReply, SendBody
from service.domain.wording import same_words
from tests.support.playbook import by_guest


def button(payload: str, text: str = "Yes") -> ButtonReply:
    return ButtonReply(type="QuickReply", text=text, payload=payload)


def form(*entries: tuple[str, str]) -> SendBody:
    answers = [FormEntry(id=name, text=value, payload=value) for name, value in entries]
    reply = FormReply(originating_message_id="b", canned_response_id=None, answers=answers)
    return SendBody(text="Thanks!", form=reply)


def said(body: SendBody, text: str | None = "", **more: Any) -> bool:  # noqa: ANN401 - fields
    content = more.pop("content", content_of(body))
    return same_words(by_guest("b", text=text, content=content), more.pop("sent", body))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (SendBody(text="hello"), "hello"),
        (SendBody(button=button("y")), "Yes"),
        (SendBody(button=button("y")), None),
        (SendBody(text="Noted", choices=(button("a"), button("b"))), "Noted"),
        (form(("email", "a@b")), "Thanks!"),
        (SendBody(text="look", attachment_ids=("att-1",)), "look"),
    ],
)
def test_what_comes_back_as_it_went_proves_it(body: SendBody, text: str | None) -> None:
    assert said(body, text)


@pytest.mark.parametrize(
    ("sent", "heard", "text"),
    [
        (SendBody(text="hello"), SendBody(text="hello"), "hallo"),
        (SendBody(button=button("y")), SendBody(button=button("n")), "Yes"),
        (SendBody(text="Yes"), SendBody(button=button("y")), "Yes"),
        (SendBody(button=button("y")), SendBody(text="Yes"), "Yes"),
        (
            SendBody(text="Noted", choices=(button("a"), button("b"))),
            SendBody(text="Noted", choices=(button("a"),)),
            "Noted",
        ),
        (form(("email", "a@b")), form(("email", "c@d")), "Thanks!"),
        (form(("email", "a@b")), form(("name", "a@b")), "Thanks!"),
        (SendBody(text="x", attachment_ids=("1",)), SendBody(text="x", attachment_ids=("2",)), "x"),
        (SendBody(text="x", attachment_ids=("1",)), SendBody(text="x"), "x"),
    ],
)
def test_anything_else_does_not(sent: SendBody, heard: SendBody, text: str) -> None:
    assert not said(heard, text, sent=sent)


def test_a_file_without_an_id_counts_and_a_list_has_no_order() -> None:
    file = {"contentType": "Attachment", "attachment": {"url": "u"}}
    sent = SendBody(text="x", attachment_ids=("1",))

    assert said(sent, "x", content=(file,))
    assert not said(sent, "x", content=(file, file))
    assert not said(sent, "x", content=({"contentType": "Attachment"}, file))
    two = SendBody(text="x", choices=(button("a"), button("b")))
    assert said(two, "x", content=tuple(reversed(content_of(two))))
