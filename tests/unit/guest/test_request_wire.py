"""Golden requests: each sample frame decodes to the value beside it."""

from typing import Final

import pytest

from service.guest import requests as guest
from service.guest.body import Channel, ChannelMetadata, OutgoingMessage
from service.guest.chat_events import Presence
from service.guest.codec import decode
from service.guest.content import Attachment, ButtonResponse
from service.guest.request_wire import ACTIONS
from tests.unit.guest.golden_frames import (
    ATTACHMENT,
    DEPLOYMENT,
    HEALTH_CHECK,
    OUTBOUND,
    TOKEN,
    golden,
    trace,
)


def _attributes(**given: str) -> Channel:
    return Channel(metadata=ChannelMetadata(custom_attributes=given))


EXPECTED: Final[dict[str, guest.Request]] = {
    "configure_session": guest.ConfigureSession(
        token=TOKEN,
        deployment_id=DEPLOYMENT,
        journey_context={
            "customer": {"id": TOKEN, "idType": "cookie"},
            "customerSession": {"id": "", "type": "web"},
        },
        tracing_id=trace(1),
    ),
    "configure_authenticated_session": guest.ConfigureAuthenticatedSession(
        token=TOKEN,
        deployment_id=DEPLOYMENT,
        start_new=True,
        data=guest.AuthData(code="aaa.bbb.ccc"),
        tracing_id=trace(1),
    ),
    "on_message_text": guest.OnMessage(
        token=TOKEN,
        tracing_id=trace(2),
        message=OutgoingMessage(
            type="Text",
            text="My bicycle squeaks",
            content=(Attachment(id=ATTACHMENT),),
            channel=_attributes(frame="K-77", colour="green"),
            metadata={"id": "m-17"},
        ),
    ),
    "on_message_structured": guest.OnMessage(
        token=TOKEN,
        tracing_id=trace(2),
        message=OutgoingMessage(
            type="Structured",
            text="Repair",
            content=(
                ButtonResponse(
                    type="QuickReply",
                    text="Repair",
                    payload="menu.repair",
                    originating_message_id=OUTBOUND,
                ),
            ),
        ),
    ),
    "on_message_event": guest.OnMessage(
        token=TOKEN,
        tracing_id=trace(2),
        message=OutgoingMessage(type="Event", events=(Presence(type="Join"),)),
    ),
    "on_message_older_places": guest.OnMessage(
        token=TOKEN,
        time="2032-02-03T04:05:06.007Z",
        message=OutgoingMessage(text="Two wheels"),
        channel=_attributes(frame="K-78"),
        attachment_ids=(ATTACHMENT,),
    ),
    "echo": guest.Echo(
        token=TOKEN,
        tracing_id=HEALTH_CHECK,
        message=OutgoingMessage(type="Text", text="ping"),
    ),
    "get_jwt": guest.GetJwt(token=TOKEN, tracing_id=trace(3)),
    "get_configuration": guest.GetConfiguration(token=TOKEN, deployment_id=DEPLOYMENT),
    "on_attachment": guest.OnAttachment(
        token=TOKEN,
        tracing_id=trace(4),
        attachment_id=ATTACHMENT,
        file_name="saddle.png",
        file_type="image/png",
        file_size=20480,
        errors_as_json=True,
    ),
    "get_attachment": guest.GetAttachment(token=TOKEN, attachment_id=ATTACHMENT),
    "delete_attachment": guest.DeleteAttachment(token=TOKEN, attachment_id=ATTACHMENT),
    "close_session": guest.CloseSession(
        token=TOKEN, tracing_id=trace(5), close_all_connections=True
    ),
    "disconnect_customer": guest.DisconnectCustomer(token=TOKEN),
    "resume_token": guest.ResumeToken(token=TOKEN),
    "unknown_action": guest.UnknownRequest(action="waveHand", raw={"token": TOKEN, "hand": "left"}),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_golden_request_decodes_to_its_value(name: str) -> None:
    assert decode(golden(name)) == EXPECTED[name]


def test_every_action_has_a_golden_request() -> None:
    covered = {type(request) for request in EXPECTED.values()}

    assert {shape.build for shape in ACTIONS.values()} <= covered
