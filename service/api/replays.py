"""Routes: parts of the logs delivered to a webhook once more, as jobs."""

from fastapi import APIRouter, Request, Response

from service.api.door import call_of, guarded, respond
from service.api.following import at
from service.api.parameters import LIMIT, Cursor, Limit
from service.api.replay_shapes import ReplayOut, ReplayPageOut
from service.api.requests import Nothing, StartReplayBody
from service.api.shapes import errors_of, write_errors_of
from service.domain.access import Scope
from service.domain.ids import EndpointId, ReplayId, SessionId
from service.usecases.broker import Broker
from service.usecases.start_replay import Wanted

PREFIX = "/v1/webhooks"


def replays_router(broker: Broker) -> APIRouter:
    """The routes of replays, over the use cases."""
    route_class = guarded(broker, read=Scope.WEBHOOKS, write=Scope.WEBHOOKS)
    router = APIRouter(prefix=PREFIX, tags=["webhooks"], route_class=route_class)
    _add_start(router, broker)
    _add_cancel(router, broker)
    _add_reads(router, broker)
    return router


def _add_start(router: APIRouter, broker: Broker) -> None:
    start = broker.start_replay

    @router.post(
        "/{webhook_id}/replay",
        status_code=202,
        response_model=None,
        responses={202: {"model": ReplayOut}, **write_errors_of(404)},
        summary="Replay a session or a range",
    )
    async def start_replay(
        request: Request, webhook_id: str, body: StartReplayBody | None = None
    ) -> Response:
        """Deliver what is in the logs once more, beside what is delivered as it comes.

        Events come with their own `webhook-id`, in order within each session, without
        `broker-lane-sequence` and with `broker-replay`.
        """
        call = call_of(request)
        wanted = _wanted(body or StartReplayBody())
        return await respond(
            broker.once(
                call.ticket,
                act=lambda: start(call.key, EndpointId(webhook_id), wanted, ticket=call.ticket),
                replay=lambda record: start.repeat(call.key, EndpointId(webhook_id), record),
            ),
            at(request, f"{PREFIX}/{webhook_id}/replays/{{id}}"),
        )


def _add_cancel(router: APIRouter, broker: Broker) -> None:
    cancel = broker.start_replay.cancel

    @router.post(
        "/{webhook_id}/replays/{replay_id}/cancel",
        response_model=None,
        responses={200: {"model": ReplayOut}, **write_errors_of(404)},
        summary="Cancel a replay",
    )
    async def cancel_replay(
        request: Request, webhook_id: str, replay_id: str, _: Nothing | None = None
    ) -> Response:
        """It ends within seconds; requests that are under way still arrive."""
        call = call_of(request)
        return await respond(
            broker.once.keeping(
                call.ticket,
                lambda: cancel(call.key, EndpointId(webhook_id), ReplayId(replay_id)),
            )
        )


def _add_reads(router: APIRouter, broker: Broker) -> None:
    @router.get(
        "/{webhook_id}/replays",
        response_model=None,
        responses={200: {"model": ReplayPageOut}, **errors_of(404, 422)},
        summary="List replays",
    )
    async def list_replays(
        request: Request, webhook_id: str, cursor: Cursor = None, limit: Limit = LIMIT
    ) -> Response:
        """Newest first. Kept for 30 days after their end."""
        key = call_of(request).key
        return await respond(
            broker.replays.list(key, EndpointId(webhook_id), cursor=cursor, limit=limit)
        )

    @router.get(
        "/{webhook_id}/replays/{replay_id}",
        response_model=None,
        responses={200: {"model": ReplayOut}, **errors_of(404)},
        summary="Read a replay",
    )
    async def read_replay(request: Request, webhook_id: str, replay_id: str) -> Response:
        """How far it is, and what it left behind."""
        key = call_of(request).key
        return await respond(broker.replays(key, EndpointId(webhook_id), ReplayId(replay_id)))


def _wanted(body: StartReplayBody) -> Wanted:
    return Wanted(
        session_id=None if body.session_id is None else SessionId(body.session_id),
        from_sequence=body.from_sequence,
        since=None if body.since is None else body.since.timestamp(),
        until=None if body.until is None else body.until.timestamp(),
        types=None if body.types is None else tuple(body.types),
    )
