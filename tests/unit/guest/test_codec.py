"""The codec as a whole: round trips, and what it refuses and how."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.errors import GuestProtocolError
from service.guest import messages, requests
from service.guest.codec import decode, decode_deployment_config, decode_history, encode
from service.guest.rest import DeploymentConfig
from tests.support.guest_strategies import ANY_MESSAGE, JSON, MESSAGE_TYPES, TEXT, messages_of
from tests.unit.guest.golden_frames import OUTBOUND, golden, golden_names

_FRAMES = [name for name in golden_names() if not name.startswith(("history", "deployment_config"))]


def _inside(name: str) -> str:
    """Name the object in which the frame's own fields stand, if it has one."""
    frame = json.loads(golden(name))
    return next((key for key in ("body", "message") if isinstance(frame.get(key), dict)), "")


@pytest.mark.parametrize("kind", MESSAGE_TYPES, ids=lambda kind: kind.__name__)
@settings(max_examples=8)
@given(data=st.data())
def test_every_message_survives_the_wire(kind: type[Any], data: st.DataObject) -> None:
    message = data.draw(messages_of(kind))

    assert decode(encode(message)) == message


@pytest.mark.parametrize("name", _FRAMES)
def test_a_frame_from_outside_decodes_to_the_same_after_encoding(name: str) -> None:
    message = decode(golden(name))

    assert decode(encode(message)) == message


@pytest.mark.parametrize("name", _FRAMES)
def test_fields_nobody_knows_survive_in_every_envelope(name: str) -> None:
    frame = {**json.loads(golden(name)), "x-new": {"deep": [1, None]}}

    written = json.loads(encode(decode(json.dumps(frame))))

    assert written["x-new"] == {"deep": [1, None]}


@pytest.mark.parametrize("name", [name for name in _FRAMES if _inside(name)])
def test_fields_nobody_knows_survive_in_every_body(name: str) -> None:
    frame, inside = json.loads(golden(name)), _inside(name)
    frame[inside]["x-new"] = "kept"

    written = json.loads(encode(decode(json.dumps(frame))))

    assert written[inside]["x-new"] == "kept"


@given(text=st.text(max_size=60) | JSON.map(json.dumps))
def test_any_text_is_a_message_or_a_protocol_error(text: str) -> None:
    try:
        message = decode(text)
    except GuestProtocolError:
        return

    assert decode(encode(message)) == message


@given(data=st.data(), junk=JSON)
def test_a_frame_with_one_value_replaced_is_a_message_or_a_protocol_error(
    data: st.DataObject, junk: object
) -> None:
    tree = json.loads(golden(data.draw(st.sampled_from(_FRAMES))))
    *way, last = data.draw(st.sampled_from(_places(tree)))
    node = tree
    for step in way:
        node = node[step]
    node[last] = junk

    try:
        message = decode(json.dumps(tree))
    except GuestProtocolError:
        return

    assert decode(encode(message)) == message


