"""An answer as content items, and as what is compared."""

from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from service.domain.answered import answers_in, content_of
from service.domain.message import ButtonReply, FormEntry, FormReply, SendBody
from tests.support.guest_strategies import JSON

BUTTON: Final = ButtonReply(type="ListPicker", text="Oat", payload="oat")
RESPONSE: Final = {
    "contentType": "ButtonResponse",
    "buttonResponse": {
        "type": "ListPicker",
        "text": "Oat",
        "payload": "oat",
        "originatingMessageId": None,
    },
}


def test_content_shows_what_was_answered_and_the_files() -> None:
    entry = FormEntry(id="email", text="a", payload="b")
    form = FormReply(originating_message_id=None, canned_response_id="c", answers=(entry,))

    assert content_of(SendBody(text="x")) == ()
    assert content_of(SendBody(button=BUTTON)) == (RESPONSE,)
    assert content_of(SendBody(choices=(BUTTON, BUTTON))) == (RESPONSE, RESPONSE)
    assert content_of(SendBody(form=form, attachment_ids=("f",))) == (
        {
            "contentType": "Form",
            "form": {
                "cannedResponseId": "c",
                "response": [
                    {
                        "id": "email",
                        "component": {
                            "contentType": "ButtonResponse",
                            "buttonResponse": {"type": "Form", "text": "a", "payload": "b"},
                        },
                    }
                ],
            },
        },
        {"contentType": "Attachment", "attachment": {"id": "f"}},
    )
    answers = answers_in(content_of(SendBody(choices=(BUTTON,), form=form)))
    assert answers == [("", "oat"), ("email", "b")]


@given(
    items=st.lists(
        st.builds(
            lambda name, rest: {"contentType": name, "form": {"response": rest}, "x": rest},
            st.sampled_from(["ButtonResponse", "Form", "Card"]),
            st.lists(JSON, max_size=3) | JSON,
        ),
        max_size=3,
    )
)
def test_odd_content_is_compared_too(items: list[dict[str, Any]]) -> None:
    assert answers_in(items) == answers_in(reversed(items))
