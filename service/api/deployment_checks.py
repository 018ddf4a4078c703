"""Routes: what is known about a deployment from outside."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.api.check_shapes import CheckOut, DriftPageOut
from service.api.door import call_of, guarded, respond
from service.api.parameters import LIMIT, Cursor, Limit
from service.api.shapes import errors_of
from service.domain.access import Scope
from service.domain.ids import DeploymentName
from service.usecases.broker import Broker

WithSession = Annotated[
    bool, Query(alias="session", description="Open one test session, look at it, and close it.")
]


def deployment_checks_router(broker: Broker) -> APIRouter:
    """The routes, over the use cases."""
    route_class = guarded(broker, read=Scope.DEPLOYMENTS, write=Scope.DEPLOYMENTS)
    router = APIRouter(prefix="/v1/deployments", tags=["deployments"], route_class=route_class)

    @router.get(
        "/{name}/check",
        response_model=None,
        responses={200: {"model": CheckOut}, **errors_of(404, 422)},
        summary="Ask the doctor of a deployment",
    )
    async def check_deployment(
        request: Request, name: str, *, with_session: WithSession = False
    ) -> Response:
        """Reads what Genesys publishes of the deployment and explains it; takes up to 20 s.

        What cannot be read is a finding. With `session=true` one connection is opened too.
        """
        key = call_of(request).key
        return await respond(
            broker.check_deployment(key, DeploymentName(name), session=with_session)
        )

    @router.get(
        "/{name}/drift",
        response_model=None,
        responses={200: {"model": DriftPageOut}, **errors_of(404, 422)},
        summary="List what the broker does not know of a deployment's frames",
    )
    async def list_drift(
        request: Request, name: str, cursor: Cursor = None, limit: Limit = LIMIT
    ) -> Response:
        """Unknown classes, codes, fields and content types. Written down about once a minute."""
        key = call_of(request).key
        return await respond(
            broker.read_drift(key, DeploymentName(name), cursor=cursor, limit=limit)
        )

    return router
