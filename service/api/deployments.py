"""Routes: the tenant's Genesys deployments."""

from fastapi import APIRouter, Request, Response

from service.api.door import call_of, guarded, respond
from service.api.parameters import LIMIT, Cursor, Limit
from service.api.requests import ChangeDeploymentBody, CreateDeploymentBody, Nothing
from service.api.shapes import DeploymentOut, DeploymentPageOut, errors_of, write_errors_of
from service.domain.access import Scope
from service.domain.ids import DeploymentName
from service.usecases.broker import Broker


def deployments_router(broker: Broker) -> APIRouter:
    """The routes of deployments, over the use case."""
    route_class = guarded(broker, read=Scope.DEPLOYMENTS, write=Scope.DEPLOYMENTS)
    router = APIRouter(prefix="/v1/deployments", tags=["deployments"], route_class=route_class)
    _add_create(router, broker)
    _add_change(router, broker)
    _add_delete(router, broker)
    _add_reads(router, broker)
    return router


def _add_create(router: APIRouter, broker: Broker) -> None:
    manage = broker.deployments

    @router.post(
        "",
        status_code=201,
        response_model=None,
        responses={201: {"model": DeploymentOut}, **write_errors_of(404)},
        summary="Create a deployment",
    )
    async def create_deployment(request: Request, body: CreateDeploymentBody) -> Response:
        """Name a Messenger deployment and say how to treat its sessions."""
        call = call_of(request)
        return await respond(
            broker.once(
                call.ticket,
                act=lambda: manage.create(call.key, body.given(), ticket=call.ticket),
                replay=lambda record: manage.replay(call.key, record),
            )
        )


def _add_change(router: APIRouter, broker: Broker) -> None:
    manage = broker.deployments

    @router.patch(
        "/{name}",
        response_model=None,
        responses={200: {"model": DeploymentOut}, **write_errors_of(404)},
        summary="Change a deployment",
    )
    async def change_deployment(
        request: Request, name: str, body: ChangeDeploymentBody
    ) -> Response:
        """What is not named stays. Where it leads cannot change while sessions of it are open."""
        call = call_of(request)
        return await respond(
            broker.once(
                call.ticket,
                act=lambda: manage.change(
                    call.key, DeploymentName(name), changes=body.given(), ticket=call.ticket
                ),
                replay=lambda record: manage.replay(call.key, record),
            )
        )


def _add_delete(router: APIRouter, broker: Broker) -> None:
    manage = broker.deployments

    @router.delete(
        "/{name}",
        status_code=204,
        response_model=None,
        responses=write_errors_of(404),
        summary="Delete a deployment",
    )
    async def delete_deployment(request: Request, name: str, _: Nothing | None = None) -> Response:
        """Only once every session of it has ended."""
        call = call_of(request)
        return await respond(
            broker.once.removing(
                call.ticket,
                look=lambda: manage.unused(call.key, DeploymentName(name)),
                remove=lambda: manage.delete(call.key, DeploymentName(name)),
            )
        )


def _add_reads(router: APIRouter, broker: Broker) -> None:
    @router.get(
        "",
        response_model=None,
        responses={200: {"model": DeploymentPageOut}, **errors_of(422)},
        summary="List deployments",
    )
    async def list_deployments(
        request: Request, cursor: Cursor = None, limit: Limit = LIMIT
    ) -> Response:
        """Newest first."""
        key = call_of(request).key
        return await respond(broker.deployments.list(key, cursor=cursor, limit=limit))

    @router.get(
        "/{name}",
        response_model=None,
        responses={200: {"model": DeploymentOut}, **errors_of(404)},
        summary="Read a deployment",
    )
    async def read_deployment(request: Request, name: str) -> Response:
        """Everything but the platform secret."""
        return await respond(broker.deployments.read(call_of(request).key, DeploymentName(name)))
