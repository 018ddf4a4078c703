"""Reading tables of the HTTP documents. They are only read, never written."""

from typing import Any, Final

from service.guest.body_wire import BODY
from service.guest.rest import DeploymentConfig, HistoryPage
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


def read_deployment_config(document: dict[str, object]) -> DeploymentConfig:
    """Pick the known settings out of config.json. Raises: GuestProtocolError."""
    found: dict[str, Any] = {row.attr: _setting(document, row) for row in _SETTINGS}
    return DeploymentConfig(**found)


def _setting(document: dict[str, object], row: Field) -> object:
    node: object = document
    path = ""
    for name in row.wire.split("."):
        node = object_at(node, path).get(name)
        path = step(path, name)
        if node is None:
            return None
    return row.kind.read(node, path)
