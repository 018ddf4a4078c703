"""The documents of a guest's login, and what frames say of it."""

import json
from typing import Any, Final

import pytest

from service.domain.errors import GuestProtocolError
from service.domain.sign_in import LoginProof, Tokens
from service.guest.body import Channel, Sender, StructuredBody
from service.guest.chat_events import Presence
from service.guest.codec import encode
from service.guest.login import (
    LoginRefusal,
    configure_request,
    exchange_document,
    is_signed_in_already,
    login_refusal,
    name_of_guest,
    provider_code,
    read_tokens,
    refresh_document,
)
from service.guest.messages import ErrorFrame, SessionClearedEvent, StructuredMessage

FAILED: Final = LoginRefusal.FAILED
STALE: Final = LoginRefusal.STALE


def refusal(code: int, **fields: Any) -> ErrorFrame:  # noqa: ANN401 - fields of ErrorFrame
    return ErrorFrame(code=code, raw_class="string", **fields)


def sign_in_frame(sender: Sender | None, *, direction: str = "Inbound") -> StructuredMessage:
    body = StructuredBody(
        type="Event",
        direction=direction,
        events=(Presence(type="SignIn"),),
        channel=Channel(from_=sender),
    )
    return StructuredMessage(code=200, body=body)


def test_a_code_is_asked_with_what_belongs_to_it_and_nothing_else() -> None:
    proof = LoginProof(code="c", redirect_uri="https://x", code_verifier="v", max_age=60, iss="i")

    assert json.loads(exchange_document("dep-1", proof)) == {
        "deploymentId": "dep-1",
        "oauth": {
            "code": "c",
            "redirectUri": "https://x",
            "codeVerifier": "v",
            "maxAge": 60,
            "iss": "i",
        },
    }


def test_an_id_token_is_asked_with_its_nonce() -> None:
    document = exchange_document("dep-1", LoginProof(id_token="t", nonce="n"))

    assert json.loads(document)["oauth"] == {"idToken": "t", "nonce": "n"}
    assert json.loads(refresh_document("r")) == {"refreshToken": "r"}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ('{"jwt":"j","refreshToken":"r"}', Tokens(jwt="j", refresh_token="r")),
        ('{"jwt":"j"}', Tokens(jwt="j")),
        ('{"jwt":"j","refreshToken":"","more":1}', Tokens(jwt="j")),
        ('{"jwt":"j","refreshToken":7}', Tokens(jwt="j")),
    ],
)
def test_tokens_are_read_with_or_without_a_refresh_token(text: str, tokens: Tokens) -> None:
    assert read_tokens(text) == tokens


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"jwt":""}', '{"jwt":1}'])
def test_an_answer_without_a_jwt_is_none(text: str) -> None:
    with pytest.raises(GuestProtocolError):
        read_tokens(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"code":"authentication.failed","message":"secret"}', "authentication.failed"),
        ('{"code":"two words"}', None),
        ('{"code":7}', None),
        ("<html>", None),
    ],
)
def test_only_a_plain_code_of_a_refusal_is_shown(text: str, code: str | None) -> None:
    assert provider_code(text) == code


def test_configure_shows_a_jwt_where_there_is_one() -> None:
    facts = {"token": "t", "deployment_id": "d", "tracing_id": "x"}
    anonymous = json.loads(encode(configure_request(**facts, jwt=None, start_new=True)))
    signed = json.loads(encode(configure_request(**facts, jwt="j", start_new=False)))

    assert (anonymous["action"], anonymous["startNew"]) == ("configureSession", True)
    assert "data" not in anonymous
    assert signed["action"] == "configureAuthenticatedSession"
    assert (signed["data"], signed["startNew"]) == ({"code": "j"}, False)


@pytest.mark.parametrize(
    ("frame", "meant"),
    [
        (refusal(401, text="User is unauthorized"), STALE),
        (refusal(403, text="Session authentication failed: x"), FAILED),
        (refusal(403, text=" session AUTHENTICATION failed"), FAILED),
        (refusal(403, error_message="Try to authenticate again"), FAILED),
        (refusal(403, message="TRY TO AUTHENTICATE AGAIN, please"), FAILED),
        (refusal(403, text="HTTP authorization error"), None),
        (refusal(403), None),
        (refusal(400, text="Session authentication failed"), None),
        (refusal(4007), None),
    ],
    ids=lambda value: None,
)
def test_the_deployment_is_told_from_the_login(
    frame: ErrorFrame, meant: LoginRefusal | None
) -> None:
    assert login_refusal(frame, stepping_up=False) is meant


@pytest.mark.parametrize(
    ("code", "meant"), [(401, STALE), (403, FAILED), (400, FAILED), (404, FAILED), (500, None)]
)
def test_who_steps_up_takes_every_refusal_as_one_of_the_login(
    code: int, meant: LoginRefusal | None
) -> None:
    assert login_refusal(refusal(code), stepping_up=True) is meant
    assert login_refusal(SessionClearedEvent(code=200), stepping_up=True) is None


def test_a_signed_in_guest_session_is_told_from_other_refusals() -> None:
    assert is_signed_in_already(refusal(4017))
    assert not is_signed_in_already(refusal(4007))
    assert not is_signed_in_already(SessionClearedEvent(code=200))


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        (Sender(first_name="Ann", last_name="Lee"), "Ann Lee"),
        (Sender(first_name="Ann"), "Ann"),
        (Sender(nickname="annie"), "annie"),
        (Sender(), None),
        (None, None),
    ],
    ids=["both", "first", "nickname", "empty", "none"],
)
def test_a_sign_in_names_the_guest(sender: Sender | None, name: str | None) -> None:
    assert name_of_guest(sign_in_frame(sender)) == name


def test_nothing_else_names_the_guest() -> None:
    ann = Sender(first_name="Ann")
    joined = StructuredBody(
        type="Event",
        direction="Inbound",
        events=(Presence(type="Join"),),
        channel=Channel(from_=ann),
    )
    bare = StructuredBody(type="Event", direction="Inbound", events=(Presence(type="SignIn"),))

    assert name_of_guest(sign_in_frame(ann, direction="Outbound")) is None
    assert name_of_guest(StructuredMessage(code=200, body=joined)) is None
    assert name_of_guest(StructuredMessage(code=200, body=bare)) is None
    assert name_of_guest(SessionClearedEvent(code=200)) is None
