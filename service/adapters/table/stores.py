"""The stores over one driver, as one value."""

from dataclasses import dataclass

from service.adapters.table.attachments import AttachmentTable
from service.adapters.table.attempts import AttemptTable
from service.adapters.table.budgets import BudgetTable
from service.adapters.table.drifts import DriftTable
from service.adapters.table.driver import Driver
from service.adapters.table.healths import HealthTable
from service.adapters.table.key_ring import KeyRingTable
from service.adapters.table.lanes import LaneTable
from service.adapters.table.notes import NoteTable
from service.adapters.table.replays import ReplayTable
from service.adapters.table.sessions import SessionTable
from service.adapters.table.shards import ShardTable
from service.adapters.table.tenant_log import TenantLogTable
from service.adapters.table.tenants import TenantTable
from service.ports import (
    AttachmentStore,
    AttemptStore,
    BudgetStore,
    Cipher,
    DriftStore,
    HealthStore,
    KeyRingStore,
    LaneStore,
    ReplayStore,
    SessionStore,
    ShardStore,
    TenantLog,
    TenantStore,
    TimelineStore,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """What the use cases need of the table."""

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
    key_ring: KeyRingStore
    drifts: DriftStore
    attachments: AttachmentStore


def stores_over(driver: Driver, cipher: Cipher) -> Stores:
    """The stores of a table."""
    return Stores(
        sessions=SessionTable(driver, cipher),
        shards=ShardTable(driver),
        lanes=LaneTable(driver, cipher),
        tenants=TenantTable(driver, cipher),
        budgets=BudgetTable(driver),
        healths=HealthTable(driver),
        attempts=AttemptTable(driver),
        timeline=NoteTable(driver),
        tenant_log=TenantLogTable(driver),
        replays=ReplayTable(driver, cipher),
        key_ring=KeyRingTable(driver),
        drifts=DriftTable(driver),
        attachments=AttachmentTable(driver, cipher),
    )
