"""Routes: signing a session's guest in and out."""

from fastapi import APIRouter, Request, Response

from service.api.authentication_body import AuthenticationBody
from service.api.door import call_of, guarded, respond
from service.api.following import at
from service.api.parameters import WAIT_SECONDS, Wait
from service.api.requests import Nothing
from service.api.sessions import PREFIX, wish
from service.api.shapes import SessionEndedOut, SessionOut, write_errors_of
from service.domain.access import Scope
from service.usecases.broker import Broker


def authentication_router(broker: Broker) -> APIRouter:
    """The routes of signing in and out, over the use cases."""
    route_class = guarded(broker, read=Scope.SESSIONS_READ, write=Scope.SESSIONS_WRITE)
    router = APIRouter(prefix=PREFIX, tags=["sessions"], route_class=route_class)
    _add_sign_in(router, broker)
    _add_sign_out(router, broker)
    return router


def _add_sign_in(router: APIRouter, broker: Broker) -> None:
    @router.post(
        "/{session_id}/authentication",
        response_model=None,
        responses={
            200: {"model": SessionOut},
            202: {"model": SessionOut, "description": "Genesys has not taken the login yet"},
            **write_errors_of(404, 502),
        },
        summary="Sign the guest in",
    )
    async def sign_in(
        request: Request, session_id: str, body: AuthenticationBody, wait: Wait = WAIT_SECONDS
    ) -> Response:
        """Make an anonymous session that of a signed-in guest, or bring a new login for one.

        A session that failed with `authentication_required` goes on with it.
        """
        call = call_of(request)
        return await respond(
            broker.once(
                call.ticket,
                act=lambda: broker.authenticate_session(
                    wish(request, session_id, wait), body.value()
                ),
                replay=lambda record: broker.authenticate_session.replay(call.key, record),
            ),
            at(request, f"{PREFIX}/{session_id}"),
        )


def _add_sign_out(router: APIRouter, broker: Broker) -> None:
    @router.delete(
        "/{session_id}/authentication",
        response_model=None,
        responses={
            200: {"model": SessionEndedOut},
            202: {"model": SessionEndedOut, "description": "Genesys has not answered yet"},
            **write_errors_of(404),
        },
        summary="Sign the guest out",
    )
    async def sign_out(
        request: Request, session_id: str, _: Nothing | None = None, wait: Wait = WAIT_SECONDS
    ) -> Response:
        """Take the guest's login back at Genesys, on all devices, and end the session."""
        call = call_of(request)
        return await respond(
            broker.once(
                call.ticket,
                act=lambda: broker.log_out_session(wish(request, session_id, wait)),
                replay=lambda record: broker.log_out_session.replay(call.key, record),
            ),
            at(request, f"{PREFIX}/{session_id}"),
        )
