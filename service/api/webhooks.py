"""Routes: the tenant's webhook endpoints."""

from typing import Any

from fastapi import APIRouter, Request, Response

from service.api.door import call_of, guarded, respond
from service.api.parameters import LIMIT, Cursor, Limit
from service.api.requests import ChangeWebhookBody, CreateWebhookBody, Nothing, RotateSecretBody
from service.api.shapes import errors_of, write_errors_of
from service.api.webhook_shapes import (
    WebhookOut,
    WebhookPageOut,
    WebhookSecretOut,
    WebhookTestOut,
    WebhookVerificationOut,
)
from service.domain.access import Scope
from service.domain.endpoint import EndpointState
from service.domain.errors import BlockedTargetError
from service.domain.ids import EndpointId
from service.usecases.broker import Broker
from service.webhook.loops import is_own_api


def webhooks_router(broker: Broker) -> APIRouter:
    """The routes of webhooks, over the use case."""
    route_class = guarded(broker, read=Scope.WEBHOOKS, write=Scope.WEBHOOKS)
    router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=route_class)
    _add_create(router, broker)
    _add_change(router, broker)
    _add_delete(router, broker)
    _add_reads(router, broker)
    _add_rotation(router, broker)
    _add_test(router, broker)
    _add_verify(router, broker)
    _add_switch(router, broker, "enable", on=True)
    _add_switch(router, broker, "disable", on=False)
    return router


def _add_create(router: APIRouter, broker: Broker) -> None:
    manage = broker.webhooks

    @router.post(
        "",
        status_code=201,
        response_model=None,
        responses={201: {"model": WebhookSecretOut}, **write_errors_of(404)},
        summary="Create a webhook",
    )
    async def create_webhook(request: Request, body: CreateWebhookBody) -> Response:
        """Deliver events to a URL from now on. `secret` is shown this once and after a rotation.

        With `verify` it is challenged within this request, and `verified` says what came of it.
        """
        call = call_of(request)
        _refuse_own_api(request, body.url)
        return await respond(
            broker.once(
                call.ticket,
                act=lambda: manage.create(call.key, _fields(body), ticket=call.ticket),
                replay=lambda record: manage.replay(call.key, record),
            )
        )


def _add_change(router: APIRouter, broker: Broker) -> None:
    manage = broker.webhooks

    @router.patch(
        "/{webhook_id}",
        response_model=None,
        responses={200: {"model": WebhookOut}, **write_errors_of(404)},
        summary="Change a webhook",
    )
    async def change_webhook(
        request: Request, webhook_id: str, body: ChangeWebhookBody
    ) -> Response:
        """What is not named stays; `enabled: false` pauses and keeps the backlog.

        `headers` are replaced as a whole; one that is sent back as `[redacted]` keeps its value.
        `asymmetric: false` lets the key pair sign for another day.
        """
        call = call_of(request)
        _refuse_own_api(request, body.url)
        return await respond(
            broker.once(
                call.ticket,
                act=lambda: manage.change(
                    call.key, EndpointId(webhook_id), changes=_fields(body), ticket=call.ticket
                ),
                replay=lambda record: manage.replay(call.key, record),
            )
        )


def _add_delete(router: APIRouter, broker: Broker) -> None:
    manage = broker.webhooks

    @router.delete(
        "/{webhook_id}",
        status_code=204,
        response_model=None,
        responses=write_errors_of(404),
        summary="Delete a webhook",
    )
    async def delete_webhook(
        request: Request, webhook_id: str, _: Nothing | None = None
    ) -> Response:
        """Deliveries stop at once; what was not delivered is not kept."""
        call = call_of(request)
        return await respond(
            broker.once.removing(
                call.ticket,
                look=lambda: manage.read(call.key, EndpointId(webhook_id)),
                remove=lambda: manage.delete(call.key, EndpointId(webhook_id)),
            )
        )


def _add_reads(router: APIRouter, broker: Broker) -> None:
    @router.get(
        "",
        response_model=None,
        responses={200: {"model": WebhookPageOut}, **errors_of(422)},
        summary="List webhooks",
    )
    async def list_webhooks(
        request: Request, cursor: Cursor = None, limit: Limit = LIMIT
    ) -> Response:
        """Newest first, without secrets."""
        key = call_of(request).key
        return await respond(broker.webhooks.list(key, cursor=cursor, limit=limit))

    @router.get(
        "/{webhook_id}",
        response_model=None,
        responses={200: {"model": WebhookOut}, **errors_of(404)},
        summary="Read a webhook",
    )
    async def read_webhook(request: Request, webhook_id: str) -> Response:
        """Without its secret."""
        return await respond(broker.webhooks.read(call_of(request).key, EndpointId(webhook_id)))


