"""Every key, prefix, attribute and index name of the table. Only `index_keys` spells some too.

    entity              pk                  sk                 in index           read by
    session             SES#id              META               live, due, tenant  all, by id
    event               SES#id              EVT#sequence       -                  the log
    pending send        SES#id              OUT#sequence#kind  -                  open_sends
    lane                SES#id              LANE#endpoint      due, lanes         courier, by id
    attempt             SES#id              TRY#hook#seq#id    lanes (failed)     deliveries; ttl
    page of notes       SES#id              NOTE#begun#writer  -                  timeline; ttl
    answer pointer      SES#id              IDEM#key           -                  purge; ttl
    attachment          SES#id              ATT#id             -                  visit, by id; ttl
    external reference  TEN#t#EXT#external  REF                -                  create
    external listing    TEN#t#EXT#external  SES#id             -                  list_sessions
    conversation        TEN#t#CNV#id        SES#id             -                  list_sessions
    API key             KEYDIGEST#digest    KEY                -                  every request
    API key listing     TEN#t, and KEYS     KEY#id             -                  list_keys
    deployment          TEN#t               DEP#name           -                  by name
    drift               TEN#t#DRIFT#name    KIND#kind          -                  drift; ttl
    files it takes      TEN#t               MEDIA#name         -                  who asks to upload
    endpoint            HOOK#id             META               -                  courier, by id
    endpoint listing    TEN#t               HOOK#id            -                  endpoints_of
    tenant's log        TEN#t               LOG                due                sweeper
    event, lane, attempt of that log        as a session's     as a session's     courier; ttl
    endpoint health     HOOK#id             STATE              -                  courier; ttl
    endpoint place      HOOK#id             PLACE#n            -                  courier; ttl
    endpoint second     HOOK#id             SECOND#n           -                  courier; ttl
    replay              HOOK#id             RPL#id             -                  replays; ttl
    replay strand       RPL#id              STRAND#n           due                courier; ttl
    idempotency record  TEN#t#IDEM#key      REF                -                  repeats; ttl
    shard lease         SHARD#n             LEASE              -                  listeners
    connection slot     LINE#line           SLOT#slot          -                  who attaches; ttl
    breaker             LINE#line           BREAKER            -                  who cannot attach
    wrapped data keys   KEYRING             RING               -                  the cipher

    index   pk attribute  sk attribute  also holds         partition
    live    live_pk       live_sk       -                  LIVE#shard: wants a link
    due     due_pk        due_sk        shard              DUE#SES#b, DUE#LANE#b, DUE#RPL#b, DUE#LOG
    tenant  tenant_pk     tenant_sk     state, deployment  TEN#t: sessions by creation
    lanes   lane_pk       lane_sk       due_sk             HOOK#endpoint#bucket,
                                                HOOK#endpoint#TRY#day: attempts that failed

An index holds nothing that a plain append or a healthy claim changes: those cost one write unit. A
copy of an API key or an endpoint is always written in the same transaction as its twin.
"""

from typing import Final

from service.adapters.table.conditions import Index, Key
from service.domain.ids import (
    ApiKeyId,
    AttachmentId,
    AttemptId,
    DeploymentName,
    EndpointId,
    LogId,
    ReplayId,
    SessionId,
    TenantName,
    log_of,
    tenant_of,
)
from service.domain.send import SendKind

PK: Final = "pk"
SK: Final = "sk"
TTL: Final = "ttl"
DUE_BUCKETS: Final = 16
LANE_BUCKETS: Final = 8
LAST: Final = "\U0010ffff"  # sorts after every text that follows a prefix
SEQUENCE_DIGITS: Final = 12

LIVE: Final = Index(name="live", pk="live_pk", sk="live_sk", also=("tenant", "deployment"))
DUE: Final = Index(name="due", pk="due_pk", sk="due_sk", numeric=True, also=("shard",))
TENANT: Final = Index(name="tenant", pk="tenant_pk", sk="tenant_sk", also=("state", "deployment"))
LANES: Final = Index(name="lanes", pk="lane_pk", sk="lane_sk", also=("due_sk",))
INDEXES: Final = (LIVE, DUE, TENANT, LANES)

META: Final = "META"
REF: Final = "REF"
EVENTS: Final = "EVT#"
SENDS: Final = "OUT#"
LANE: Final = "LANE#"
ATTEMPTS: Final = "TRY#"
NOTES: Final = "NOTE#"
ATTACHMENTS: Final = "ATT#"
MEDIA: Final = "MEDIA#"
SESSIONS: Final = "SES#"
TENANTS: Final = "TEN#"
ANSWERS: Final = "IDEM#"
SHARDS: Final = "SHARD#"
KEYS: Final = "KEY#"
DEPLOYMENTS: Final = "DEP#"
DRIFTS: Final = "KIND#"
ENDPOINTS: Final = "HOOK#"
REPLAYS: Final = "RPL#"
STRANDS: Final = "STRAND#"
ALL_KEYS: Final = "KEYS"
KEY_RING: Final = Key(pk="KEYRING", sk="RING")
DUE_LOGS: Final = "DUE#LOG"
"""In `due`: the logs of tenants that lanes are to be woken for. Notices are rare: one bucket."""


