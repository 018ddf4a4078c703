"""What a frame was is told by vocabulary, ids and sizes; words and secrets never are."""

import pytest

from service.guest.body import OutgoingMessage, StructuredBody
from service.guest.chat_events import OtherEvent, Presence, Typing
from service.guest.content import Attachment, ButtonResponse, UnknownContent
from service.guest.frame_facts import frame_facts, name_of
from service.guest.messages import (
    ErrorFrame,
    JwtResponse,
    Message,
    PresignedUrlResponse,
    SessionResponse,
    StructuredMessage,
    TooManyRequests,
    Unknown,
)
from service.guest.requests import (
    ConfigureSession,
    Echo,
    GetJwt,
    OnAttachment,
    OnMessage,
    UnknownRequest,
)

SECRET = "3f1c9a52-1111-4222-8333-444455556666"
WORDS = "my card is 4929 1234"


def _known(message: Message) -> dict[str, object]:
    return {name: fact for name, fact in frame_facts(message).items() if fact is not None}


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (ConfigureSession(token=SECRET, deployment_id="d"), "configureSession"),
        (UnknownRequest(action="dance", raw={"token": SECRET}), "dance"),
        (UnknownRequest(action="no name at all", raw={}), "<14 characters>"),
        (StructuredMessage(body=StructuredBody()), "StructuredMessage"),
        (SessionResponse(connected=True), "SessionResponse"),
        (Unknown(raw_class="Foo", body=WORDS), "Foo"),
        (ErrorFrame(raw_class="string", text=WORDS), "string"),
        (ErrorFrame(raw_class=None), "error"),
    ],
)
def test_a_frame_is_named_as_on_the_wire(message: Message, name: str) -> None:
    assert name_of(message) == name


@pytest.mark.parametrize(
    ("message", "facts"),
    [
        (GetJwt(token=SECRET, tracing_id="t1"), {"tracingId": "t1"}),
        (JwtResponse(jwt=SECRET, code=200), {"code": 200}),
        (SessionResponse(connected=True, read_only=True), {"connected": True, "readOnly": True}),
        (TooManyRequests(code="429", retry_after=3.5), {"code": "429", "retryAfter": 3.5}),
        (
            ErrorFrame(raw_class="ErrorMessage", error_code=4001, error_message=WORDS),
            {"errorCode": 4001},
        ),
        (
            PresignedUrlResponse(attachment_id="a1", url=WORDS, file_size=7, file_name=WORDS),
            {"attachmentId": "a1", "fileSize": 7},
        ),
        (
            OnAttachment(token=SECRET, file_name=WORDS, file_type="image/png", file_size=9),
            {"fileSize": 9},
        ),
        (UnknownRequest(action="dance", raw={"token": SECRET}), {}),
    ],
)
def test_a_frame_is_told_by_its_facts(message: Message, facts: dict[str, object]) -> None:
    told = _known(message)

    assert told == {"newSession": False} | facts if "connected" in facts else told == facts


def test_a_message_is_told_by_its_parts_and_its_length() -> None:
    content = (Attachment(id="a1"), UnknownContent(content_type="Hologram", fields={"x": WORDS}))
    events = (
        Typing(type="On"),
        Presence(type=WORDS),
        OtherEvent(event_type="CoBrowse", fields={"y": WORDS}),
    )
    body = StructuredBody(
        id="b1", type="Text", text=WORDS, direction="Outbound", content=content, events=events
    )

    assert _known(StructuredMessage(body=body, code=200, tracing_id="t1")) == {
        "code": 200,
        "tracingId": "t1",
        "type": "Text",
        "content": "Attachment,Hologram",
        "events": f"Typing:On,Presence:<{len(WORDS)} characters>,CoBrowse",
        "characters": len(WORDS),
        "direction": "Outbound",
        "bodyId": "b1",
    }


def test_what_we_send_is_told_likewise() -> None:
    said = OutgoingMessage(
        type="Structured", text=WORDS, content=(ButtonResponse(type="QuickReply", text=WORDS),)
    )

    assert _known(OnMessage(token=SECRET, message=said)) == {
        "type": "Structured",
        "content": "ButtonResponse",
        "characters": len(WORDS),
    }
    assert _known(Echo(message=OutgoingMessage(type="Text"))) == {"type": "Text"}


def test_a_word_that_is_none_is_told_by_its_length() -> None:
    body = StructuredBody(id=WORDS, type=WORDS, direction="")

    assert _known(StructuredMessage(body=body, tracing_id="x" * 65)) == {
        "tracingId": "<65 characters>",
        "type": f"<{len(WORDS)} characters>",
        "direction": "<0 characters>",
        "bodyId": f"<{len(WORDS)} characters>",
    }