def _places(tree: object, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(tree, dict):
        steps: list[tuple[Any, object]] = list(tree.items())
    elif isinstance(tree, list):
        steps = list(enumerate(tree))
    else:
        return [way]
    return [*([way] if way else []), *(p for k, v in steps for p in _places(v, (*way, k)))]


@pytest.mark.parametrize(
    ("frame", "path", "problem"),
    [
        ({}, "class", "is missing"),
        ({"type": "message", "body": {}}, "class", "is missing"),
        ({"class": None, "action": None, "code": None}, "class", "is missing"),
        ({"class": 7}, "class", "must be a string, not a number"),
        ({"action": {}}, "action", "must be a string, not an object"),
        ({"action": "getJwt"}, "token", "is missing"),
        ({"action": "getJwt", "token": None}, "token", "is missing"),
        ({"class": "JwtResponse"}, "body.jwt", "is missing"),
        ({"class": "JwtResponse", "body": "no"}, "body", "must be an object, not a string"),
        ({"class": "JwtResponse", "type": 1}, "type", "must be a string, not a number"),
        (
            {"class": "LogoutEvent", "code": True},
            "code",
            "must be a number or a string, not a boolean",
        ),
        (
            {"class": "LogoutEvent", "code": 4.5},
            "code",
            "must be a whole number of at most 18 digits",
        ),
        ({"class": "string", "body": [1]}, "body", "must be an object, not a list"),
        ({"class": "StructuredMessage"}, "body", "must be an object, not null"),
        (
            {"class": "StructuredMessage", "body": {"channel": {"time": 1}}},
            "body.channel.time",
            "must be a string, not a number",
        ),
        (
            {"class": "StructuredMessage", "body": {"channel": {"from": {"nickname": False}}}},
            "body.channel.from.nickname",
            "must be a string, not a boolean",
        ),
        (
            {"class": "StructuredMessage", "body": {"events": {}}},
            "body.events",
            "must be a list, not an object",
        ),
        (
            {"class": "ConnectionClosedEvent", "body": {"reasonCode": 1}},
            "body.reasonCode",
            "must be a string, not a number",
        ),
        (
            {"action": "closeSession", "token": "t", "closeAllConnections": "yes"},
            "closeAllConnections",
            "must be a boolean, not a string",
        ),
    ],
)
def test_what_cannot_be_a_frame_is_refused_with_place_and_problem(
    frame: object, path: str, problem: str
) -> None:
    with pytest.raises(GuestProtocolError) as refusal:
        decode(json.dumps(frame))

    assert (refusal.value.path, refusal.value.problem) == (path, problem)


@pytest.mark.parametrize("text", ['{"class":"pssst"', '{"class":"string","body":["pssst"]}'])
def test_a_refusal_carries_nothing_of_the_frame(text: str) -> None:
    with pytest.raises(GuestProtocolError) as refusal:
        decode(text)

    error = refusal.value
    assert "pssst" not in f"{error!r} {error} {error.__cause__!r} {error.__context__!r}"
    assert error.__context__ is None


def test_a_bare_code_is_an_error_frame_and_stays_bare() -> None:
    frame = decode('{"code":"session_not_found","requestId":"r-1"}')

    assert frame == messages.ErrorFrame(
        raw_class=None, code="session_not_found", extras={"requestId": "r-1"}
    )
    assert "class" not in json.loads(encode(frame))


@pytest.mark.parametrize("code", [4007, "4006", "session_not_found"])
def test_a_code_stays_as_it_was_spelled(code: int | str) -> None:
    frame = decode(json.dumps({"class": "string", "code": code, "body": "gone"}))

    assert isinstance(frame, messages.ErrorFrame)
    assert frame.code == code
    assert json.loads(encode(frame))["code"] == code


def test_a_frame_with_class_and_action_is_the_servers() -> None:
    frame = decode('{"class":"LogoutEvent","action":"echo"}')

    assert frame == messages.LogoutEvent(extras={"action": "echo"})


def test_a_request_is_written_as_the_service_expects_it() -> None:
    request = requests.ConfigureSession(token="t-1", deployment_id="d-1", tracing_id="x-1")

    assert json.loads(encode(request)) == {
        "action": "configureSession",
        "token": "t-1",
        "deploymentId": "d-1",
        "startNew": False,
        "tracingId": "x-1",
    }


@given(message=ANY_MESSAGE)
def test_equal_messages_have_equal_hashes(message: messages.Message) -> None:
    assert hash(decode(encode(message))) == hash(message)


@given(secret=TEXT.map(lambda text: f"s3cr3t-{text}"))
def test_no_repr_shows_a_secret(secret: str) -> None:
    holders: list[object] = [
        requests.GetJwt(token=secret),
        requests.ConfigureSession(token=secret, deployment_id="d", resume_token=secret),
        requests.AuthData(code=secret),
        requests.UnknownRequest(action="a", raw={"token": secret}),
        messages.JwtResponse(jwt=secret),
        messages.ResumeTokenResponse(resume_token=secret),
        messages.PresignedUrlResponse(attachment_id="a", url=secret, headers={"h": secret}),
        messages.Unknown(raw_class="c", body=secret, extras={"jwt": secret}),
    ]

    assert "s3cr3t" not in repr(holders)


def test_history_uses_the_parser_of_chat() -> None:
    page = decode_history(golden("history_page"))

    assert [entity.direction for entity in page.entities] == ["Outbound", "Inbound", "Inbound"]
    assert (page.page_size, page.page_number, page.total, page.page_count) == (25, 1, 3, 1)
    assert page.entities[0].id == OUTBOUND
    assert page.entities[2].sent_at is None


def test_one_odd_item_does_not_cost_the_page_of_history() -> None:
    odd = {"id": "a", "text": "Pick", "content": [{"contentType": "QuickReply", "text": "Yes"}]}

    page = decode_history(json.dumps({"entities": [odd, {"id": "b", "text": "Well?"}]}))

    assert [(entity.id, entity.text) for entity in page.entities] == [("a", "Pick"), ("b", "Well?")]


def test_an_empty_history_is_a_page() -> None:
    assert decode_history(golden("history_empty")).entities == ()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[]", "$"),
        ('{"message":"no","code":"not.found","status":404}', "entities"),
        ('{"entities":[{},{"channel":{"time":1}}]}', "entities[1].channel.time"),
    ],
)
def test_what_is_no_history_is_refused(text: str, path: str) -> None:
    with pytest.raises(GuestProtocolError) as refusal:
        decode_history(text)

    assert refusal.value.path == path


def test_the_deployment_configuration_is_read() -> None:
    assert decode_deployment_config(golden("deployment_config")) == DeploymentConfig(
        status="Active",
        version="3",
        messaging_endpoint="wss://webmessaging.example.test",
        auto_start=True,
        conversation_disconnect_enabled=True,
        conversation_disconnect_type="ReadOnly",
        conversation_clear=False,
        show_agent_typing_indicator=True,
        show_user_typing_indicator=False,
        session_duration_seconds=259200,
    )
