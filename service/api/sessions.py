"""Routes: sessions and what can be done with one as a whole."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.api.door import call_of, guarded, respond
from service.api.following import at
from service.api.parameters import LIMIT, WAIT_SECONDS, Cursor, Limit, Wait
from service.api.requests import ChangeSessionBody, CreateSessionBody, EndBody, Nothing
from service.api.shapes import (
    SessionEndedOut,
    SessionOut,
    SessionPageOut,
    errors_of,
    write_errors_of,
)
from service.domain.access import Scope
from service.domain.ids import DeploymentName, SessionId
from service.domain.session import PublicState
from service.ports.sessions import SessionFilter
from service.usecases.broker import Broker
from service.usecases.change_details import DetailsRequest
from service.usecases.create_session import CreateRequest
from service.usecases.end_session import VerbRequest
from service.usecases.idempotency import Answer

PREFIX = "/v1/sessions"


def sessions_router(broker: Broker) -> APIRouter:
    """The routes of sessions, over the use cases."""
    route_class = guarded(broker, read=Scope.SESSIONS_READ, write=Scope.SESSIONS_WRITE)
    router = APIRouter(prefix=PREFIX, tags=["sessions"], route_class=route_class)
    _add_create(router, broker)
    _add_list(router, broker)
    _add_read(router, broker)
    _add_change(router, broker)
    _add_erase(router, broker)
    _add_end(router, broker)
    _add_clear(router, broker)
    _add_resume(router, broker)
    return router


def _add_create(router: APIRouter, broker: Broker) -> None:
    @router.post(
        "",
        status_code=201,
        response_model=None,
        responses={201: {"model": SessionOut}, **write_errors_of(404)},
        summary="Open a session",
    )
    async def create_session(
        request: Request, body: CreateSessionBody, wait: Wait = WAIT_SECONDS
    ) -> Response:
        """Make a session durable, open a guest session for it, and send the first message if given.

        Always 201 once committed: look at `state`, and at `message.status`.
        """
        call = call_of(request)
        wanted = CreateRequest(
            key=call.key,
            deployment=DeploymentName(body.deployment),
            patience=call.patience(wait),
            external_id=body.external_id,
            custom_attributes=body.custom_attributes or {},
            metadata=body.metadata,
            on_read_only=body.on_read_only,
            journey_context=None if body.journey_context is None else body.journey_context.value(),
            message=None if body.message is None else body.message.value(),
            message_on_read_only=None if body.message is None else body.message.on_read_only,
            choices=() if body.message is None else body.message.choices(),
            login=None if body.authentication is None else body.authentication.value(),
            ticket=call.ticket,
            trace=call.trace,
        )

        async def made() -> Answer:
            answer = await broker.once(
                call.ticket,
                act=lambda: broker.create_session(wanted),
                replay=lambda record: broker.create_session.replay(call.key, record),
            )
            request.state.session_id = (answer.body or {}).get("id")
            return answer

        return await respond(made())


def _add_list(router: APIRouter, broker: Broker) -> None:
    @router.get(
        "",
        response_model=None,
        responses={200: {"model": SessionPageOut}, **errors_of(422)},
        summary="List sessions",
    )
    async def list_sessions(
        request: Request,
        external_id: Annotated[str | None, Query(alias="externalId")] = None,
        state: PublicState | None = None,
        deployment: str | None = None,
        conversation_id: Annotated[str | None, Query(alias="conversationId")] = None,
        cursor: Cursor = None,
        limit: Limit = LIMIT,
    ) -> Response:
        """Sessions of the tenant, newest first. The listing may lag by seconds."""
        wanted = SessionFilter(
            external_id=external_id,
            state=state,
            deployment=None if deployment is None else DeploymentName(deployment),
            conversation_id=conversation_id,
        )
        key = call_of(request).key

        async def listed() -> Answer:
            page = await broker.list_sessions(key, wanted, cursor=cursor, limit=limit)
            return Answer(status=200, body=page)

        return await respond(listed())


def _add_read(router: APIRouter, broker: Broker) -> None:
    @router.get(
        "/{session_id}",
        response_model=None,
        responses={200: {"model": SessionOut}, **errors_of(404)},
        summary="Read a session",
    )
    async def read_session(request: Request, session_id: str) -> Response:
        """The session as it is now."""
        key = call_of(request).key

        async def read() -> Answer:
            return Answer(status=200, body=await broker.read_session(key, SessionId(session_id)))

        return await respond(read())


def _add_change(router: APIRouter, broker: Broker) -> None:
    @router.patch(
        "/{session_id}",
        response_model=None,
        responses={200: {"model": SessionOut}, **write_errors_of(404)},
        summary="Change what is kept with a session",
    )
    async def change_session(
        request: Request, session_id: str, body: ChangeSessionBody
    ) -> Response:
        """Custom attributes go out with the next message; metadata is the caller's own."""
        call = call_of(request)
        wanted = DetailsRequest(key=call.key, session_id=SessionId(session_id), given=body.given())
        return await respond(
            broker.once.keeping(call.ticket, lambda: broker.change_details(wanted))
        )


