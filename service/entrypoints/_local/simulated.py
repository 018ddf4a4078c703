"""The Genesys simulator beside a local broker, and the deployment that points to it."""

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final

from service.config import LocalSettings
from service.domain.deployment import Deployment, PlatformCredentials
from service.domain.errors import ConfigurationError, NotFoundError
from service.domain.ids import DeploymentName, TenantName
from service.ports import Ports
from service.simulator.deployments import DEFAULT_DEPLOYMENT_ID
from service.simulator.server import SimulatorServer

NAME: Final = DeploymentName("simulator")
TENANT: Final = TenantName("default")
_PLATFORM: Final = PlatformCredentials(client_id="simulator", client_secret="simulator-secret")  # noqa: S106 - made up


async def start_simulator(settings: LocalSettings, ports: Ports, stack: AsyncExitStack) -> str:
    """Start it and make the deployment `simulator` point to it; its origin.

    Raises ConfigurationError when its port is taken.
    """
    server = SimulatorServer(port=settings.simulator_port)
    try:
        await server.start()
    except OSError as exc:
        fault = f"BROKER_SIMULATOR_PORT: port {settings.simulator_port} is taken"
        raise ConfigurationError(fault) from exc
    stack.push_async_callback(server.stop)
    await _point_to(server.origin, ports)
    return server.origin


async def _point_to(origin: str, ports: Ports) -> None:
    now = ports.clock.now()
    try:
        known = await ports.tenants.deployment(TENANT, NAME)
    except NotFoundError:
        fresh = Deployment(
            tenant=TENANT,
            name=NAME,
            deployment_id=DEFAULT_DEPLOYMENT_ID,
            endpoint=origin,
            platform=_PLATFORM,
            created_at=now,
            updated_at=now,
        )
        await ports.tenants.put_deployment(fresh, expected_version=None, idempotency=None)
        return
    # The port may be another one after a restart; what the user set on the deployment stays.
    moved = replace(known, endpoint=origin, updated_at=now)
    await ports.tenants.put_deployment(moved, expected_version=known.version, idempotency=None)
