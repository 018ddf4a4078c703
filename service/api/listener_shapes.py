"""What is answered about listeners, as models for the OpenAPI document."""

from datetime import datetime

from pydantic import Field

from service.api.shapes import Outbound


class ListenerOut(Outbound):
    """One process that holds links."""

    id: str
    started_at: datetime | None
    age_seconds: float | None
    retires_at: datetime | None = Field(description="Null for one that stays.")
    shards: int
    links: int = Field(description="As it told when it renewed last, at most seconds ago.")
    draining_shards: int = Field(
        description="Shards it gave away, whose links it keeps until its successor has them."
    )


class ShardOut(Outbound):
    """One shard's lease; a shard that nobody holds has no listener."""

    shard: int
    fence: int = Field(description="Grows by one whenever the shard changes hands.")
    listener: str | None
    links: int
    expires_at: datetime | None
    retires_at: datetime | None
    successor: str | None = Field(description="Who asked to have it next.")
    drainer: str | None = Field(description="Who held it before and still keeps its links.")
    drained_by: datetime | None


class ListenerTotalsOut(Outbound):
    """All of it together."""

    listeners: int
    shards: int
    held_shards: int
    links: int


class BudgetOut(Outbound):
    """What a deployment may still open; names that lead to one Genesys deployment share it."""

    name: str
    connections_left: int = Field(
        description="New connections that may still be opened in this slot of five seconds."
    )
    connections_per_slot: int
    breaker_open: bool = Field(description="Whether nobody connects, because Genesys lets none in.")
    retry_at: datetime | None = Field(description="When one connection tries again for all.")


class ListenersOut(Outbound):
    """Every listener, every shard and the caller's deployments at one moment."""

    listeners: list[ListenerOut]
    shards: list[ShardOut]
    totals: ListenerTotalsOut
    deployments: list[BudgetOut] = Field(description="The newest hundred of the caller's tenant.")