def _add_erase(router: APIRouter, broker: Broker) -> None:
    @router.delete(
        "/{session_id}",
        status_code=204,
        response_model=None,
        responses=write_errors_of(404),
        summary="Erase a session",
    )
    async def erase_session(
        request: Request, session_id: str, _: Nothing | None = None
    ) -> Response:
        """End it at once and remove every stored byte of it."""
        call = call_of(request)

        async def look() -> Answer:
            body = await broker.read_session(call.key, SessionId(session_id))
            return Answer(status=200, body=body)

        return await respond(
            broker.once.removing(
                call.ticket,
                look=look,
                remove=lambda: broker.erase_session(call.key, SessionId(session_id)),
            )
        )


def _add_end(router: APIRouter, broker: Broker) -> None:
    @router.post(
        "/{session_id}/end",
        response_model=None,
        responses={
            200: {"model": SessionEndedOut},
            202: {"model": SessionEndedOut, "description": "Not verified yet"},
            **write_errors_of(404),
        },
        summary="End a session",
    )
    async def end_session(
        request: Request, session_id: str, body: EndBody | None = None, wait: Wait = WAIT_SECONDS
    ) -> Response:
        """End by clearing the guest's history at Genesys, or by leaving; `ended` says which."""
        call = call_of(request)
        mode = body.mode if body else None
        return await respond(
            broker.once(
                call.ticket,
                act=lambda: broker.end_session(wish(request, session_id, wait), mode=mode),
                replay=lambda record: broker.end_session.replay(call.key, record),
            ),
            at(request, f"{PREFIX}/{session_id}"),
        )


def _add_clear(router: APIRouter, broker: Broker) -> None:
    @router.post(
        "/{session_id}/clear",
        response_model=None,
        responses={
            200: {"model": SessionOut},
            202: {"model": SessionOut, "description": "Under way"},
            **write_errors_of(404, 502),
        },
        summary="Clear the guest's history",
    )
    async def clear_session(
        request: Request, session_id: str, _: Nothing | None = None, wait: Wait = WAIT_SECONDS
    ) -> Response:
        """Erase the guest's history at Genesys and go on with a new incarnation."""
        wanted = wish(request, session_id, wait)
        return await respond(
            broker.once(
                wanted.ticket,
                act=lambda: broker.clear_session(wanted),
                replay=lambda record: broker.clear_session.replay(wanted, record),
            ),
            at(request, f"{PREFIX}/{session_id}"),
        )


def _add_resume(router: APIRouter, broker: Broker) -> None:
    @router.post(
        "/{session_id}/resume",
        response_model=None,
        responses={200: {"model": SessionOut}, **write_errors_of(404)},
        summary="Visit a session now",
    )
    async def resume_session(
        request: Request, session_id: str, _: Nothing | None = None, wait: Wait = WAIT_SECONDS
    ) -> Response:
        """Bring the session to where it should be; a failed one gets one more try."""
        call = call_of(request)
        return await respond(
            broker.once(
                call.ticket,
                act=lambda: broker.resume_session(wish(request, session_id, wait)),
                replay=lambda record: broker.resume_session.replay(call.key, record),
            )
        )


def wish(request: Request, session_id: str, wait: float) -> VerbRequest:
    """What a caller wants of one session as a whole."""
    call = call_of(request)
    return VerbRequest(
        key=call.key,
        session_id=SessionId(session_id),
        patience=call.patience(wait),
        ticket=call.ticket,
        trace=call.trace,
    )
