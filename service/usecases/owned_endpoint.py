"""A tenant's endpoint by its id."""

from typing import Final

from service.domain.endpoint import Endpoint
from service.domain.errors import NotFoundError
from service.domain.ids import EndpointId, TenantName
from service.ports import TenantStore

ID_LENGTH_MAX: Final = 64


async def owned_endpoint(
    tenants: TenantStore, tenant: TenantName, endpoint_id: EndpointId
) -> Endpoint:
    """The endpoint, if it is this tenant's. Raises NotFoundError, also for another's."""
    check_endpoint_id(endpoint_id)
    endpoint = await tenants.endpoint(endpoint_id)
    if endpoint.tenant != tenant:
        raise NotFoundError(kind="webhook", name=endpoint_id)
    return endpoint


def check_endpoint_id(endpoint_id: EndpointId) -> None:
    """Whether it could be an id at all. Raises NotFoundError."""
    if len(endpoint_id) > ID_LENGTH_MAX or not endpoint_id.isprintable() or "#" in endpoint_id:
        raise NotFoundError(kind="webhook", name=endpoint_id[:ID_LENGTH_MAX])
