"""A Genesys Messenger deployment as a tenant configured it here, with its policies. Pure values."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote

from service.domain.ids import DeploymentName, TenantName

HISTORY_LAG_SECONDS: Final = 5.0
HEARTBEAT_SECONDS: Final = 15.0
PLATFORM_LOGIN: Final = "the platform's login"
"""What could not be read where the credentials themselves were not taken."""
TURN_QUIET_MS: Final = 1500


class Mode(StrEnum):
    """`live`: a listener holds the link. `touch`: visits at requests and at growing intervals."""

    LIVE = "live"
    TOUCH = "touch"


class OnSessionLost(StrEnum):
    """What to do when the client id is dead."""

    REPLACE = "replace"
    FAIL = "fail"


class OnReadOnly(StrEnum):
    """What a new message does when the contact centre has ended the chat."""

    START_NEW = "startNew"
    REFUSE = "refuse"


class CarryOver(StrEnum):
    """How the context of a replaced guest session reaches the agent."""

    ATTRIBUTES = "attributes"
    RECAP = "recap"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformCredentials:
    """OAuth client credentials for the Platform API (conversation ids). The secret never leaves."""

    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"PlatformCredentials(client_id={self.client_id!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One Messenger deployment and how the broker treats its sessions."""

    tenant: TenantName
    name: DeploymentName
    deployment_id: str
    domain: str | None = None
    endpoint: str | None = None
    origin: str | None = None
    mode: Mode = Mode.LIVE
    on_session_lost: OnSessionLost = OnSessionLost.REPLACE
    on_read_only: OnReadOnly = OnReadOnly.START_NEW
    carry_over: CarryOver = CarryOver.ATTRIBUTES
    auto_start: bool | None = None
    platform: PlatformCredentials | None = None
    organization_id: str | None = None
    locale: str | None = None
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    history_lag_seconds: float = HISTORY_LAG_SECONDS
    turn_quiet_ms: int = TURN_QUIET_MS
    allow_clear: bool | None = None
    """Whether Presence Clear is allowed, from the public configuration; None: unknown."""
    user_typing: bool | None = None
    """Whether a guest's typing is shown, likewise."""
    version: int = 0
    created_at: float = 0.0
    updated_at: float = 0.0

    def socket_url(self) -> str:
        """The Guest API's WebSocket address (wss://webmessaging.{domain}/v1?deploymentId=…)."""
        return f"{self._socket_base()}/v1?deploymentId={quote(self.deployment_id, safe='')}"

    def rest_base(self) -> str:
        """Where history and the Platform API answer."""
        return self.endpoint.rstrip("/") if self.endpoint else f"https://api.{self.domain}"

    def config_base(self) -> str:
        """Where the public deployment configuration lies."""
        return self.endpoint.rstrip("/") if self.endpoint else f"https://api-cdn.{self.domain}"

    def login_base(self) -> str:
        """Where OAuth client credentials are exchanged."""
        return self.endpoint.rstrip("/") if self.endpoint else f"https://login.{self.domain}"

    def _socket_base(self) -> str:
        if self.endpoint is None:
            return f"wss://webmessaging.{self.domain}"
        scheme, _, rest = self.endpoint.rstrip("/").partition("://")
        return f"{'wss' if scheme == 'https' else 'ws'}://{rest}"
