"""Routes: what is said in a session, and its log."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.api.answer_bodies import SendMessageBody
from service.api.door import call_of, guarded, respond
from service.api.following import in_the_log
from service.api.parameters import LIMIT, WAIT_SECONDS, Cursor, Limit, Wait
from service.api.requests import Nothing
from service.api.sessions import PREFIX
from service.api.shapes import (
    EventPageOut,
    MessageOut,
    MessagePageOut,
    TurnOut,
    TypingOut,
    errors_of,
    write_errors_of,
)
from service.domain.access import Scope
from service.domain.ids import SessionId
from service.usecases.broker import Broker
from service.usecases.idempotency import Answer
from service.usecases.read_session import EventsPage
from service.usecases.send_message import SendRequest
from service.usecases.waiting import BUDGET_SECONDS
from service.webhook.envelope import event_bytes

SEQUENCE_MAX = 10**12

Turn = Annotated[
    float | None,
    Query(ge=0, le=BUDGET_SECONDS, description="Also wait so long for the replies."),
]


def messages_router(broker: Broker) -> APIRouter:
    """The routes of messages, events and typing, over the use cases."""
    route_class = guarded(broker, read=Scope.SESSIONS_READ, write=Scope.SESSIONS_WRITE)
    router = APIRouter(
        prefix=f"{PREFIX}/{{session_id}}", tags=["messages"], route_class=route_class
    )
    _add_send(router, broker)
    _add_transcript(router, broker)
    _add_events(router, broker)
    _add_typing(router, broker)
    return router


def _add_send(router: APIRouter, broker: Broker) -> None:
    @router.post(
        "/messages",
        status_code=201,
        response_model=None,
        responses={
            201: {"model": MessageOut | TurnOut, "description": "Proven to be at Genesys"},
            202: {"model": MessageOut | TurnOut, "description": "Accepted and durable"},
            **write_errors_of(404, 429, 502),
        },
        summary="Send a message",
    )
    async def send_message(
        request: Request,
        session_id: str,
        body: SendMessageBody,
        wait: Wait = WAIT_SECONDS,
        turn: Turn = None,
    ) -> Response:
        """Accept a message and wait for the proof that it arrived, with `turn` also for replies.

        One that fails for good within the wait is answered with a problem that carries `messageId`.
        """
        call = call_of(request)
        wanted = SendRequest(
            key=call.key,
            session_id=SessionId(session_id),
            body=body.value(),
            choices=body.choices(),
            patience=call.patience(wait if turn is None else turn),
            turn=turn is not None,
            on_read_only=body.on_read_only,
            ticket=call.ticket,
            trace=call.trace,
        )
        return await respond(
            broker.once(
                call.ticket,
                act=lambda: broker.send_message(wanted),
                replay=broker.send_message.replay,
            ),
            in_the_log(request, session_id),
        )


def _add_transcript(router: APIRouter, broker: Broker) -> None:
    @router.get(
        "/messages",
        response_model=None,
        responses={200: {"model": MessagePageOut}, **errors_of(404, 422)},
        summary="Read the transcript",
    )
    async def read_transcript(
        request: Request, session_id: str, cursor: Cursor = None, limit: Limit = LIMIT
    ) -> Response:
        """Messages in log order, across every guest session; `segments` tells the last 50 seams."""
        key = call_of(request).key

        async def read() -> Answer:
            page = await broker.read_transcript(
                key, SessionId(session_id), cursor=cursor, limit=limit
            )
            return Answer(status=200, body=page)

        return await respond(read())


def _add_events(router: APIRouter, broker: Broker) -> None:
    @router.get(
        "/events",
        response_model=None,
        responses={200: {"model": EventPageOut}, **errors_of(404, 422)},
        summary="Read the log",
    )
    async def read_events(
        request: Request,
        session_id: str,
        after: Annotated[
            int,
            Query(ge=0, le=SEQUENCE_MAX, description="Exclusive: `nextAfter` of the page before."),
        ] = 0,
        wait: Wait = 0.0,
        limit: Limit = LIMIT,
    ) -> Response:
        """Events after a place, as webhooks get them; waits for the first if there is none."""
        call = call_of(request)
        page = await broker.read_events(
            call.key,
            SessionId(session_id),
            after=after,
            limit=limit,
            patience=call.patience(wait),
        )
        return Response(events_body(page), media_type="application/json")


def _add_typing(router: APIRouter, broker: Broker) -> None:
    @router.post(
        "/typing",
        status_code=202,
        response_model=None,
        responses={202: {"model": TypingOut}, **write_errors_of(404)},
        summary="Show that the guest is typing",
    )
    async def send_typing(request: Request, session_id: str, _: Nothing | None = None) -> Response:
        """At most one each five seconds goes out; `sent` says whether this one did.

        Call it as often as the guest presses keys: what comes too soon costs Genesys nothing.
        """
        call = call_of(request)
        return await respond(
            broker.once.keeping(
                call.ticket,
                lambda: broker.send_typing(
                    call.key, SessionId(session_id), patience=call.patience(WAIT_SECONDS)
                ),
            )
        )


def events_body(page: EventsPage) -> bytes:
    """The page around the very bytes that webhooks get."""
    events = b",".join(event_bytes(event) for event in page.events)
    more = b"true" if page.has_more else b"false"
    return b'{"items":[%b],"nextAfter":%d,"lastSequence":%d,"hasMore":%b}' % (
        events,
        page.next_after,
        page.last_sequence,
        more,
    )
