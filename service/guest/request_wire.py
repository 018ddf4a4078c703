"""Wire tables of the requests: which action has which fields. Names only, no rules."""

from collections.abc import Mapping
from typing import Any, Final

from service.guest import requests as guest
from service.guest.body_wire import CHANNEL, OUTGOING
from service.guest.scalars import BOOLEAN, INTEGER, OBJECT, STRING
from service.guest.shapes import Shape, many, may, need, nested

_TOKEN: Final = need("token", STRING)
_TRACING: Final = may("tracing_id", STRING)
_AUTH_DATA: Final = Shape(build=guest.AuthData, fields=(need("code", STRING),))
_CONFIGURE: Final = (
    _TOKEN,
    _TRACING,
    need("deployment_id", STRING),
    may("start_new", BOOLEAN),
    may("journey_context", OBJECT),
    may("resume_token", STRING),
)
_ONE_ATTACHMENT: Final = (_TOKEN, _TRACING, need("attachment_id", STRING))
_NAME_ONLY: Final = (may("token", STRING), _TRACING)

ACTIONS: Final[Mapping[str, Shape[Any]]] = {
    "configureSession": Shape(build=guest.ConfigureSession, fields=_CONFIGURE),
    "configureAuthenticatedSession": Shape(
        build=guest.ConfigureAuthenticatedSession,
        fields=(*_CONFIGURE, need("data", nested(_AUTH_DATA))),
    ),
    "onMessage": Shape(
        build=guest.OnMessage,
        fields=(
            _TOKEN,
            _TRACING,
            need("message", nested(OUTGOING)),
            may("time", STRING),
            may("channel", nested(CHANNEL)),
            may("attachment_ids", many(STRING)),
        ),
    ),
    "echo": Shape(
        build=guest.Echo,
        fields=(may("token", STRING), _TRACING, need("message", nested(OUTGOING))),
    ),
    "getJwt": Shape(build=guest.GetJwt, fields=(_TOKEN, _TRACING)),
    "getConfiguration": Shape(
        build=guest.GetConfiguration,
        fields=(_TOKEN, _TRACING, need("deployment_id", STRING)),
    ),
    "onAttachment": Shape(
        build=guest.OnAttachment,
        fields=(
            _TOKEN,
            _TRACING,
            may("attachment_id", STRING),
            need("file_name", STRING),
            need("file_type", STRING),
            need("file_size", INTEGER),
            may("file_md5", STRING),
            may("errors_as_json", BOOLEAN),
        ),
    ),
    "getAttachment": Shape(build=guest.GetAttachment, fields=_ONE_ATTACHMENT),
    "deleteAttachment": Shape(build=guest.DeleteAttachment, fields=_ONE_ATTACHMENT),
    "closeSession": Shape(
        build=guest.CloseSession,
        fields=(_TOKEN, _TRACING, need("close_all_connections", BOOLEAN)),
    ),
    "disconnectCustomer": Shape(build=guest.DisconnectCustomer, fields=_NAME_ONLY),
    "resumeToken": Shape(build=guest.ResumeToken, fields=_NAME_ONLY),
}

ACTION_OF: Final[Mapping[object, str]] = {shape.build: name for name, shape in ACTIONS.items()}
