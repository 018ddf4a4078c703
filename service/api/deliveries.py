"""Routes: how deliveries to a webhook went, and one event once more."""

from fastapi import APIRouter, Request, Response

from service.api.delivery_query import Wanted
from service.api.delivery_shapes import AttemptOut, AttemptPageOut, WebhookStatsOut
from service.api.door import call_of, guarded, respond
from service.api.requests import ResendEventBody
from service.api.shapes import errors_of, write_errors_of
from service.domain.access import Scope
from service.domain.ids import EndpointId, SessionId
from service.usecases.broker import Broker


def deliveries_router(broker: Broker) -> APIRouter:
    """The routes of deliveries, over the use cases."""
    route_class = guarded(broker, read=Scope.WEBHOOKS, write=Scope.WEBHOOKS)
    router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=route_class)
    _add_reads(router, broker)
    _add_resend(router, broker)
    return router


def _add_reads(router: APIRouter, broker: Broker) -> None:
    @router.get(
        "/{webhook_id}/deliveries",
        response_model=None,
        responses={200: {"model": AttemptPageOut}, **errors_of(404, 422)},
        summary="List attempts to deliver",
    )
    async def list_deliveries(
        request: Request,
        webhook_id: str,
        wanted: Wanted,
    ) -> Response:
        """Attempts that failed, newest first; with `sessionId` all of it, the latest event first.

        Kept for 30 days. A list without `sessionId` may lag by seconds. A filter that takes little
        may answer pages that are short or empty: go on until `nextCursor` is null.
        """
        key = call_of(request).key
        return await respond(broker.deliveries.list(key, EndpointId(webhook_id), wanted.value()))

    @router.get(
        "/{webhook_id}/stats",
        response_model=None,
        responses={200: {"model": WebhookStatsOut}, **errors_of(404)},
        summary="Read how a webhook does",
    )
    async def read_webhook_stats(request: Request, webhook_id: str) -> Response:
        """Its state, its health as couriers found it, and what waits for it."""
        return await respond(broker.deliveries.stats(call_of(request).key, EndpointId(webhook_id)))


def _add_resend(router: APIRouter, broker: Broker) -> None:
    @router.post(
        "/{webhook_id}/resend",
        response_model=None,
        responses={200: {"model": AttemptOut}, **write_errors_of(404)},
        summary="Send one event once more",
    )
    async def resend_event(request: Request, webhook_id: str, body: ResendEventBody) -> Response:
        """One signed POST now, whatever the webhook's state, and what came of it.

        It has the event's own `webhook-id`, and no `broker-lane-sequence`: what is delivered in
        order goes on as if nothing had happened. 409 `event_not_wanted` where `eventTypes` leave
        it out, `webhook_unverified` where it must prove itself first.
        """
        call = call_of(request)
        return await respond(
            broker.once.keeping(
                call.ticket,
                lambda: broker.resend_event(
                    call.key,
                    EndpointId(webhook_id),
                    session_id=SessionId(body.session_id),
                    sequence=body.sequence,
                ),
            )
        )
