"""What each frame means for a session."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from service.domain import events as ev
from service.domain.media import MediaRules
from service.domain.message import Author, AuthorKind
from service.domain.said import Refusal
from service.domain.session import Cause, EndedBy
from service.guest.body import Channel, Sender, StructuredBody
from service.guest.chat_events import Presence, Typing
from service.guest.codec import decode
from service.guest.content import Attachment
from service.guest.messages import (
    AllowedMedia,
    ConnectionClosedEvent,
    ErrorFrame,
    FileType,
    JwtResponse,
    LogoutEvent,
    ServerFrame,
    SessionClearedEvent,
    SessionExpiredEvent,
    SessionResponse,
    StructuredMessage,
    TooManyRequests,
    Unknown,
)
from service.guest.messages import MediaRules as WireRules
from service.guest.requests import Request
from service.guest.translate import (
    attach_verdict,
    closed_by,
    error_code,
    is_typing,
    media_rules,
    refusal,
    said,
    said_in,
    session_event,
)
from tests.unit.guest.golden_frames import golden, golden_names, trace

TIMES: Final[dict[str, Any]] = {"duration_seconds": 600, "expiration_date": 1_900_000_000}
TOLD: Final[dict[str, Any]] = {"duration_seconds": 600, "expires_at": 1_900_000_000}
JWT: Final = JwtResponse(jwt="j")
EXPIRED: Final = ev.GuestSessionGone(cause=Cause.SESSION_EXPIRED, code="4006")
SPOKEN: Final = frozenset({"session_expired", "session_has_expired", "session_not_found"})


def error(code: int | str | None, **facts: Any) -> ErrorFrame:  # noqa: ANN401 - any field
    return ErrorFrame(raw_class="string", code=code, **facts)


def golden_frame(name: str) -> ServerFrame:
    frame = decode(golden(name))
    assert not isinstance(frame, Request)
    return frame


def chat(**facts: Any) -> StructuredMessage:  # noqa: ANN401 - any field
    return StructuredMessage(type="message", body=StructuredBody(**facts))


def presence(what: str, **facts: Any) -> StructuredMessage:  # noqa: ANN401 - any field
    return chat(type="Event", events=(Presence(type=what),), **facts)


@pytest.mark.parametrize(
    ("frame", "verdict"),
    [
        (SessionResponse(connected=True, new_session=True, **TIMES), ev.GuestSessionOpened(**TOLD)),
        (SessionResponse(connected=True, **TIMES), ev.GuestSessionResumed(**TOLD)),
        (SessionResponse(connected=True), ev.GuestSessionResumed()),
        (
            SessionResponse(connected=True, new_session=True, read_only=True, **TIMES),
            ev.GuestSessionReadOnly(**TOLD),
        ),
        (SessionResponse(connected=False), None),
        (
            TooManyRequests(retry_after=3.0, code=429),
            ev.LinkFailed(code="429", retry_after_seconds=3.0),
        ),
        (error(4006), EXPIRED),
        (error("4007"), ev.GuestSessionGone(cause=Cause.SESSION_NOT_FOUND, code="4007")),
        (error(4017), ev.ClientIdDead(code="4017")),
        (error(503), ev.LinkFailed(code="503")),
        (error(None), ev.LinkFailed(code="unknown")),
        (ConnectionClosedEvent(reason="signedIn"), ev.ClientIdDead(code="signedIn")),
        (JWT, None),
    ],
)
def test_an_answer_to_configure(frame: ServerFrame, verdict: ev.Event | None) -> None:
    assert attach_verdict(frame, opened_before=True) == verdict
    assert attach_verdict(frame, opened_before=False) == verdict


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_deployment_is_denied_with_what_to_check(code: int) -> None:
    verdict = attach_verdict(error(code), opened_before=True)

    assert isinstance(verdict, ev.Denied)
    assert verdict.code == "denied"
    assert f"code {code}" in verdict.detail
    assert "allowed domains" in verdict.detail


@pytest.mark.parametrize("code", [400, 404])
def test_an_unknown_deployment_is_denied_only_until_it_worked_once(code: int) -> None:
    assert isinstance(attach_verdict(error(code), opened_before=False), ev.Denied)
    assert attach_verdict(error(code), opened_before=True) == ev.LinkFailed(code=str(code))


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        (
            SessionExpiredEvent(),
            ev.GuestSessionGone(cause=Cause.SESSION_EXPIRED, code="SessionExpiredEvent"),
        ),
        (ConnectionClosedEvent(), ev.Evicted()),
        (ConnectionClosedEvent(reason="other"), ev.Evicted()),
        (LogoutEvent(), ev.ClientIdDead(code="LogoutEvent")),
        (SessionClearedEvent(), ev.Cleared()),
        (error(4006), EXPIRED),
        (error(4017), ev.ClientIdDead(code="4017")),
        (error(4011), None),
        (error(500), None),
        (JWT, None),
        (Unknown(raw_class="New"), None),
    ],
)
def test_a_frame_that_may_come_at_any_time(frame: ServerFrame, event: ev.Event | None) -> None:
    assert session_event(frame) == event


@pytest.mark.parametrize("code", sorted(SPOKEN))
def test_a_gateway_may_spell_codes_as_words(code: str) -> None:
    event = session_event(error(code))

    assert isinstance(event, ev.GuestSessionGone)
    assert event.code == code


def test_a_bare_code_from_a_gateway_says_that_the_guest_session_is_gone() -> None:
    event = session_event(golden_frame("error_bare_code"))

    assert event == ev.GuestSessionGone(cause=Cause.SESSION_NOT_FOUND, code="session_not_found")


def test_the_older_spelling_of_signed_in_is_read_too() -> None:
    frame = golden_frame("connection_closed_reason_code")

    assert session_event(frame) == ev.ClientIdDead(code="signedIn")


@pytest.mark.parametrize(
    ("entity", "by"),
    [
        ("Human", EndedBy.AGENT),
        ("Bot", EndedBy.BOT),
        ("", EndedBy.UNKNOWN),
        (None, EndedBy.UNKNOWN),
    ],
)
@pytest.mark.parametrize("flag", ["true", "True"])
def test_a_disconnect_that_makes_it_read_only_closes_the_chat(
    entity: str | None, by: EndedBy, flag: str
) -> None:
    frame = presence(
        "Disconnect",
        direction="Outbound",
        metadata={"readOnly": flag},
        originating_entity=entity,
    )

    assert session_event(frame) == ev.ChatClosed(by=by)


@pytest.mark.parametrize(
    "frame",
    [
        presence("Disconnect", direction="Outbound", metadata={"readOnly": "false"}),
        presence("Disconnect", direction="Outbound"),
        presence("Disconnect", direction="Inbound", metadata={"readOnly": "true"}),
        presence("Join", direction="Outbound", metadata={"readOnly": "true"}),
        chat(type="Text", text="bye", direction="Outbound", metadata={"readOnly": "true"}),
    ],
    ids=["goes on", "goes on, unsaid", "the guest's own", "another presence", "words"],
)
def test_what_does_not_close_the_chat(frame: StructuredMessage) -> None:
    assert session_event(frame) is None


@pytest.mark.parametrize(
    "code",
    [400, 403, 409, 429, 4029, 4020, *range(4006, 4014), *sorted(SPOKEN)],
)
def test_a_certain_refusal_proves_that_nothing_was_done(code: int | str) -> None:
    refused = refusal(error(code, tracing_id="t"))

    assert refused is not None
    assert refused.certain
    assert (refused.code, refused.tracing_id) == (str(code), "t")
    assert refused.session_gone is (code in {4006, 4007, *SPOKEN})


@pytest.mark.parametrize("code", [401, 404, 408, 500, 503, 5000, 4000, 4014, 4017, "new", None])
def test_any_other_error_proves_nothing(code: int | str | None) -> None:
    refused = refusal(error(code))

    assert refused is not None
    assert not refused.certain
    assert not refused.session_gone


def test_too_many_requests_says_how_long_to_wait() -> None:
    refused = refusal(golden_frame("too_many_requests"))

    assert refused == Refusal(
        code="4029", certain=True, tracing_id=trace(2), retry_after_seconds=3.0
    )


def test_an_expired_guest_session_refuses_what_was_asked_of_it() -> None:
    refused = refusal(SessionExpiredEvent(tracing_id="t"))

    assert refused == Refusal(code="4006", certain=True, tracing_id="t", session_gone=True)


def test_what_is_no_error_refuses_nothing() -> None:
    assert refusal(JWT) is None
    assert refusal(LogoutEvent()) is None


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (error(400, error_code=4011), "4011"),
        (error("429"), "429"),
        (error(200, body_extras={"code": "session_not_found"}), "session_not_found"),
        (error(None, body_extras={"code": 4007}), "4007"),
        (error(503, body_extras={"code": "x"}), "503"),
        (error(200, body_extras={"code": ["x"]}), "200"),
        (error(None, body_extras={"code": True}), "unknown"),
        (error(None), "unknown"),
    ],
)
def test_the_code_is_found_wherever_it_was_put(frame: ErrorFrame, code: str) -> None:
    assert error_code(frame) == code


def test_the_guests_own_message_comes_back_with_its_names() -> None:
    spoken = said(golden_frame("structured_inbound_text"))

    assert spoken is not None
    assert spoken.keys == {
        "b:0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "c:9c8b7a69-5847-4635-9241-302f1e0d9c8b",
        f"t:{trace(2)}",
    }
    assert (spoken.from_guest, spoken.is_join) == (True, False)
    assert spoken.author == Author(kind=AuthorKind.GUEST)
    assert (spoken.text, spoken.content) == ("My bicycle squeaks", ())
    assert (spoken.tracing_id, spoken.metadata_id) == (trace(2), "m-17")
    assert spoken.body_id == "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    assert spoken.channel_time == datetime(2032, 2, 3, 4, 5, 6, 7000, tzinfo=UTC).timestamp()


def test_an_agent_is_named_by_what_the_channel_shows() -> None:
    spoken = said(golden_frame("structured_outbound_text"))

    assert spoken is not None
    assert not spoken.from_guest
    assert spoken.author == Author(
        kind=AuthorKind.AGENT, name="Mika", image="https://img.example.test/mika.png"
    )


@pytest.mark.parametrize(
    ("facts", "author"),
    [
        ({"originating_entity": "Bot"}, Author(kind=AuthorKind.BOT)),
        ({"channel": Channel()}, Author(kind=AuthorKind.AGENT)),
        (
            {"channel": Channel(from_=Sender(first_name="Ann"))},
            Author(kind=AuthorKind.AGENT, name="Ann"),
        ),
    ],
)
def test_whoever_hides_has_no_name(facts: dict[str, Any], author: Author) -> None:
    spoken = said(chat(type="Text", direction="Outbound", **facts))

    assert spoken is not None
    assert spoken.author == author


def test_content_is_handed_on_in_its_normal_form_with_the_body_beside_it() -> None:
    spoken = said(chat(type="Structured", direction="Outbound", content=(Attachment(id="a"),)))

    assert spoken is not None
    assert [item["contentType"] for item in spoken.content] == ["Attachment"]
    assert spoken.content[0]["attachment"]["id"] == "a"
    assert spoken.raw is not None
    assert spoken.raw["content"] == list(spoken.content)


def test_a_message_without_names_or_time_is_still_said() -> None:
    spoken = said_in(StructuredBody(text="hi", direction="Inbound"))

    assert spoken is not None
    assert (spoken.keys, spoken.channel_time, spoken.tracing_id) == (frozenset(), None, None)
    assert spoken.metadata_id is None


def test_the_older_place_of_the_metadata_id_is_read_too() -> None:
    body = StructuredBody(direction="Inbound", metadata={"customMessageId": "m-1"})

    spoken = said_in(body)

    assert spoken is not None
    assert spoken.metadata_id == "m-1"


@pytest.mark.parametrize("direction", ["Inbound", None])
def test_the_guests_join_is_said_and_known_as_one(direction: str | None) -> None:
    spoken = said(presence("Join", direction=direction))

    assert spoken is not None
    assert spoken.is_join


@pytest.mark.parametrize(
    ("entity", "by"),
    [("Human", EndedBy.AGENT), ("Bot", EndedBy.BOT), (None, EndedBy.UNKNOWN)],
)
@pytest.mark.parametrize("metadata", [{}, {"readOnly": "false"}])
def test_a_disconnect_that_leaves_the_chat_open_is_said_and_known_as_one(
    entity: str | None, by: EndedBy, metadata: dict[str, str]
) -> None:
    frame = presence(
        "Disconnect", direction="Outbound", metadata=metadata, originating_entity=entity
    )
    spoken = said(frame)

    assert spoken is not None
    assert (spoken.ended_by, spoken.from_guest, spoken.is_join) == (by, False, False)
    assert closed_by(frame.body) is None


@pytest.mark.parametrize(
    "frame",
    [
        presence("Join", direction="Outbound"),
        presence("SessionExpired", direction="Outbound"),
        presence("Disconnect", direction="Inbound"),
        presence("Disconnect", direction="Outbound", metadata={"readOnly": "true"}),
        chat(type="Receipt", direction="Outbound"),
        StructuredMessage(type="response", body=StructuredBody(type="Text", text="ping")),
        JWT,
    ],
    ids=[
        "somebody else's join",
        "another event",
        "the guest's own end",
        "the end of the chat",
        "a receipt",
        "an echo",
        "no chat message",
    ],
)
def test_what_nobody_said(frame: ServerFrame) -> None:
    assert said(frame) is None


@pytest.mark.parametrize(
    ("frame", "typing"),
    [
        (chat(direction="Outbound", events=(Typing(type="On"),)), True),
        (chat(direction="Outbound", events=(Typing(type="Off"),)), False),
        (chat(direction="Inbound", events=(Typing(type="On"),)), False),
        (presence("Join", direction="Outbound"), False),
        (JWT, False),
    ],
)
def test_only_the_other_side_is_seen_typing(frame: ServerFrame, *, typing: bool) -> None:
    assert is_typing(frame) is typing


@pytest.mark.parametrize("name", golden_names())
def test_every_golden_frame_can_be_asked_everything(name: str) -> None:
    if name.startswith(("history", "deployment_config")):
        return
    frame = decode(golden(name))
    if isinstance(frame, Request):
        return

    meanings = [attach_verdict(frame, opened_before=True), session_event(frame), refusal(frame)]

    assert is_typing(frame) in {True, False}
    assert said(frame) is None or meanings[2] is None


@pytest.mark.parametrize(
    ("frame", "rules"),
    [
        (SessionResponse(connected=True), None),
        (
            SessionResponse(connected=True, blocked_extensions=(".exe",)),
            MediaRules(blocked_extensions=(".exe",)),
        ),
        (
            SessionResponse(
                connected=True,
                allowed_media=AllowedMedia(
                    inbound=WireRules(
                        file_types=(FileType(type="image/*"), FileType()), max_file_size_kb=10
                    )
                ),
            ),
            MediaRules(file_types=("image/*",), max_file_size_kb=10),
        ),
    ],
)
def test_what_files_are_taken(frame: SessionResponse, rules: MediaRules | None) -> None:
    assert media_rules(frame) == rules
