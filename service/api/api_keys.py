"""Routes: API keys, for those with scope admin."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.api.door import call_of, guarded, respond
from service.api.parameters import LIMIT, Cursor, Limit
from service.api.requests import CreateKeyBody, Nothing
from service.api.shapes import ApiKeyPageOut, ApiKeySecretOut, errors_of, write_errors_of
from service.domain.access import Scope
from service.domain.ids import ApiKeyId, TenantName
from service.usecases.broker import Broker
from service.usecases.manage_keys import NewKey


def api_keys_router(broker: Broker) -> APIRouter:
    """The routes of API keys, over the use case."""
    route_class = guarded(broker, read=Scope.ADMIN, write=Scope.ADMIN)
    router = APIRouter(prefix="/v1/api-keys", tags=["api-keys"], route_class=route_class)
    _add_create(router, broker)
    _add_others(router, broker)
    return router


def _add_create(router: APIRouter, broker: Broker) -> None:
    @router.post(
        "",
        status_code=201,
        response_model=None,
        responses={201: {"model": ApiKeySecretOut}, **write_errors_of()},
        summary="Create an API key",
    )
    async def create_api_key(request: Request, body: CreateKeyBody) -> Response:
        """`key` is shown this once. A tenant comes to be with its first key."""
        call = call_of(request)
        wanted = NewKey(
            name=body.name,
            tenant=None if body.tenant is None else TenantName(body.tenant),
            scopes=body.scopes,
            expires_at=None if body.expires_at is None else body.expires_at.timestamp(),
        )
        return await respond(
            broker.once(
                call.ticket,
                act=lambda: broker.keys.create(call.key, wanted, ticket=call.ticket),
                replay=broker.keys.replay,
            )
        )


def _add_others(router: APIRouter, broker: Broker) -> None:
    @router.get(
        "",
        response_model=None,
        responses={200: {"model": ApiKeyPageOut}, **errors_of(422)},
        summary="List API keys",
    )
    async def list_api_keys(
        request: Request,
        tenant: Annotated[str | None, Query(pattern=r"^[a-z0-9-]{1,63}$")] = None,
        cursor: Cursor = None,
        limit: Limit = LIMIT,
    ) -> Response:
        """Keys of one's own tenant, or of the one named; never the keys themselves."""
        own = call_of(request).key.tenant
        wanted = own if tenant is None else TenantName(tenant)
        return await respond(broker.keys.list(wanted, cursor=cursor, limit=limit))

    @router.delete(
        "/{key_id}",
        status_code=204,
        response_model=None,
        responses=write_errors_of(404),
        summary="Revoke an API key",
    )
    async def delete_api_key(request: Request, key_id: str, _: Nothing | None = None) -> Response:
        """It is good no more; other processes may take it for a few seconds still."""
        call = call_of(request)
        return await respond(
            broker.once.removing(
                call.ticket,
                look=lambda: broker.keys.read(ApiKeyId(key_id)),
                remove=lambda: broker.keys.delete(ApiKeyId(key_id)),
            )
        )
