"""What may be asked of the list of attempts."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from service.api.parameters import LIMIT, Cursor, Limit
from service.api.requests import Moment
from service.domain.attempt import AttemptFilter, Outcome
from service.domain.ids import SessionId
from service.usecases.read_deliveries import DeliveryQuery


class DeliveryParameters(BaseModel):
    """The parameters of the list."""

    model_config = ConfigDict(alias_generator=to_camel)

    session_id: Annotated[
        str | None, Field(description="Attempts of this session, delivered ones too.")
    ] = None
    status: Annotated[
        Outcome | None,
        Field(
            description="`delivered` (only with `sessionId`), `failed`, `noAnswer`, or the class "
            "of the HTTP status of one that failed."
        ),
    ] = None
    type: Annotated[
        list[str],
        Field(
            description="Event types, or families such as `message.*`; repeated, or with commas."
        ),
    ] = []
    since: Annotated[Moment | None, Field(description="Attempts that began then or later.")] = None
    until: Annotated[Moment | None, Field(description="Attempts that began before.")] = None
    cursor: Cursor = None
    limit: Limit = LIMIT

    def value(self) -> DeliveryQuery:
        """As the use case knows it."""
        return DeliveryQuery(
            session_id=None if self.session_id is None else SessionId(self.session_id),
            wanted=AttemptFilter(
                outcome=self.status,
                types=[one.strip() for given in self.type for one in given.split(",")],
                since=None if self.since is None else self.since.timestamp(),
                until=None if self.until is None else self.until.timestamp(),
            ),
            cursor=self.cursor,
            limit=self.limit,
        )


Wanted = Annotated[DeliveryParameters, Query()]
