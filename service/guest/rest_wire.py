"""Reading tables of the HTTP documents. They are only read, never written."""

from typing import Any, Final

from service.guest.body_wire import BODY
from service.guest.rest import (
    AllowedDomains,
    DeploymentConfig,
    HistoryPage,
    MessengerSettings,
    UploadMode,
)
from service.guest.scalars import BOOLEAN, INTEGER, STRING
from service.guest.shapes import Field, Shape, many, may, need, nested, object_at, step

HISTORY: Final = Shape(
    build=HistoryPage,
    fields=(
        # Without it the document is no page: an empty history must never be guessed.
        need("entities", many(nested(BODY))),
        may("page_size", INTEGER),
        may("page_number", INTEGER),
        may("total", INTEGER),
        may("page_count", INTEGER),
    ),
)

_APP: Final = "messenger.apps.conversations"
_DISCONNECT: Final = f"{_APP}.conversationDisconnect"

# attribute, where it stands in config.json, and its kind
_SETTINGS: Final[tuple[Field, ...]] = (
    may("status", STRING),
    may("version", STRING),
    may("messaging_endpoint", STRING, wire=f"{_APP}.messagingEndpoint"),
    may("auto_start", BOOLEAN, wire=f"{_APP}.autoStart.enabled"),
    may("conversation_disconnect_enabled", BOOLEAN, wire=f"{_DISCONNECT}.enabled"),
    may("conversation_disconnect_type", STRING, wire=f"{_DISCONNECT}.type"),
    may("conversation_clear", BOOLEAN, wire=f"{_APP}.conversationClear.enabled"),
    may("show_agent_typing_indicator", BOOLEAN, wire=f"{_APP}.showAgentTypingIndicator"),
    may("show_user_typing_indicator", BOOLEAN, wire=f"{_APP}.showUserTypingIndicator"),
    may("session_duration_seconds", INTEGER, wire=f"{_APP}.sessionDurationSeconds"),
)

_UPLOAD_MODE: Final = Shape(
    build=UploadMode,
    fields=(
        may("file_types", many(STRING)),
        may("max_file_size_kb", INTEGER, wire="maxFileSizeKB"),
    ),
)
# Apart from those above: a broken one of these must not cost the broker what it goes by.
_MORE_SETTINGS: Final[tuple[Field, ...]] = (
    may("languages", many(STRING)),
    may("default_language", STRING),
    may("conversations", BOOLEAN, wire=f"{_APP}.enabled"),
    may("authentication", BOOLEAN, wire="auth.enabled"),
    may("step_up", BOOLEAN, wire="auth.allowSessionUpgrade"),
    may("headless", BOOLEAN, wire="headlessMode.enabled"),
    may("attachments", BOOLEAN, wire="messenger.fileUpload.enableAttachments"),
    may("upload_modes", many(nested(_UPLOAD_MODE)), wire="messenger.fileUpload.modes"),
)
DOMAINS: Final = Shape(
    build=AllowedDomains,
    fields=(
        need("allow_all", BOOLEAN, wire="allowAllDomains"),
        may("domains", many(STRING), wire="allowedDomains"),
    ),
)


def read_deployment_config(document: dict[str, object]) -> DeploymentConfig:
    """Pick the known settings out of config.json. Raises: GuestProtocolError."""
    found: dict[str, Any] = {row.attr: _setting(document, row) for row in _SETTINGS}
    return DeploymentConfig(**found)


def read_messenger_settings(document: dict[str, object]) -> MessengerSettings:
    """Pick what people ask about out of config.json. Raises: GuestProtocolError."""
    found: dict[str, Any] = {
        row.attr: value for row in _MORE_SETTINGS if (value := _setting(document, row)) is not None
    }
    return MessengerSettings(**found)


def _setting(document: dict[str, object], row: Field) -> object:
    node: object = document
    path = ""
    for name in row.wire.split("."):
        node = object_at(node, path).get(name)
        path = step(path, name)
        if node is None:
            return None
    return row.kind.read(node, path)
