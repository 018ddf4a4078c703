"""The public JSON: every field always there, nothing secret."""

from dataclasses import replace

from service.domain.ids import MessageId, SessionId
from service.domain.message import Author, AuthorKind, Failure, Message, MessageStatus
from service.domain.session import Ended, EndedBy, FailureReason, State
from service.domain.sign_in import SignIn
from service.domain.views import author_view, failure_view, message_view, session_view
from tests.support.playbook import NOON, session_in

NOON_TEXT = "2030-03-17T17:46:40.000Z"
MESSAGE = Message(
    id=MessageId("msg_1"),
    session_id=SessionId("ses_1"),
    sequence=4,
    incarnation=2,
    author=Author(kind=AuthorKind.BOT),
    text=None,
    content=({"contentType": "Attachment"},),
    status=MessageStatus.CONFIRMED,
    occurred_at=NOON,
    created_at=NOON + 1,
)


def test_a_bare_session_shows_every_field() -> None:
    session = session_in(State.CREATED, client_id="secret-guest-token")

    assert session_view(session, last_sequence=7, updated_at=NOON + 1) == {
        "id": "ses_1",
        "deployment": "shop",
        "externalId": "guest-7",
        "state": "opening",
        "incarnation": 1,
        "clientId": "…oken",
        "conversationId": None,
        "participantId": None,
        "authenticated": False,
        "guestName": None,
        "endedBy": None,
        "endedAt": None,
        "resumable": None,
        "onReadOnly": None,
        "failure": None,
        "expiresAt": None,
        "lastSequence": 7,
        "customAttributes": {},
        "metadata": None,
        "journeyContext": None,
        "createdAt": NOON_TEXT,
        "updatedAt": "2030-03-17T17:46:41.000Z",
    }


def test_a_session_that_is_over_says_how() -> None:
    session = session_in(
        State.ENDED,
        ended=Ended(by=EndedBy.AGENT, resumable=True, at=NOON),
        failure=FailureReason(code="denied", detail="why"),
        expires_at=NOON,
        conversation_id="c",
        participant_id="p",
        custom_attributes={"a": "b"},
        metadata={"k": [1]},
    )

    shown = session_view(session, last_sequence=7, updated_at=NOON)

    assert (shown["endedBy"], shown["endedAt"], shown["resumable"]) == ("agent", NOON_TEXT, True)
    assert shown["failure"] == {"code": "denied", "detail": "why"}
    assert (shown["expiresAt"], shown["state"]) == (NOON_TEXT, "ended")
    assert (shown["conversationId"], shown["participantId"]) == ("c", "p")
    assert (shown["customAttributes"], shown["metadata"]) == ({"a": "b"}, {"k": [1]})


def test_the_client_id_is_shown_whole_only_when_asked_for() -> None:
    session = session_in(client_id="secret-guest-token")

    shown = session_view(session, last_sequence=0, updated_at=NOON, reveal=True)

    assert shown["clientId"] == "secret-guest-token"


def test_a_message_shows_every_field() -> None:
    assert message_view(MESSAGE) == {
        "id": "msg_1",
        "sessionId": "ses_1",
        "sequence": 4,
        "incarnation": 2,
        "author": {"kind": "bot", "name": None, "image": None},
        "text": None,
        "content": [{"contentType": "Attachment"}],
        "raw": None,
        "status": "confirmed",
        "failure": None,
        "customAttributes": None,
        "metadata": None,
        "recovered": False,
        "late": False,
        "occurredAt": NOON_TEXT,
        "createdAt": "2030-03-17T17:46:41.000Z",
    }


def test_what_a_message_carries_is_shown() -> None:
    full = replace(MESSAGE, custom_attributes={"a": "b"}, metadata={"k": 1}, late=True)

    shown = message_view(full)

    assert (shown["customAttributes"], shown["metadata"]) == ({"a": "b"}, {"k": 1})
    assert shown["late"] is True


def test_a_raw_body_is_shown_and_so_is_what_was_left_out() -> None:
    whole = message_view(replace(MESSAGE, raw={"id": "b-1"}))
    cut = message_view(replace(MESSAGE, omitted={"rawBytes": 70000, "contentItems": 0}))

    assert (whole["raw"], "omitted" in whole) == ({"id": "b-1"}, False)
    assert (cut["raw"], cut["omitted"]) == (None, {"rawBytes": 70000, "contentItems": 0})


def test_an_author_and_a_failure_show_what_is_known() -> None:
    author = Author(kind=AuthorKind.AGENT, name="Ann", image="i")
    failure = Failure(code="c", detail="d", provider_code="4011")

    assert author_view(author) == {"kind": "agent", "name": "Ann", "image": "i"}
    assert failure_view(None) is None
    assert failure_view(failure) == {"code": "c", "detail": "d", "providerCode": "4011"}


def test_a_signed_in_guest_is_told_by_name_and_never_by_what_proves_it() -> None:
    login = SignIn(jwt="secret-jwt", refresh_token="secret-refresh", issued_at=NOON, name="Ann")
    view = session_view(session_in(State.LIVE, sign_in=login), last_sequence=1, updated_at=NOON)
    anonymous = session_in(State.LIVE, sign_in=replace(login, stepping_up=True))

    assert (view["authenticated"], view["guestName"]) == (True, "Ann")
    assert "secret" not in str(view)
    assert not session_view(anonymous, last_sequence=1, updated_at=NOON)["authenticated"]
