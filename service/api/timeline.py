"""Routes: what happened to a session, step by step."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from service.api.door import call_of, guarded, respond
from service.api.parameters import LIMIT, Cursor, Limit
from service.api.requests import Moment
from service.api.shapes import Outbound, errors_of
from service.domain.access import Scope
from service.domain.ids import MessageId, SessionId
from service.domain.timeline import Kind, TimelineFilter
from service.usecases.broker import Broker
from service.usecases.idempotency import Answer
from service.usecases.read_timeline import TimelineQuery


class TimelineParameters(BaseModel):
    """The parameters of the list."""

    model_config = ConfigDict(alias_generator=to_camel)

    since: Annotated[Moment | None, Field(description="What happened then or later.")] = None
    until: Annotated[Moment | None, Field(description="What happened before.")] = None
    message_id: Annotated[
        str | None,
        Field(
            max_length=128,
            description="Only what is known to tell of this message: its events, frames, sends "
            "and attempts.",
        ),
    ] = None
    kinds: Annotated[
        list[str],
        Field(description=f"Of {', '.join(f'`{kind}`' for kind in Kind)}; repeated, or by commas."),
    ] = []
    cursor: Cursor = None
    limit: Limit = LIMIT

    def value(self) -> TimelineQuery:
        """As the use case knows it."""
        return TimelineQuery(
            kinds=[one.strip() for given in self.kinds for one in given.split(",")],
            wanted=TimelineFilter(
                message_id=None if self.message_id is None else MessageId(self.message_id),
                since=None if self.since is None else self.since.timestamp(),
                until=None if self.until is None else self.until.timestamp(),
            ),
            cursor=self.cursor,
            limit=self.limit,
        )


Wanted = Annotated[TimelineParameters, Query()]


class TimelineEntryOut(Outbound):
    """One thing that happened."""

    at: datetime
    kind: Kind
    what: str = Field(
        description="The event's type, what became of a link, lease or send, the cause of a "
        "decision, `sent` or `received` for frames, what followed from an attempt."
    )
    message_id: str | None = Field(description="Null for attempts: `sequence` is their event's.")
    sequence: int | None = Field(description="The place in the log that it tells of.")
    facts: dict[str, str | float | bool] = Field(
        description="Ids, codes, states and sizes; which ones depends on the kind, and more may "
        "be added. Never what was said, a token or a client id."
    )


class TimelinePageOut(Outbound):
    """A page of the timeline, oldest first. It may be short although more follow."""

    items: list[TimelineEntryOut]
    next_cursor: str | None
    complete: bool = Field(
        description="False where a session has so much that not all of it was looked at: more "
        "than 2000 attempts, or with `messageId` more than 5000 events; and on a page that says "
        "`leftOut`."
    )


def timeline_router(broker: Broker) -> APIRouter:
    """The route of the timeline, over its use case."""
    route_class = guarded(broker, read=Scope.SESSIONS_READ, write=Scope.SESSIONS_WRITE)
    router = APIRouter(prefix="/v1/sessions", tags=["sessions"], route_class=route_class)

    @router.get(
        "/{session_id}/timeline",
        response_model=None,
        responses={200: {"model": TimelinePageOut}, **errors_of(404, 422)},
        summary="Read what happened to a session",
    )
    async def read_timeline(request: Request, session_id: str, wanted: Wanted) -> Response:
        """Events, links, leases, decisions, frames, sends and attempts in one list.

        Links, leases, decisions, frames and what became of sends are noted by who held the link and
        kept for seven days. They appear within a minute, and those of the last minute are lost when
        a process dies. A filter that takes little may answer pages that are short or empty: go on
        until `nextCursor` is null.
        """
        key = call_of(request).key

        async def read() -> Answer:
            page = await broker.read_timeline(key, SessionId(session_id), wanted.value())
            return Answer(status=200, body=page)

        return await respond(read())

    return router