def session_partition(session_id: SessionId) -> str:
    """Everything of one session."""
    return f"{SESSIONS}{session_id}"


def session_of(partition: str) -> SessionId:
    """The session that a partition belongs to."""
    return SessionId(partition.removeprefix(SESSIONS))


def session_key(session_id: SessionId) -> Key:
    """The session itself."""
    return Key(pk=session_partition(session_id), sk=META)


def log_partition(log_id: LogId) -> str:
    """Where a log and its lanes lie: with its session, or with its tenant."""
    tenant = tenant_of(log_id)
    return f"{SESSIONS}{log_id}" if tenant is None else tenant_partition(tenant)


def log_in(partition: str) -> LogId:
    """The log that lies in a partition."""
    return log_of(tenant_in(partition)) if partition.startswith(TENANTS) else session_of(partition)


def log_key(tenant: TenantName) -> Key:
    """How far the log of a tenant reaches."""
    return Key(pk=tenant_partition(tenant), sk="LOG")


def event_key(log_id: LogId, sequence: int) -> Key:
    """One place in a log."""
    return Key(pk=log_partition(log_id), sk=event_sort(sequence))


def event_sort(sequence: int) -> str:
    """The sort key of a place, padded so that text order is number order."""
    return f"{EVENTS}{sequence:0{SEQUENCE_DIGITS}d}"


def sequence_of(sk: str) -> int:
    """The place that an event's sort key names."""
    return int(sk.removeprefix(EVENTS))


def send_key(session_id: SessionId, sequence: int, kind: SendKind) -> Key:
    """One pending send; sorts by (sequence, kind)."""
    return Key(pk=session_partition(session_id), sk=f"{SENDS}{sequence:0{SEQUENCE_DIGITS}d}#{kind}")


def lane_key(endpoint_id: EndpointId, log_id: LogId) -> Key:
    """One lane."""
    return Key(pk=log_partition(log_id), sk=f"{LANE}{endpoint_id}")


def attempts_prefix(endpoint_id: EndpointId) -> str:
    """What the sort keys of a lane's attempts begin with."""
    return f"{ATTEMPTS}{endpoint_id}#"


def attempt_key(
    endpoint_id: EndpointId, log_id: LogId, sequence: int, attempt_id: AttemptId
) -> Key:
    """One attempt; sorts by (sequence, time)."""
    place = f"{sequence:0{SEQUENCE_DIGITS}d}#{attempt_id}"
    return Key(pk=log_partition(log_id), sk=attempts_prefix(endpoint_id) + place)


def attempt_of(sk: str) -> tuple[EndpointId, int, AttemptId]:
    """The endpoint, the place in the log and the attempt that a sort key names."""
    endpoint_id, sequence, attempt_id = sk.removeprefix(ATTEMPTS).split("#")
    return EndpointId(endpoint_id), int(sequence), AttemptId(attempt_id)


def notes_key(session_id: SessionId, begun: float, writer: str) -> Key:
    """A page of notes; sorts by the time that it begins at."""
    return Key(pk=session_partition(session_id), sk=f"{notes_from(begun)}#{writer}")


def notes_from(since: float) -> str:
    """What the sort keys of pages of that time begin with; later ones sort after it."""
    return f"{NOTES}{since:018.6f}"


def notes_of(sk: str) -> tuple[float, str]:
    """When a page begins and who wrote it, as its sort key names them."""
    begun, _, writer = sk.removeprefix(NOTES).partition("#")
    return float(begun), writer


def attachment_key(session_id: SessionId, attachment_id: AttachmentId) -> Key:
    """One attachment; sorts by time."""
    return Key(pk=session_partition(session_id), sk=f"{ATTACHMENTS}{attachment_id}")


def media_key(tenant: TenantName, name: DeploymentName) -> Key:
    """What files a deployment takes."""
    return Key(pk=tenant_partition(tenant), sk=f"{MEDIA}{name}")


def answer_pointer_key(session_id: SessionId, key: str) -> Key:
    """Where a session remembers an idempotency record that names it."""
    return Key(pk=session_partition(session_id), sk=f"{ANSWERS}{key}")


def lane_of(pk: str, sk: str) -> tuple[EndpointId, LogId]:
    """The lane that a key names."""
    return EndpointId(sk.removeprefix(LANE)), log_in(pk)


def tenant_partition(tenant: TenantName) -> str:
    """What belongs to a tenant."""
    return f"{TENANTS}{tenant}"


