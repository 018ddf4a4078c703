"""Close an endpoint because of what its receiver answered; the backlog is kept."""

import logging
from dataclasses import dataclass, replace

from service.domain.endpoint import Endpoint, EndpointState
from service.domain.errors import VersionConflictError
from service.ports import Clock, TenantStore
from service.usecases.tell_owner import TellOwner

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisableEndpoint:
    """The broker's verdict on an endpoint, unless somebody changed it meanwhile."""

    clock: Clock
    tenants: TenantStore
    tell_owner: TellOwner

    async def __call__(self, endpoint: Endpoint, reason: str) -> Endpoint:
        """The endpoint as it then is, as far as known; what was seen judges no changed one.

        Its owner hears of it. Raises NotFoundError.
        """
        current = await self.tenants.endpoint(endpoint.id)
        closed = replace(
            current,
            state=EndpointState.DISABLED,
            disabled_reason=reason,
            updated_at=self.clock.now(),
        )
        notice = self.tell_owner.disabled(closed)
        try:
            made = await self.tenants.put_endpoint(
                closed, expected_version=endpoint.version, idempotency=None, notice=notice
            )
        except VersionConflictError:
            return current
        _log.warning("endpoint.disabled", extra={"endpoint_id": endpoint.id, "reason": reason})
        await self.tell_owner.spread(notice)
        return made
