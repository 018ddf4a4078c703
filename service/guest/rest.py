"""The two documents read over HTTP: a page of history, and the deployment's configuration.

Values only; fetching them is an adapter's work.
"""

from dataclasses import dataclass

from service.guest.body import StructuredBody
from service.guest.values import JsonObject, kept


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """One page, newest first as the service gives it. Page numbers start at 1."""

    entities: tuple[StructuredBody, ...]
    page_size: int | None = None
    page_number: int | None = None
    total: int | None = None
    page_count: int | None = None
    extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentConfig:
    """The public settings that change the protocol's behaviour; None where it does not say."""

    status: str | None = None
    version: str | None = None
    messaging_endpoint: str | None = None
    auto_start: bool | None = None
    conversation_disconnect_enabled: bool | None = None
    conversation_disconnect_type: str | None = None
    conversation_clear: bool | None = None
    show_agent_typing_indicator: bool | None = None
    show_user_typing_indicator: bool | None = None
    session_duration_seconds: int | None = None
