"""A caller's webhook destination, and the ordered lane of one session's log towards it.

Pure values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from service.domain.ids import EndpointId, LogId, TenantName, tenant_of
from service.domain.log import UNLOGGED, EventType


class EndpointState(StrEnum):
    """`paused` is the caller's wish, `disabled` the broker's verdict; both keep the backlog."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


class OnExhausted(StrEnum):
    """What becomes of an event that the receiver will not take while it takes others."""

    BLOCK = "block"
    SKIP = "skip"


SKIP_AFTER_SECONDS: Final = 3600
UNVERIFIED: Final = "unverified"
"""Why an endpoint is paused that must prove itself first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningSecret:
    """One key that signs: `whsec_…`, or `whsk_…`, the private half of an ed25519 pair.

    Old ones sign beside the new until they lapse.
    """

    secret: str = field(repr=False)
    expires_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where events go, which of them, and how they are signed."""

    id: EndpointId
    tenant: TenantName
    url: str
    event_types: Sequence[str]
    description: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    state: EndpointState = EndpointState.ACTIVE
    disabled_reason: str | None = None
    rate_limit: int | None = None
    """Requests a second, by all couriers together."""
    max_concurrency: int | None = None
    """Requests at a time, by all couriers together."""
    timeout_seconds: float = 15.0
    """The deadline over one whole attempt; the specification asks for 15 to 30 s."""
    schedule: tuple[float, ...] | None = None
    """Seconds to wait after each failed attempt; None: the broker's own list."""
    on_exhausted: OnExhausted = OnExhausted.BLOCK
    skip_after_seconds: int = SKIP_AFTER_SECONDS
    """How long a head must have failed, while the endpoint is well, before it is skipped."""
    openings: int = 0
    """How often it was opened, or given another URL: what lanes wait for ends with each."""
    secrets: Sequence[SigningSecret] = ()
    verify: bool = False
    """Whether it must have sent a challenge back before it gets anything."""
    verified: bool = False
    """Whether its present URL ever did."""
    version: int = 0
    created_at: float
    updated_at: float

    def wants(self, event_type: str) -> bool:
        """Whether it takes events of that type: by name, `message.*`, or `*` (a session's log)."""
        return takes(self.event_types, event_type)

    @property
    def must_prove_itself(self) -> bool:
        """Whether it gets nothing before it has sent a challenge back."""
        return self.verify and not self.verified


def settled(endpoint: Endpoint) -> Endpoint:
    """The endpoint in the state that it may be in: open only once it has proved itself.

    What its owner paused, or anybody disabled, stays so.
    """
    waits = endpoint.state is EndpointState.PAUSED and endpoint.disabled_reason == UNVERIFIED
    if endpoint.must_prove_itself and endpoint.state is EndpointState.ACTIVE:
        return replace(endpoint, state=EndpointState.PAUSED, disabled_reason=UNVERIFIED)
    if waits and not endpoint.must_prove_itself:
        return replace(endpoint, state=EndpointState.ACTIVE, disabled_reason=None)
    return endpoint


def takes(wanted: Sequence[str], event_type: str) -> bool:
    """Whether such a list of types has that one: by name, by its family, or by `*`."""
    if event_type == EventType.ERASED:
        return False
    family = event_type.partition(".")[0] + ".*"
    if event_type in wanted or family in wanted:
        return True
    return "*" in wanted and event_type not in UNLOGGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A courier is at work on the lane until then."""

    token: str
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """The ordered delivery of one session's log to one endpoint.

    `cursor` is the last sequence that is done with; `delivered` counts the events of this endpoint
    that are, the skipped ones too: a number never stands for two of them.
    """

    endpoint_id: EndpointId
    session_id: LogId
    """Whose log it carries."""
    cursor: int
    delivered: int = 0
    attempt: int = 0
    due_at: float | None = None
    parked: bool = False
    """It waits for its endpoint, not for its own time: `due_at` only sees that it is not forgotten.
    """
    gap: tuple[int, int] | None = None
    """First and last sequence that were skipped and not yet told in a delivered request."""
    failing_since: float | None = None
    """When the head failed for the first time; anew after each time that its endpoint was shut."""
    gone_at: float | None = None
    """When the last answer came, if it was 410: the next one settles it."""
    openings: int = 0
    """Those of its endpoint when it last was in a courier's hands."""
    claim: Claim | None = None
    version: int = 0

    @property
    def number(self) -> int | None:
        """What the head's delivery is counted as; None: a tenant's log is not counted."""
        return self.delivered + 1 if tenant_of(self.session_id) is None else None

    @property
    def told_gap(self) -> tuple[int, int] | None:
        """The gap that the head's delivery tells of; a tenant's log cannot be read by sequence."""
        return self.gap if tenant_of(self.session_id) is None else None

    def anew(self, endpoint: Endpoint) -> "Lane":
        """As it goes on: as if never tried, if its endpoint was opened since it last was."""
        if self.openings == endpoint.openings:
            return self
        return replace(
            self, attempt=0, failing_since=None, gone_at=None, openings=endpoint.openings
        )
