"""Messenger deployments: their settings, who may connect, and what their public files say.

Values only. The world keeps a table of them and replaces a value to change it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from service.simulator.shapes import JsonObject

DEFAULT_DEPLOYMENT_ID: Final = "5151a7ed-0000-4000-8000-000000000001"


class Disconnect(StrEnum):
    """What the guest sees of an agent who ends the conversation."""

    OFF = "Off"
    SEND = "Send"
    READ_ONLY = "ReadOnly"


class Bot(StrEnum):
    """Who answers the guest by itself."""

    ECHO = "echo"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One Messenger deployment; `control.deployment(...)` adds one or changes it."""

    id: str = DEFAULT_DEPLOYMENT_ID
    active: bool = True
    allow_all_domains: bool = True
    allowed_domains: tuple[str, ...] = ()
    bot: Bot = Bot.ECHO
    auto_start: bool = False
    disconnect: Disconnect = Disconnect.READ_ONLY
    clear: bool = True
    user_typing: bool = True
    agent_typing: bool = True
    session_seconds: int = 259_200
    attachments: bool = True
    file_types: tuple[str, ...] = ("*/*",)
    max_file_kb: int = 10_240
    blocked_extensions: tuple[str, ...] = (".bat", ".exe", ".js", ".ps1")
    auth: bool = False
    step_up: bool = False
    messaging: bool = True
    languages: tuple[str, ...] = ("en-us",)
    files_status: int = 200
    """What the public files are answered with."""
    files_broken: bool = False
    """Whether the public files are not as documented."""


def origin_allowed(deployment: Deployment, origin: str | None, *, missing_allowed: bool) -> bool:
    """Tell whether a page of that origin may connect: host name only, exact or a subdomain.

    A bare host is read like a full origin, because official SDKs send both.
    """
    if deployment.allow_all_domains:
        return True
    if not origin:
        return missing_allowed
    host = _host(origin)
    return any(
        host == entry.lower() or host.endswith(f".{entry.lower()}")
        for entry in deployment.allowed_domains
    )


def _host(origin: str) -> str:
    try:
        return urlsplit(origin if "://" in origin else f"//{origin}").hostname or ""
    except ValueError:
        return ""


def domains_json(deployment: Deployment) -> JsonObject:
    """Build the public `domains.json`."""
    return {
        "allowAllDomains": deployment.allow_all_domains,
        "allowedDomains": list(deployment.allowed_domains),
    }


def config_json(deployment: Deployment, origin: str) -> JsonObject:
    """Build the public `config.json`, with this simulator as both endpoints."""
    return {
        "id": deployment.id,
        "version": "1",
        "languages": list(deployment.languages),
        "defaultLanguage": next(iter(deployment.languages), "en-us"),
        "apiEndpoint": origin,
        "status": "Active" if deployment.active else "Inactive",
        "auth": {"enabled": deployment.auth, "allowSessionUpgrade": deployment.step_up},
        "journeyEvents": {"enabled": False},
        "headlessMode": {"enabled": False},
        "messenger": {
            "enabled": True,
            "apps": {"conversations": _conversations_json(deployment, origin)},
            "styles": {"primaryColor": "#204080"},
            "launcherButton": {"visibility": "On"},
            "homeScreen": {"enabled": False},
            "fileUpload": _uploads_json(deployment),
        },
    }


def _conversations_json(deployment: Deployment, origin: str) -> JsonObject:
    disconnect: JsonObject = {"enabled": deployment.disconnect is not Disconnect.OFF}
    if deployment.disconnect is not Disconnect.OFF:
        disconnect["type"] = deployment.disconnect.value
    return {
        "enabled": deployment.messaging,
        "messagingEndpoint": origin.replace("http", "ws", 1),
        "showAgentTypingIndicator": deployment.agent_typing,
        "showUserTypingIndicator": deployment.user_typing,
        "autoStart": {"enabled": deployment.auto_start},
        "conversationDisconnect": disconnect,
        "conversationClear": {"enabled": deployment.clear},
        "notifications": {"enabled": False, "notificationContentType": "ExcludeMessagesContent"},
        "markdown": {"enabled": True},
        "humanize": {"enabled": False},
        "sessionDurationSeconds": deployment.session_seconds,
    }


def _uploads_json(deployment: Deployment) -> JsonObject:
    types = list(deployment.file_types)
    return {
        "enableAttachments": deployment.attachments,
        "modes": [{"fileTypes": types, "maxFileSizeKB": deployment.max_file_kb}],
    }


def allowed_media(deployment: Deployment) -> JsonObject:
    """Build the supported-content profile that `SessionResponse` carries."""
    types = [{"type": name} for name in deployment.file_types]
    return {"inbound": {"fileTypes": types, "maxFileSizeKB": deployment.max_file_kb}}
