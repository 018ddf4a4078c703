"""One item of each kind, as some version of the code wrote it, and what it says.

`python -m tests.support.golden <file>` writes what this version makes; files that are there stay as
they are for ever: later versions must read them. Nothing here deletes or overwrites.
"""

import asyncio
import dataclasses
import json
import sqlite3
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from service.adapters.cipher import AesCipher
from service.adapters.embedded import EmbeddedTable, open_embedded
from service.adapters.table.conditions import Item
from service.adapters.table.records import plain
from service.adapters.table.stores import Stores
from service.domain.attachment import Attachment, AttachmentStatus, Upload
from service.domain.budget import Breaker
from service.domain.data_keys import DataKey, KeyRing
from service.domain.drift import Drift
from service.domain.endpoint import Lane
from service.domain.health import Health
from service.domain.ids import (
    AttachmentId,
    ClientId,
    DeploymentName,
    EndpointId,
    EventId,
    ListenerName,
    ReplayId,
    SessionId,
    log_of,
)
from service.domain.log import EventType
from service.domain.media import MediaRules
from service.domain.notice import Notice
from service.domain.replay import Strand
from service.domain.session import Farewell, Lock, Session, State
from service.domain.sign_in import SignIn
from service.domain.timeline import Kind, Note, NotePage
from tests.support.store_builders import (
    NOW,
    TENANT,
    a_deployment,
    a_lane,
    a_replay,
    a_send,
    a_session,
    an_answer,
    an_api_key,
    an_attempt,
    an_endpoint,
    an_event,
)

CIPHER: Final = AesCipher(bytes(range(32)))
SESSION: Final = SessionId("ses_01GOLDEN")
OTHER: Final = SessionId("ses_02GOLDEN")
SIGNED: Final = SessionId("ses_03GOLDEN")
HOOK: Final = EndpointId("whk_01GOLDEN")
REPLAY: Final = ReplayId("rpl_01GOLDEN")
SHOP: Final = DeploymentName("golden")
LINE: Final = "golden.example|dep-1"
SLOT: Final = int(NOW) // 5
"""One of that time: a table removes what is out of date, also in the middle of a test."""
TOKEN: Final = "clm_01GOLDEN"
ANSWER: Final = "POST /v1/sessions golden"
DRIFT: Final = Drift(
    tenant=TENANT,
    deployment=SHOP,
    kind="field:body.mood",
    count=2,
    first_at=NOW,
    last_at=NOW + 1,
    sample={"class": "StructuredMessage"},
    made_at=NOW,
)
FILE: Final = Attachment(
    id=AttachmentId("att_01GOLDEN"),
    session_id=SESSION,
    file_name="photo.jpg",
    file_type="image/jpeg",
    file_size=20_480,
    status=AttachmentStatus.AWAITING_UPLOAD,
    guest_id="b5d6e7f8-1111-4222-8333-444455556666",
    incarnation=1,
    upload=Upload(url="https://up.example/1", headers={"x-amz-tagging": "a=b"}, expires_at=NOW),
    created_at=NOW,
    updated_at=NOW,
)
RULES: Final = MediaRules(file_types=("image/*",), max_file_size_kb=10_240)
PAGE: Final = NotePage(
    session_id=SESSION,
    begun=NOW,
    writer="own_01GOLDEN",
    notes=(Note(at=NOW, kind=Kind.LINK, what="opened", facts={"link": "lnk_1"}),),
)


async def write_one_of_each(stores: Stores) -> None:
    """Into an empty table."""
    await _tenant(stores)
    await _session(stores)
    await _delivery(stores)
    await _files(stores)
    shards, budgets = stores.shards, stores.budgets
    await shards.acquire(3, ListenerName("own_01GOLDEN"), now=NOW, until=NOW + 15)
    await budgets.take(LINE, SLOT, 2, most=9)
    broken = Breaker(version=1, by="by_1", trips=2, retry_at=NOW + 30)
    await budgets.change_breaker(LINE, Breaker(), broken)
    made = DataKey(id="key_01", wrapped="d3JhcHBlZA==", made_at=NOW, used_from=NOW + 86_400)
    await stores.key_ring.add(KeyRing(), made)
    await stores.drifts.add(DRIFT)
    await stores.timeline.keep(PAGE)


