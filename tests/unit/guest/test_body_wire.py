"""Golden chat messages: text, content of every type, events, the echo answer."""

from typing import Final

import pytest

from service.guest import content as item
from service.guest.body import Channel, Sender, StructuredBody
from service.guest.chat_events import OtherEvent, Presence, Typing
from service.guest.codec import decode
from service.guest.messages import StructuredMessage
from tests.unit.guest.golden_frames import ATTACHMENT, HEALTH_CHECK, OUTBOUND, golden, trace

_ANSWER: Final = {"text": "Yes", "payload": "answer.yes"}

BODIES: Final[dict[str, StructuredBody]] = {
    "structured_inbound_text": StructuredBody(
        id="0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        direction="Inbound",
        type="Text",
        text="My bicycle squeaks",
        channel=Channel(
            time="2032-02-03T04:05:06.007Z", message_id="9c8b7a69-5847-4635-9241-302f1e0d9c8b"
        ),
        originating_entity="",
        metadata={"correlationId": "77777777-6666-4555-8444-333333333333", "id": "m-17"},
    ),
    "structured_outbound_text": StructuredBody(
        id=OUTBOUND,
        direction="Outbound",
        type="Text",
        text="Which wheel?",
        channel=Channel(
            time="2032-02-03T04:05:16.500Z",
            type="Private",
            from_=Sender(
                nickname="Mika",
                first_name="Mika",
                last_name="Virta",
                image="https://img.example.test/mika.png",
            ),
            to=Sender(),
        ),
        originating_entity="Human",
        metadata={"readOnly": "false"},
    ),
    "structured_disconnect": StructuredBody(
        id=OUTBOUND,
        direction="Outbound",
        type="Event",
        channel=Channel(time="2032-02-03T05:00:00.000Z", type="Private"),
        events=(Presence(type="Disconnect"),),
        metadata={"readOnly": "true"},
        originating_entity="Bot",
    ),
    "structured_events": StructuredBody(
        id=OUTBOUND,
        direction="Outbound",
        type="Event",
        events=(
            Typing(type="On", duration_ms=5000),
            Typing(type="Off", duration_ms=250),
            OtherEvent(
                event_type="CoBrowse",
                fields={
                    "coBrowse": {
                        "type": "Offering",
                        "sessionId": "cb-1",
                        "sessionJoinToken": "join-me",
                    }
                },
            ),
            OtherEvent(event_type="Juggling", fields={"balls": 3}),
        ),
    ),
    "structured_content": StructuredBody(
        id=OUTBOUND,
        direction="Outbound",
        type="Structured",
        text="Choose",
        content=(
            item.Attachment(
                id=ATTACHMENT,
                filename="bill.pdf",
                media_type="File",
                file_size=48211,
                mime="application/pdf",
                url="https://files.example.test/d/1",
                sha256="00ff",
                text="The bill",
            ),
            item.QuickReply(
                text="Yes",
                payload="answer.yes",
                action="Message",
                image="https://img.example.test/yes.png",
                id="qr-1",
                summary_text="Chose yes",
            ),
            item.QuickReplyV2(fields={"title": "Sure?", "actions": [_ANSWER]}),
            item.ButtonResponse(type="Button", text="Yes", payload="answer.yes"),
            item.Card(
                fields={
                    "title": "Tune-up",
                    "actions": [{"type": "Postback", "text": "Book", "payload": "book.1"}],
                }
            ),
            item.Carousel(fields={"cards": [{"title": "Tune-up", "actions": []}]}),
            item.DatePicker(
                fields={
                    "title": "When",
                    "availableTimes": [{"dateTime": "2032-02-04T09:00:00Z", "duration": 1800}],
                }
            ),
            item.ListPicker(
                fields={
                    "sections": [
                        {
                            "title": "Parts",
                            "multipleSelection": True,
                            "items": [{"id": "p1", "title": "Chain"}],
                        }
                    ],
                    "receivedMessage": {"title": "Parts"},
                    "replyMessage": {"title": "Chosen"},
                }
            ),
            item.Form(fields={"cannedResponseId": "cr-1", "formPages": []}),
            item.GenericTemplate(fields={"title": "Old card"}),
            item.TextContent(fields={"body": "As an item", "type": "Text"}),
            item.UnknownContent(content_type="Hologram", fields={"hologram": {"depth": 3}}),
        ),
        originating_entity="Bot",
        originating_message_id="ffeeddccbbaa99887766554433221100",
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_golden_chat_message_decodes_to_its_value(name: str) -> None:
    tracing = trace(2) if name == "structured_inbound_text" else None

    message = decode(golden(name))

    assert message == StructuredMessage(
        type="message", code=200, tracing_id=tracing, body=BODIES[name]
    )


def test_the_answer_to_an_echo_is_told_apart_from_chat() -> None:
    answer, chat = decode(golden("structured_echo_answer")), decode(golden("structured_content"))

    assert isinstance(answer, StructuredMessage)
    assert isinstance(chat, StructuredMessage)
    assert (answer.is_echo_answer, answer.tracing_id) == (True, HEALTH_CHECK)
    assert answer.body.metadata == {"durationSeconds": "259200", "expirationDate": "1961798400"}
    assert not chat.is_echo_answer
