"""Every outside thing the use cases need, as Protocols: the socket panel of the hexagon.

All calls are asyncio. Adapters translate what goes wrong into `service.domain.errors`; nothing of
theirs leaks. Instants are seconds since the epoch; durations are seconds.
"""

from dataclasses import dataclass

from service.ports.attachments import AttachmentStore
from service.ports.drifts import DriftStore
from service.ports.keys import KeyRingStore, KeyService, NewKey, SealedError
from service.ports.login import GuestLogin
from service.ports.replays import DueStrand, FoundSession, ReplayStore
from service.ports.sessions import (
    Authority,
    DuePage,
    LogPage,
    Page,
    SendChange,
    SessionFilter,
    SessionStore,
)
from service.ports.storage import (
    AttemptStore,
    BudgetStore,
    HealthStore,
    LaneStore,
    LaneView,
    ShardStore,
    TenantLog,
    TenantStore,
)
from service.ports.system import (
    Bell,
    Cipher,
    Clock,
    Deliveries,
    DeliveryHint,
    Hints,
    Ids,
    LaneHint,
    Mailboxes,
    ReplayHint,
    SessionHint,
    Signer,
    Starter,
    TypingHint,
)
from service.ports.timeline import TimelineStore
from service.ports.wires import (
    GuestFiles,
    GuestRest,
    GuestSockets,
    Link,
    Platform,
    WebhookAnswer,
    WebhookHttp,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """One field per outside thing; tests replace one with `dataclasses.replace`."""

    clock: Clock
    ids: Ids
    sessions: SessionStore
    shards: ShardStore
    lanes: LaneStore
    tenants: TenantStore
    budgets: BudgetStore
    healths: HealthStore
    attempts: AttemptStore
    timeline: TimelineStore
    tenant_log: TenantLog
    replays: ReplayStore
    drifts: DriftStore
    attachments: AttachmentStore
    hints: Hints
    bell: Bell
    sockets: GuestSockets
    guest_rest: GuestRest
    guest_files: GuestFiles
    platform: Platform
    login: GuestLogin
    signer: Signer
    webhook_http: WebhookHttp
    starter: Starter


__all__ = [
    "AttachmentStore",
    "AttemptStore",
    "Authority",
    "Bell",
    "BudgetStore",
    "Cipher",
    "Clock",
    "Deliveries",
    "DeliveryHint",
    "DriftStore",
    "DuePage",
    "DueStrand",
    "FoundSession",
    "GuestFiles",
    "GuestLogin",
    "GuestRest",
    "GuestSockets",
    "HealthStore",
    "Hints",
    "Ids",
    "KeyRingStore",
    "KeyService",
    "LaneHint",
    "LaneStore",
    "LaneView",
    "Link",
    "LogPage",
    "Mailboxes",
    "NewKey",
    "Page",
    "Platform",
    "Ports",
    "ReplayHint",
    "ReplayStore",
    "SealedError",
    "SendChange",
    "SessionFilter",
    "SessionHint",
    "SessionStore",
    "ShardStore",
    "Signer",
    "Starter",
    "TenantLog",
    "TenantStore",
    "TimelineStore",
    "TypingHint",
    "WebhookAnswer",
    "WebhookHttp",
]
