"""The documents read over HTTP: a page of history, and the deployment's public files.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadMode:
    """What may be uploaded where no supported-content profile decides."""

    file_types: tuple[str, ...] = ()
    max_file_size_kb: int | None = None
    extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessengerSettings:
    """What else the configuration says, for people who wonder; None where it does not say."""

    languages: tuple[str, ...] = ()
    default_language: str | None = None
    conversations: bool | None = None
    authentication: bool | None = None
    step_up: bool | None = None
    headless: bool | None = None
    attachments: bool | None = None
    """Whether a supported-content profile decides; None: the modes do."""
    upload_modes: tuple[UploadMode, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedDomains:
    """The public `domains.json`: from where browsers may use the deployment."""

    allow_all: bool = False
    domains: tuple[str, ...] = ()
    extras: JsonObject = kept()
