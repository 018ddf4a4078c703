"""What the log says of each event, exactly."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.drafts import (
    Draft,
    accepted,
    confirmed,
    failed,
    message_of,
    received,
    tombstone,
)
from service.domain.ids import EventId, MessageId
from service.domain.log import EventType, LogEvent
from service.domain.message import (
    Author,
    AuthorKind,
    ButtonReply,
    Failure,
    Message,
    MessageStatus,
    SendBody,
)
from service.domain.send import SendKind, SendStatus, Written
from service.domain.session import State
from service.domain.views import message_view, session_view
from tests.support.playbook import NOON, pending, session_in

SESSION = session_in(State.LIVE, incarnation=3)
ENVELOPE = {
    "sessionId": "ses_1",
    "externalId": "guest-7",
    "deployment": "shop",
    "incarnation": 3,
    "sequence": 9,
}
LINK = "/v1/sessions/ses_1/attachments/"
BUTTON = ButtonReply(type="QuickReply", text="Yes", payload="yes", originating_message_id="m")
AGENT_SAID = Message(
    id=MessageId("msg_a"),
    session_id=SESSION.id,
    sequence=0,
    incarnation=2,
    author=Author(kind=AuthorKind.AGENT, name="Ann"),
    text="hi",
    content=(),
    status=MessageStatus.CONFIRMED,
    occurred_at=NOON,
    created_at=NOON + 1,
)


def placed(draft: Draft) -> LogEvent:
    return draft.at_place(SESSION, sequence=9, event_id=EventId("evt_9"), at=NOON + 2)


def test_an_event_knows_its_place_and_what_names_it() -> None:
    draft = received(AGENT_SAID, keys=frozenset({"b:1"}), channel_time=NOON)

    event = placed(draft)

    assert (event.id, event.session_id, event.sequence) == ("evt_9", "ses_1", 9)
    assert (event.type, event.at) == (EventType.MESSAGE_RECEIVED, NOON + 2)
    assert (event.keys, event.channel_time) == (frozenset({"b:1"}), NOON)


def test_a_session_event_carries_the_session_as_it_leaves_it() -> None:
    event = placed(Draft(type=EventType.SESSION_OPENED))

    view = session_view(SESSION, last_sequence=9, updated_at=NOON + 2)
    assert event.data == {**ENVELOPE, "session": view}
    assert event.incarnation == 3


def test_a_recovery_adds_its_receipt() -> None:
    event = placed(Draft(type=EventType.SESSION_RECOVERED, extra={"receipt": {"cause": "x"}}))

    assert set(event.data) == {*ENVELOPE, "session", "receipt"}
    assert event.data["receipt"] == {"cause": "x"}


def test_an_identified_conversation_adds_the_two_ids_and_no_session() -> None:
    ids = {"conversationId": "c", "participantId": None}

    event = placed(Draft(type=EventType.CONVERSATION_IDENTIFIED, extra=ids))

    assert event.data == {**ENVELOPE, **ids}


def test_a_message_event_carries_the_message_at_the_events_own_place() -> None:
    event = placed(received(AGENT_SAID, keys=frozenset(), channel_time=None))

    message = message_view(replace(AGENT_SAID, sequence=9))
    assert event.data == {**ENVELOPE, "incarnation": 2, "message": message}
    assert event.incarnation == 2


def test_a_message_keeps_the_place_it_has() -> None:
    event = placed(failed(replace(AGENT_SAID, sequence=4), Failure(code="c", detail="d")))

    assert (event.data["sequence"], event.data["message"]["sequence"]) == (9, 4)


def test_an_accepted_message_is_the_guests_own_until_told_otherwise() -> None:
    body = SendBody(text="hello", custom_attributes={"a": "b"}, metadata={"k": 1})

    draft = accepted(SESSION, message_id=MessageId("msg_1"), body=body, at=NOON)

    assert draft.type is EventType.MESSAGE_ACCEPTED
    assert draft.message == Message(
        id=MessageId("msg_1"),
        session_id=SESSION.id,
        sequence=0,
        incarnation=3,
        author=Author(kind=AuthorKind.GUEST),
        text="hello",
        content=(),
        status=MessageStatus.ACCEPTED,
        custom_attributes={"a": "b"},
        metadata={"k": 1},
        occurred_at=NOON,
        created_at=NOON,
    )


@pytest.mark.parametrize(
    ("body", "text", "content"),
    [
        (SendBody(text="t"), "t", ()),
        (SendBody(), None, ()),
        (
            SendBody(attachment_ids=("a", "b")),
            None,
            (
                {
                    "contentType": "Attachment",
                    "attachment": {"id": "a", "href": LINK + "a/content"},
                },
                {
                    "contentType": "Attachment",
                    "attachment": {"id": "b", "href": LINK + "b/content"},
                },
            ),
        ),
        (
            SendBody(button=BUTTON),
            "Yes",
            (
                {
                    "contentType": "ButtonResponse",
                    "buttonResponse": {
                        "type": "QuickReply",
                        "text": "Yes",
                        "payload": "yes",
                        "originatingMessageId": "m",
                    },
                },
            ),
        ),
    ],
)
def test_what_was_sent_shows_as_text_and_content(
    body: SendBody, text: str | None, content: tuple[Any, ...]
) -> None:
    message = accepted(SESSION, message_id=MessageId("m"), body=body, at=NOON).message

    assert message is not None
    assert (message.text, message.content) == (text, content)
    assert (message.custom_attributes, message.metadata) == (None, None)


def test_words_beside_a_button_win_over_its_label() -> None:
    body = SendBody(text="own words", button=BUTTON)

    message = accepted(SESSION, message_id=MessageId("m"), body=body, at=NOON).message

    assert message is not None
    assert message.text == "own words"


@pytest.mark.parametrize(
    ("kind", "author"),
    [(SendKind.MESSAGE, AuthorKind.GUEST), (SendKind.RECAP, AuthorKind.SYSTEM)],
)
@pytest.mark.parametrize("status", SendStatus)
def test_a_pending_send_shows_where_it_stands(
    kind: SendKind, author: AuthorKind, status: SendStatus
) -> None:
    message = message_of(pending(5, kind=kind, status=status), SESSION)

    assert (message.id, message.sequence, message.incarnation) == ("msg_5", 5, 3)
    assert (message.author.kind, message.status.value) == (author, status.value)
    assert (message.text, message.occurred_at) == ("hello", NOON)


def test_a_written_send_belongs_to_the_incarnation_it_was_written_to() -> None:
    mark = Written(at=NOON, incarnation=2, writer="w", link="l")

    assert message_of(pending(5, written=mark), SESSION).incarnation == 2


def test_a_confirmed_message_tells_when_and_how_it_was_found() -> None:
    draft = confirmed(
        replace(AGENT_SAID, sequence=4), occurred_at=NOON + 5, keys=frozenset({"b"}), recovered=True
    )

    assert draft.type is EventType.MESSAGE_CONFIRMED
    assert draft.message is not None
    assert draft.message.status is MessageStatus.CONFIRMED
    assert (draft.message.occurred_at, draft.message.recovered) == (NOON + 5, True)
    assert (draft.keys, draft.channel_time) == (frozenset({"b"}), NOON + 5)


def test_a_failed_message_tells_why() -> None:
    why = Failure(code="c", detail="d", provider_code="4011")

    draft = failed(AGENT_SAID, why)

    assert draft.type is EventType.MESSAGE_FAILED
    assert draft.message == replace(AGENT_SAID, status=MessageStatus.FAILED, failure=why)


def test_a_tombstone_holds_a_place() -> None:
    assert tombstone() == Draft(type=EventType.ERASED)
