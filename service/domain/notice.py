"""What owners are told about their endpoints: when, and in which words. Pure.

A notice is an event of the tenant's own log. It goes to the tenant's other endpoints that ask for
it, never to the one that it speaks of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from service.domain.endpoint import Endpoint
from service.domain.health import GIVE_UP_SECONDS, Health, given_up_share
from service.domain.ids import EndpointId, EventId, TenantName, log_of, tenant_of
from service.domain.instants import maybe_rfc3339, rfc3339
from service.domain.log import EventType, LogEvent
from service.domain.told import Stage, Told

FAILURES_TOLD: Final = 4
"""So many failures in a row of one event are told."""
PROBES_TOLD: Final = 5
"""So many probes that failed: two and a half minutes, as long as four attempts take."""
SHARES_TOLD: Final = (
    (0.9, Stage.DISABLING_90),
    (0.7, Stage.DISABLING_70),
    (0.5, Stage.DISABLING_50),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An event of a tenant's log that has no place yet; its id is that of the event."""

    id: EventId
    tenant: TenantName
    type: EventType
    at: float
    data: Mapping[str, Any]

    def placed(self, sequence: int) -> LogEvent:
        """The event at that place. Its place is ours alone: what is sent does not tell it."""
        return LogEvent(
            id=self.id,
            session_id=log_of(self.tenant),
            sequence=sequence,
            type=self.type,
            at=self.at,
            incarnation=0,
            data=self.data,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One attempt that failed. `row`: how often its event failed so far, with this one."""

    event: LogEvent
    row: int
    exhausted: bool
    reason: str
    since: float | None
    """When the event failed first; None: the endpoint was shut, so nobody knows it of the event."""
    endpoint_since: float | None
    """When the first attempt failed since the endpoint's last success."""


def stages(health: Health, failure: Failure, *, now: float) -> tuple[Stage, ...]:
    """What could be told now, the most urgent first."""
    share = given_up_share(health, now=now)
    of_all = [stage for least, stage in SHARES_TOLD if share >= least][:1]
    if health.probe_at is not None:
        return (*of_all, *([Stage.DOWN] if health.probes >= PROBES_TOLD else []))
    if failure.exhausted:
        return (Stage.EXHAUSTED, *of_all)
    return (*of_all, *([Stage.RETRYING] if failure.row >= FAILURES_TOLD else []))


def is_of_event(stage: Stage) -> bool:
    """Whether it says something of one event, and nothing of the endpoint."""
    return stage in {Stage.RETRYING, Stage.EXHAUSTED}


def failing(
    event_id: EventId, endpoint: Endpoint, stage: Stage, failure: Failure, *, at: float
) -> Notice:
    """`webhook.failing`."""
    of_event = is_of_event(stage)
    since = failure.since if of_event else failure.endpoint_since
    ends = None if of_event or since is None else since + GIVE_UP_SECONDS
    facts = {
        "stage": stage.value,
        "reason": failure.reason,
        "failingSince": maybe_rfc3339(since),
        "disableAt": maybe_rfc3339(ends),
        "eventId": failure.event.id if of_event else None,
        "eventType": failure.event.type.value if of_event else None,
    }
    return _notice(event_id, EventType.WEBHOOK_FAILING, endpoint, facts, at=at)


def disabled(event_id: EventId, endpoint: Endpoint, *, at: float) -> Notice:
    """`webhook.disabled`, of an endpoint as it is then."""
    facts = {"reason": endpoint.disabled_reason}
    return _notice(event_id, EventType.WEBHOOK_DISABLED, endpoint, facts, at=at)


def recovered(
    event_id: EventId, endpoint: Endpoint, ended: tuple[Told, ...], *, at: float
) -> Notice:
    """`webhook.recovered`: what was told before is over."""
    facts = {
        "stages": sorted({each.stage.value for each in ended}),
        "warnedAt": rfc3339(min(each.at for each in ended)),
    }
    return _notice(event_id, EventType.WEBHOOK_RECOVERED, endpoint, facts, at=at)


def _notice(
    event_id: EventId,
    kind: EventType,
    endpoint: Endpoint,
    facts: Mapping[str, object],
    *,
    at: float,
) -> Notice:
    webhook = {
        "id": endpoint.id,
        "url": bare_url(endpoint.url),
        "description": endpoint.description,
        "state": endpoint.state.value,
    }
    data = {"webhook": webhook, **facts}
    return Notice(id=event_id, tenant=endpoint.tenant, type=kind, at=at, data=data)


def bare_url(url: str) -> str:
    """Scheme, host and path: what else stands in a URL may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def spoken_of(data: Mapping[str, Any]) -> EndpointId:
    """The endpoint that a notice speaks of."""
    return EndpointId(data["webhook"]["id"])


def takes(endpoint: Endpoint, event: LogEvent) -> bool:
    """Whether an event goes to that endpoint: it asks for it, and it is not about itself."""
    if not endpoint.wants(event.type):
        return False
    return tenant_of(event.session_id) is None or spoken_of(event.data) != endpoint.id
