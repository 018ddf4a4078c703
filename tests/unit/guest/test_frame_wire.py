"""Golden server frames: each sample decodes to the value beside it. Chat: see test_body_wire."""

from typing import Final

import pytest

from service.guest import messages as server
from service.guest.codec import decode
from service.guest.frame_wire import CLASSES, ERROR_CLASSES
from tests.unit.guest.golden_frames import ATTACHMENT, golden, trace

_MEDIA: Final = server.AllowedMedia(
    inbound=server.MediaRules(
        file_types=(server.FileType(type="image/png"), server.FileType(type="*/*")),
        max_file_size_kb=8192,
    )
)
_AT: Final = "2032-02-03T04:06:00.000Z"

EXPECTED: Final[dict[str, server.ServerFrame]] = {
    "session_response": server.SessionResponse(
        type="response",
        code=200,
        tracing_id=trace(1),
        connected=True,
        read_only=True,
        allowed_media=_MEDIA,
        blocked_extensions=(".exe", ".ps1"),
        max_custom_data_bytes=2048,
        duration_seconds=259200,
        expiration_date=1961798400,
    ),
    "session_response_minimal": server.SessionResponse(
        type="response", code=200, connected=True, new_session=True
    ),
    "presigned_url_upload": server.PresignedUrlResponse(
        type="response",
        code=200,
        tracing_id=trace(4),
        attachment_id=ATTACHMENT,
        url="https://uploads.example.test/put/1?sig=abc",
        headers={"x-amz-tagging": "organizationId=o-1&role=guest"},
    ),
    "presigned_url_download": server.PresignedUrlResponse(
        type="response",
        code=200,
        tracing_id=trace(4),
        attachment_id=ATTACHMENT,
        url="https://files.example.test/d/2",
        file_name="saddle.png",
        file_size=20480,
        file_type="image/png",
    ),
    "attachment_deleted": server.AttachmentDeletedResponse(
        type="message", code=200, attachment_id=ATTACHMENT
    ),
    "upload_failure": server.UploadFailureEvent(
        type="message",
        code=200,
        attachment_id=ATTACHMENT,
        error_code=4001,
        error_message="Not a picture",
        timestamp=_AT,
    ),
    "upload_success": server.UploadSuccessEvent(
        type="message",
        code=200,
        attachment_id=ATTACHMENT,
        download_url="https://files.example.test/d/3",
        timestamp=_AT,
    ),
    "connection_closed": server.ConnectionClosedEvent(type="message", code=200),
    "connection_closed_reason": server.ConnectionClosedEvent(
        type="message", code=200, reason="signedIn"
    ),
    "connection_closed_reason_code": server.ConnectionClosedEvent(
        type="message", code=200, reason="signedIn"
    ),
    "logout": server.LogoutEvent(type="message", code=200),
    "session_expired": server.SessionExpiredEvent(type="message", code=200),
    "session_cleared": server.SessionClearedEvent(type="message", code=200),
    "jwt_response": server.JwtResponse(
        type="response", code=200, tracing_id=trace(3), jwt="ddd.eee.fff", exp=1961798460
    ),
    "configuration_response": server.GetConfigurationResponse(
        type="response",
        code=200,
        tracing_id=trace(1),
        allowed_media=_MEDIA,
        blocked_extensions=(".exe",),
        max_custom_data_bytes=2048,
        message_routing_enabled=True,
        session_duration_seconds=259200,
    ),
    "generate_url_error": server.GenerateUrlError(
        type="response",
        code=200,
        tracing_id=trace(4),
        attachment_id=ATTACHMENT,
        error_code=4004,
        error_message="No extension",
        timestamp=_AT,
        name="GenerateUrlError",
        message="refused",
    ),
    "too_many_requests": server.TooManyRequests(
        type="response",
        code=429,
        tracing_id=trace(2),
        retry_after=3,
        error_code=4029,
        error_message="Too fast",
    ),
    "resume_token_response": server.ResumeTokenResponse(
        type="response", code=200, tracing_id=trace(1), resume_token="handle-1", exp=1961798460
    ),
    "error_string": server.ErrorFrame(
        type="response",
        code=409,
        tracing_id=trace(2),
        raw_class="string",
        text="Session is read-only, no new messages allowed",
    ),
    "error_object": server.ErrorFrame(
        type="response",
        code=500,
        tracing_id=trace(1),
        raw_class="Error",
        name="Oops",
        message="broken",
        error_code=5000,
        error_message="Request failed.",
        body_extras={"stack": "nowhere"},
    ),
    "error_message": server.ErrorFrame(
        type="response",
        code=404,
        tracing_id=trace(1),
        raw_class="ErrorMessage",
        name="Oops",
        message="absent",
        error_code=4007,
        error_message="No session",
    ),
    "error_bare_code": server.ErrorFrame(raw_class=None, code="session_not_found"),
    "unknown_class": server.Unknown(
        type="message",
        code=200,
        raw_class="Fireworks",
        body={"colour": "green"},
        extras={"smoke": True},
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_golden_frame_decodes_to_its_value(name: str) -> None:
    assert decode(golden(name)) == EXPECTED[name]


def test_every_class_has_a_golden_frame() -> None:
    covered = {type(frame) for frame in EXPECTED.values()}

    assert {shape.build for shape in CLASSES.values()} <= covered


def test_every_error_class_has_a_golden_frame() -> None:
    covered = {
        frame.raw_class for frame in EXPECTED.values() if isinstance(frame, server.ErrorFrame)
    }

    assert covered == {*ERROR_CLASSES, None}