def _add_rotation(router: APIRouter, broker: Broker) -> None:
    manage = broker.webhooks

    @router.post(
        "/{webhook_id}/rotate-secret",
        response_model=None,
        responses={200: {"model": WebhookSecretOut}, **write_errors_of(404)},
        summary="Rotate the signing secret",
    )
    async def rotate_secret(
        request: Request, webhook_id: str, body: RotateSecretBody | None = None
    ) -> Response:
        """A new secret, and a new key pair where there is one; the old keys sign for the grace too.

        At most 10 old ones of a kind are kept: none loses its grace, `graceSeconds: 0` ends all.
        """
        call = call_of(request)
        wanted = body or RotateSecretBody()
        return await respond(
            broker.once(
                call.ticket,
                act=lambda: manage.rotate(
                    call.key,
                    EndpointId(webhook_id),
                    grace_seconds=wanted.grace_seconds,
                    secret=wanted.secret,
                    ticket=call.ticket,
                ),
                replay=lambda record: manage.replay(call.key, record),
            )
        )


def _add_test(router: APIRouter, broker: Broker) -> None:
    manage = broker.webhooks

    @router.post(
        "/{webhook_id}/test",
        response_model=None,
        responses={200: {"model": WebhookTestOut}, **write_errors_of(404)},
        summary="Send a test event",
    )
    async def test_webhook(request: Request, webhook_id: str, _: Nothing | None = None) -> Response:
        """One signed `webhook.test` now, and what came of it."""
        call = call_of(request)
        return await respond(
            broker.once.keeping(
                call.ticket,
                lambda: manage.test(call.key, EndpointId(webhook_id), trace=call.trace),
            )
        )


def _add_verify(router: APIRouter, broker: Broker) -> None:
    manage = broker.webhooks

    @router.post(
        "/{webhook_id}/verify",
        response_model=None,
        responses={200: {"model": WebhookVerificationOut}, **write_errors_of(404)},
        summary="Let a webhook prove itself",
    )
    async def verify_webhook(
        request: Request, webhook_id: str, _: Nothing | None = None
    ) -> Response:
        """One signed `webhook.challenge` now, within ten seconds, and what came of it.

        The body of the answer has to come within a second of its head.
        The first good answer opens a webhook that waits for it.
        """
        call = call_of(request)
        return await respond(
            broker.once.keeping(
                call.ticket,
                lambda: manage.verify(call.key, EndpointId(webhook_id), trace=call.trace),
            )
        )


def _add_switch(router: APIRouter, broker: Broker, verb: str, *, on: bool) -> None:
    async def switch_webhook(
        request: Request, webhook_id: str, _: Nothing | None = None
    ) -> Response:
        """The backlog is kept either way."""
        call = call_of(request)
        return await respond(
            broker.once(
                call.ticket,
                act=lambda: broker.webhooks.switch(
                    call.key, EndpointId(webhook_id), on=on, ticket=call.ticket
                ),
                replay=lambda record: broker.webhooks.replay(call.key, record),
            )
        )

    router.add_api_route(
        f"/{{webhook_id}}/{verb}",
        switch_webhook,
        methods=["POST"],
        operation_id=f"{verb}_webhook",
        response_model=None,
        responses={200: {"model": WebhookOut}, **write_errors_of(404)},
        summary=f"{verb.capitalize()} a webhook",
    )


def _refuse_own_api(request: Request, url: str) -> None:
    host, root = request.headers.get("host", ""), request.scope.get("root_path", "")
    if is_own_api(url, host=host, root=root):
        raise BlockedTargetError(reason="it is the broker's own API")


def _fields(body: CreateWebhookBody | ChangeWebhookBody) -> dict[str, Any]:
    """The fields that the caller named, as the core knows them."""
    fields = {name: getattr(body, name) for name in body.model_fields_set - {"enabled"}}
    if isinstance(body, CreateWebhookBody):
        fields.setdefault("event_types", body.event_types)
    if "enabled" in body.model_fields_set:
        fields["state"] = EndpointState.ACTIVE if body.enabled else EndpointState.PAUSED
        fields["disabled_reason"] = None
    if "retry_schedule" in fields:
        fields["schedule"] = tuple(fields.pop("retry_schedule"))
    return fields
