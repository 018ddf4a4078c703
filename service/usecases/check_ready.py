"""Whether this process can serve: the table answers. Changes nothing."""

from dataclasses import dataclass

from service.ports.storage import TenantStore

NOBODY = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReady:
    """Reads one thing that is never there."""

    tenants: TenantStore

    async def __call__(self) -> None:
        """Raises UnavailableError when the table does not answer."""
        await self.tenants.key_by_digest(NOBODY)