async def _tenant(stores: Stores) -> None:
    tenants = stores.tenants
    await tenants.put_key(an_api_key(digest="golden-digest"), None)
    shop = a_deployment(name=SHOP)
    await tenants.put_deployment(shop, expected_version=None, idempotency=None)
    hook = an_endpoint(id=HOOK)
    notice = Notice(
        id=EventId("evt_01GOLDEN"),
        tenant=TENANT,
        type=EventType.WEBHOOK_DISABLED,
        at=NOW,
        data={"webhook": {"id": HOOK}},
    )
    await tenants.put_endpoint(hook, expected_version=None, idempotency=None)
    await tenants.put_endpoint(
        dataclasses.replace(hook, version=1), expected_version=1, idempotency=None, notice=notice
    )


async def _session(stores: Stores) -> None:
    session = dataclasses.replace(_a_session(SESSION), external_id="basket-7")
    events = [an_event(session, 1, keys=frozenset({"b:1", "t:2"}), channel_time=NOW)]
    await stores.sessions.create(
        session,
        events=events,
        sends=[a_send(session, 1)],
        idempotency=an_answer(key=ANSWER, secret_answer="told once"),
        may_replace=None,
    )
    after = dataclasses.replace(
        session,
        state=State.LIVE,
        conversation_id="conversation-1",
        next_client_id=ClientId("5f1c9a52-1111-4222-8333-444455556666"),
        version=1,
    )
    await stores.sessions.commit(session, after, events=[an_event(session, 2)])
    verb = an_answer(key=f"POST /v1/sessions/{SESSION}/end", result=f'{{"sessionId":"{SESSION}"}}')
    await stores.tenants.put_idempotency(verb, now=NOW)
    await stores.sessions.mark_work(SESSION, NOW + 60)
    await stores.sessions.schedule(SESSION, NOW + 600)
    await stores.sessions.say_farewell(SESSION, Farewell(fence=4, drained=True))
    await stores.sessions.note_unanswered(SESSION, 2)
    lock = Lock(token="lck_01GOLDEN", until=NOW + 35)
    await stores.sessions.take_lock(await stores.sessions.load(SESSION), lock, now=NOW)
    other = _a_session(OTHER)
    await stores.sessions.create(other, events=(), sends=(), idempotency=None, may_replace=None)
    gone = dataclasses.replace(other, state=State.ERASED, version=1)
    await stores.sessions.erase(other, gone, an_event(other, 1, type=EventType.ERASED, data={}))
    login = SignIn(jwt="golden.jwt", refresh_token="golden-refresh", issued_at=NOW, name="Ann")
    signed = dataclasses.replace(_a_session(SIGNED), sign_in=login)
    await stores.sessions.create(signed, events=(), sends=(), idempotency=None, may_replace=None)
    claim = Lock(token="lck_02GOLDEN", until=NOW + 20)
    await stores.sessions.claim_renewal(signed, claim, now=NOW)


async def _files(stores: Stores) -> None:
    await stores.attachments.create(FILE, an_answer(key=f"POST /v1/sessions/{SESSION}/attachments"))
    await stores.attachments.learn(a_deployment(name=SHOP), RULES)


def _a_session(name: SessionId) -> Session:
    return a_session(id=name, deployment=SHOP, metadata={"order": "7"})


