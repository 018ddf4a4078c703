"""Route: who holds which shard and what may still be opened, for those with scope admin."""

from fastapi import APIRouter, Request, Response

from service.api.door import call_of, guarded, respond
from service.api.listener_shapes import ListenersOut
from service.api.shapes import errors_of
from service.domain.access import Scope
from service.usecases.broker import Broker


def listeners_router(broker: Broker) -> APIRouter:
    """The route, over the use case."""
    route_class = guarded(broker, read=Scope.ADMIN, write=Scope.ADMIN)
    router = APIRouter(prefix="/v1/listeners", tags=["listeners"], route_class=route_class)

    @router.get(
        "",
        response_model=None,
        responses={200: {"model": ListenersOut}, **errors_of()},
        summary="Read who holds which shard, and what may still be opened",
    )
    async def read_listeners(request: Request) -> Response:
        """Listeners of every tenant's sessions, their shards and links, as the table has them.

        And what each deployment of the caller's tenant may still open.
        """
        return await respond(broker.read_listeners(call_of(request).key))

    return router
