"""What every decision needs besides the session: its deployment, and fresh ids."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from service.domain.carry_over import RECAP_LINES, recap_of
from service.domain.deployment import Deployment
from service.domain.errors import GuestProtocolError, PlatformUnavailableError
from service.domain.given import Fresh, SendIds
from service.domain.ids import MESSAGE, ClientId, DeploymentName, MessageId, SessionId, TenantName
from service.domain.transcript import fold
from service.guest.codec import decode_deployment_config
from service.ports import Ports

FRESH_SECONDS: Final = 300.0
"""How long what the public configuration says is believed; Genesys serves it through a CDN itself.
"""
RETRY_SECONDS: Final = 15.0
"""How long a configuration that could not be read is left alone."""
_RECAP_EVENTS: Final = 5 * RECAP_LINES


@dataclass(slots=True)
class _Known:
    deployment: Deployment
    until: float


@dataclass(frozen=True, slots=True)
class Facts:
    """Reads deployments (with their public configuration, remembered for minutes) and makes ids."""

    ports: Ports
    _known: dict[tuple[TenantName, DeploymentName], _Known] = field(default_factory=dict)

    async def deployment(self, tenant: TenantName, name: DeploymentName) -> Deployment:
        """The deployment as it is now, its unset policies filled from the public configuration.

        Raises NotFoundError.
        """
        stored = await self.ports.tenants.deployment(tenant, name)
        key = (stored.tenant, stored.name)
        known = self._known.get(key)
        if known is None or not self._holds(known, stored):
            known = await self._read(stored)
            self._known[key] = known
        return known.deployment

    async def recap(self, session_id: SessionId, last_sequence: int) -> str:
        """The last lines of the talk so far."""
        after = max(0, last_sequence - _RECAP_EVENTS)
        page = await self.ports.sessions.read_log(session_id, after=after, limit=_RECAP_EVENTS)
        messages: list[Mapping[str, Any]] = fold(page.events)
        return recap_of(messages)

    def fresh(self) -> Fresh:
        """Ids for one decision."""
        return Fresh(
            client_id=ClientId(self.ports.ids.uuid()), join=self.send_ids(), recap=self.send_ids()
        )

    def send_ids(self) -> SendIds:
        """The three names of one new send."""
        ids = self.ports.ids
        return SendIds(
            message_id=MessageId(ids.ulid(MESSAGE)), tracing_id=ids.uuid(), metadata_id=ids.uuid()
        )

    def _holds(self, known: _Known, stored: Deployment) -> bool:
        same = known.deployment.version == stored.version
        return same and self.ports.clock.now() < known.until

    async def _read(self, stored: Deployment) -> _Known:
        now = self.ports.clock.now()
        try:
            config = decode_deployment_config(await self.ports.guest_rest.configuration(stored))
        except (PlatformUnavailableError, GuestProtocolError):
            # Without it the broker still works: no Join, and Clear is tried rather than known.
            return _Known(stored, now + RETRY_SECONDS)
        auto_start = config.auto_start if stored.auto_start is None else stored.auto_start
        filled = replace(
            stored,
            auto_start=auto_start,
            allow_clear=config.conversation_clear,
            user_typing=config.show_user_typing_indicator,
        )
        return _Known(filled, now + FRESH_SECONDS)