async def _delivery(stores: Stores) -> None:
    lane = await stores.lanes.claim(
        Lane(endpoint_id=HOOK, session_id=SESSION, cursor=0), token=TOKEN, now=NOW, until=NOW + 60
    )
    assert lane is not None
    failing = dataclasses.replace(lane, attempt=1, due_at=NOW + 5, failing_since=NOW)
    await stores.lanes.save(lane, failing)
    news = a_lane(a_session(), endpoint_id=HOOK, session_id=log_of(TENANT))
    await stores.lanes.claim(news, token=TOKEN, now=NOW, until=NOW + 60)
    attempt = an_attempt(endpoint_id=HOOK, session_id=SESSION)
    await stores.attempts.record(attempt)
    ill = Health(
        version=1, by="by_1", changed_at=NOW, failed=3, row=3, lanes=(SESSION,), probe_at=NOW + 60
    )
    await stores.healths.change_health(HOOK, Health(), ill)
    await stores.healths.take_place(HOOK, 0, token=TOKEN, now=NOW, until=NOW + 60)
    await stores.healths.take_turn(HOOK, 1_900_000_000, most=5)
    replay = a_replay(id=REPLAY, endpoint_id=HOOK, strands=1, unfinished=1)
    strand = Strand(replay_id=REPLAY, endpoint_id=HOOK, number=0, due_at=NOW + 5)
    await stores.replays.create(replay, [strand], idempotency=None)


async def read_one_of_each(stores: Stores) -> Mapping[str, Any]:
    """What the items say, as JSON has it."""
    sessions, tenants = stores.sessions, stores.tenants
    page = await sessions.read_log(SESSION, after=0, limit=10)
    news = await stores.tenant_log.read(TENANT, after=0, limit=10)
    tried = await stores.attempts.attempts_of(HOOK, SESSION, cursor=None, limit=10)
    failed = await tenants.idempotency(TENANT, ANSWER, now=NOW)
    shop = a_deployment(name=SHOP)
    values: Mapping[str, object] = {
        "session": await sessions.load(SESSION),
        "erased": await sessions.load_erased(OTHER),
        "signed in": await sessions.load(SIGNED),
        "events": page.events,
        "sends": await sessions.open_sends(SESSION),
        "external id": await sessions.by_external_id(TENANT, "basket-7"),
        "answer": failed,
        "key": await tenants.key_by_digest("golden-digest"),
        "deployment": await tenants.deployment(TENANT, SHOP),
        "endpoint": await tenants.endpoint(HOOK),
        "endpoints": await tenants.endpoints_of(TENANT),
        "news": news.events,
        "lane": await stores.lanes.lane(HOOK, SESSION),
        "lane of news": await stores.lanes.lane(HOOK, log_of(TENANT)),
        "attempts": tried.items,
        "health": await stores.healths.health(HOOK),
        "replay": await stores.replays.replay(HOOK, REPLAY),
        "strand": await stores.replays.strand(REPLAY, 0),
        "lease": await stores.shards.lease(3),
        "taken": await stores.budgets.taken(LINE, SLOT),
        "breaker": await stores.budgets.breaker(LINE),
        "data keys": await stores.key_ring.load(),
        "drift": (await stores.drifts.list(shop, at=NOW, cursor=None, limit=10)).items,
        "file": await stores.attachments.attachment(SESSION, FILE.id),
        "files": await stores.attachments.rules(shop),
        "notes": await stores.timeline.pages(SESSION, since=0.0, limit=10),
    }
    return {name: plain(value) for name, value in values.items()}


def items_in(folder: Path) -> Sequence[Item]:
    """Every item of an embedded table that is closed."""
    [file] = [each for each in folder.iterdir() if each.suffix in {".db", ".sqlite", ".sqlite3"}]
    with sqlite3.connect(file) as connection:
        rows = connection.execute("SELECT body FROM items ORDER BY pk, sk").fetchall()
    return [cast("Item", json.loads(body)) for (body,) in rows]


async def _made(folder: Path) -> Mapping[str, Any]:
    table: EmbeddedTable = open_embedded(folder, cipher=CIPHER, clock_now=lambda: NOW)
    await write_one_of_each(table)
    said = await read_one_of_each(table)
    await table.close()
    return {"items": items_in(folder), "said": said}


if __name__ == "__main__":
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as made_in:
        text = json.dumps(asyncio.run(_made(Path(made_in))), indent=1, sort_keys=True)
    with target.open("x", encoding="utf-8") as out:
        out.write(text + "\n")