def tenant_in(partition: str) -> TenantName:
    """The tenant that a partition belongs to."""
    return TenantName(partition.removeprefix(TENANTS))


def external_partition(tenant: TenantName, external_id: str) -> str:
    """The reference of an external id and the sessions that ever had it."""
    return f"TEN#{tenant}#EXT#{external_id}"


def conversation_partition(tenant: TenantName, conversation_id: str) -> str:
    """The sessions that are found by a conversation."""
    return f"TEN#{tenant}#CNV#{conversation_id}"


def reference_key(tenant: TenantName, external_id: str) -> Key:
    """Which session an external id names."""
    return Key(pk=external_partition(tenant, external_id), sk=REF)


def listing_key(partition: str, session_id: SessionId) -> Key:
    """A session in the listing of an external id or a conversation."""
    return Key(pk=partition, sk=f"{SESSIONS}{session_id}")


def idempotency_key(tenant: TenantName, key: str) -> Key:
    """The record of one Idempotency-Key."""
    return Key(pk=f"TEN#{tenant}#IDEM#{key}", sk=REF)


def digest_key(digest: str) -> Key:
    """An API key by the SHA-256 of its text."""
    return Key(pk=f"KEYDIGEST#{digest}", sk="KEY")


def api_key_keys(tenant: TenantName, key_id: ApiKeyId) -> tuple[Key, Key]:
    """An API key in its tenant's listing and in that of all."""
    sk = f"{KEYS}{key_id}"
    return Key(pk=tenant_partition(tenant), sk=sk), Key(pk=ALL_KEYS, sk=sk)


def deployment_key(tenant: TenantName, name: DeploymentName) -> Key:
    """A deployment by its name."""
    return Key(pk=tenant_partition(tenant), sk=f"{DEPLOYMENTS}{name}")


def drift_key(tenant: TenantName, name: DeploymentName, kind: str) -> Key:
    """One kind of unknown thing in a deployment's frames."""
    return Key(pk=f"TEN#{tenant}#DRIFT#{name}", sk=f"{DRIFTS}{kind}")


def endpoint_key(endpoint_id: EndpointId) -> Key:
    """An endpoint by its id."""
    return Key(pk=f"{ENDPOINTS}{endpoint_id}", sk=META)


def health_key(endpoint_id: EndpointId) -> Key:
    """How an endpoint does."""
    return Key(pk=f"{ENDPOINTS}{endpoint_id}", sk="STATE")


def place_key(endpoint_id: EndpointId, place: int) -> Key:
    """One of the requests that an endpoint may have at a time."""
    return Key(pk=f"{ENDPOINTS}{endpoint_id}", sk=f"PLACE#{place}")


def second_key(endpoint_id: EndpointId, second: int) -> Key:
    """How many requests an endpoint had in a second."""
    return Key(pk=f"{ENDPOINTS}{endpoint_id}", sk=f"SECOND#{second}")


def endpoint_partition(endpoint_id: EndpointId) -> str:
    """What belongs to an endpoint."""
    return f"{ENDPOINTS}{endpoint_id}"


def replay_key(endpoint_id: EndpointId, replay_id: ReplayId) -> Key:
    """One replay; sorts by time."""
    return Key(pk=endpoint_partition(endpoint_id), sk=f"{REPLAYS}{replay_id}")


def replay_partition(replay_id: ReplayId) -> str:
    """The strands of a replay."""
    return f"{REPLAYS}{replay_id}"


def strand_key(replay_id: ReplayId, number: int) -> Key:
    """One strand; sorts by number."""
    return Key(pk=replay_partition(replay_id), sk=f"{STRANDS}{number:03d}")


def strand_named(pk: str, sk: str) -> tuple[ReplayId, int]:
    """The strand that a key names."""
    return ReplayId(pk.removeprefix(REPLAYS)), int(sk.removeprefix(STRANDS))


def endpoint_listing_key(tenant: TenantName, endpoint_id: EndpointId) -> Key:
    """An endpoint in its tenant's listing."""
    return Key(pk=tenant_partition(tenant), sk=f"{ENDPOINTS}{endpoint_id}")


def lease_key(shard: int) -> Key:
    """The lease of a shard."""
    return Key(pk=f"{SHARDS}{shard}", sk="LEASE")


def shard_of(partition: str) -> int:
    """The shard that a lease's partition names."""
    return int(partition.removeprefix(SHARDS))


def slot_key(line: str, slot: int) -> Key:
    """How many connections of a slot are gone, on the line to one deployment."""
    return Key(pk=f"LINE#{line}", sk=f"SLOT#{slot}")


def breaker_key(line: str) -> Key:
    """Whether the line lets us in."""
    return Key(pk=f"LINE#{line}", sk="BREAKER")
