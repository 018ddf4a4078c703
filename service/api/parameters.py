"""Parameters that several routes share."""

from typing import Annotated

from fastapi import Query

from service.usecases.waiting import BUDGET_SECONDS

LIMIT_MAX = 200
LIMIT = 50
WAIT_SECONDS = 5.0

Cursor = Annotated[str | None, Query(description="`nextCursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="At most so many items.")]
Wait = Annotated[
    float,
    Query(
        ge=0,
        le=BUDGET_SECONDS,
        description="Seconds to wait for the outcome. One budget of 25 s covers the whole request.",
    ),
]
