"""Wire tables of the server's frames: the envelope, and the body of each class. Names only."""

from collections.abc import Mapping
from typing import Any, Final

from service.guest import messages as server
from service.guest.scalars import BOOLEAN, CODE, INTEGER, MAP, NUMBER, STRING
from service.guest.shapes import Field, Kind, Shape, many, may, need, nested

# Held by every frame, whatever its class: read as keyword arguments for that class.
ENVELOPE: Final = Shape(
    build=dict[str, object],
    fields=(
        may("type", Kind(read=STRING.read, empty="")),
        may("code", CODE),
        may("tracing_id", STRING),
    ),
)

ERROR_CLASSES: Final = frozenset({"string", "Error", "ErrorMessage"})

_FILE_TYPE: Final = Shape(build=server.FileType, fields=(may("type", STRING),))
_MEDIA_RULES: Final = Shape(
    build=server.MediaRules,
    fields=(
        may("file_types", many(nested(_FILE_TYPE))),
        may("max_file_size_kb", INTEGER, wire="maxFileSizeKB"),
    ),
)
_ALLOWED_MEDIA: Final = Shape(
    build=server.AllowedMedia,
    fields=(may("inbound", nested(_MEDIA_RULES)),),
)
_MEDIA_LIMITS: Final = (
    may("allowed_media", nested(_ALLOWED_MEDIA)),
    may("blocked_extensions", many(STRING)),
    may("max_custom_data_bytes", INTEGER),
)
_ATTACHMENT_ID: Final = need("attachment_id", STRING)
_ERROR: Final = (may("error_code", CODE), may("error_message", STRING))
_NAMED_ERROR: Final = (*_ERROR, may("name", STRING), may("message", STRING))


def _body(build: type[Any], *fields: Field) -> Shape[Any]:
    return Shape(build=build, fields=fields, rest="body_extras")


ERROR_BODY: Final = _body(server.ErrorFrame, *_NAMED_ERROR)

CLASSES: Final[Mapping[str, Shape[Any]]] = {
    "SessionResponse": _body(
        server.SessionResponse,
        need("connected", BOOLEAN),
        may("new_session", BOOLEAN),
        may("read_only", BOOLEAN),
        may("cleared_existing_session", BOOLEAN),
        may("auto_started", BOOLEAN),
        *_MEDIA_LIMITS,
        may("duration_seconds", INTEGER),
        may("expiration_date", INTEGER),
    ),
    "PresignedUrlResponse": _body(
        server.PresignedUrlResponse,
        _ATTACHMENT_ID,
        need("url", STRING),
        may("headers", MAP),
        may("file_name", STRING),
        may("file_size", INTEGER),
        may("file_type", STRING),
    ),
    "AttachmentDeletedResponse": _body(server.AttachmentDeletedResponse, _ATTACHMENT_ID),
    "UploadFailureEvent": _body(
        server.UploadFailureEvent, _ATTACHMENT_ID, *_ERROR, may("timestamp", STRING)
    ),
    "UploadSuccessEvent": _body(
        server.UploadSuccessEvent,
        _ATTACHMENT_ID,
        may("download_url", STRING),
        may("timestamp", STRING),
    ),
    # The schema says reasonCode, the official mobile client reads reason.
    "ConnectionClosedEvent": _body(
        server.ConnectionClosedEvent, may("reason", STRING, alias="reasonCode")
    ),
    "LogoutEvent": _body(server.LogoutEvent),
    "SessionExpiredEvent": _body(server.SessionExpiredEvent),
    "SessionClearedEvent": _body(server.SessionClearedEvent),
    "JwtResponse": _body(server.JwtResponse, need("jwt", STRING), may("exp", INTEGER)),
    "GetConfigurationResponse": _body(
        server.GetConfigurationResponse,
        *_MEDIA_LIMITS,
        may("message_routing_enabled", BOOLEAN),
        may("session_duration_seconds", INTEGER),
    ),
    "GenerateUrlError": _body(
        server.GenerateUrlError,
        may("attachment_id", STRING),
        *_NAMED_ERROR,
        may("timestamp", STRING),
    ),
    "TooManyRequestsErrorMessage": _body(
        server.TooManyRequests, may("retry_after", NUMBER), *_NAMED_ERROR
    ),
    "ResumeTokenResponse": _body(
        server.ResumeTokenResponse, need("resume_token", STRING), may("exp", INTEGER)
    ),
}

CLASS_OF: Final[Mapping[object, str]] = {shape.build: name for name, shape in CLASSES.items()}
