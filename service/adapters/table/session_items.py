"""A session as its META item, and back.

Six things lie beside each other in one item and never touch each other: the session (under
`version`, with the guest's login), the lock, what makes it due, when attachments were last spoken
of, the last word of a listener that gave the shard away, and after which place of the log an attach
had no answer. The body is JSON text; what conditions and indexes look at are attributes of their
own.
"""

import dataclasses
import json
from typing import Any, Final, cast

from service.adapters.table import index_keys, schema
from service.adapters.table.conditions import Item, Value
from service.adapters.table.records import plain_record, record, text_of
from service.domain.session import Farewell, Lock, PublicState, Session, State
from service.domain.sign_in import SignIn
from service.ports import Cipher

WANTS_LINK: Final = frozenset({PublicState.OPENING, PublicState.ACTIVE, PublicState.RECOVERING})
LIVE_KEYS: Final = (schema.LIVE.pk, schema.LIVE.sk)
TENANT_KEYS: Final = (schema.TENANT.pk, schema.TENANT.sk)
DUE_KEYS: Final = (schema.DUE.pk, schema.DUE.sk)
SIGN_IN: Final = "sign_in"
RENEWAL: Final = ("renewal_token", "renewal_until")
"""Who has the guest's login renewed."""
UNANSWERED_AFTER: Final = "unanswered_after"
SECRETS: Final = ("client_id", "next_client_id")
APART: Final = (
    "version",
    "lock",
    "look_at",
    "wake_at",
    "attachments_at",
    "farewell",
    "sign_in",
    UNANSWERED_AFTER,
)
"""Members that are attributes of their own."""


class Shut:
    """The Cipher of whoever needs no secret: a session can be erased when its key is lost."""

    def encrypt(self, text: str, *, context: str) -> str:
        """Nothing."""
        del text, context
        return ""

    def decrypt(self, text: str, *, context: str) -> str:
        """Nothing."""
        del text, context
        return ""


def session_attributes(session: Session, cipher: Cipher) -> dict[str, Value]:
    """What a commit sets: everything but the keys, the lock and the due time."""
    attributes: dict[str, Value] = {
        "version": session.version,
        "body": _body(session, cipher),
        "tenant": session.tenant,
        "deployment": session.deployment,
        "state": session.public.value,
        "fine": session.state.value,
        "shard": session.shard,
    }
    if session.sign_in is not None:
        # Of its own: code from before it keeps attributes that it does not know.
        text = text_of(plain_record(session.sign_in))
        attributes[SIGN_IN] = cipher.encrypt(text, context=_context(session.id, SIGN_IN))
    if session.state is State.ERASED:
        attributes["erased"] = 1
    else:
        attributes[schema.TENANT.pk] = schema.tenant_partition(session.tenant)
        attributes[schema.TENANT.sk] = index_keys.created_sort(session.created_at, session.id)
    if wants_link(session):
        attributes[schema.LIVE.pk] = index_keys.live_partition(session.shard)
        attributes[schema.LIVE.sk] = session.id
    return attributes


def absent_attributes(session: Session) -> tuple[str, ...]:
    """What a commit removes: the keys of indexes that the session is not in, and a login."""
    anonymous = () if session.sign_in is not None else (SIGN_IN,)
    gone = anonymous if wants_link(session) else (*anonymous, *LIVE_KEYS)
    return gone if session.state is not State.ERASED else (*gone, *TENANT_KEYS)


def wants_link(session: Session) -> bool:
    """Whether a listener should hold a link for it, unless its deployment is only touched.

    A dormant session is found by its due time alone.
    """
    return session.public in WANTS_LINK and session.state is not State.DORMANT


def due_attributes(session: Session, due_at: float) -> dict[str, Value]:
    """The keys that make it due then."""
    number = index_keys.bucket(session.id, schema.DUE_BUCKETS)
    return {schema.DUE.pk: index_keys.due_sessions_partition(number), schema.DUE.sk: due_at}


def session_item(session: Session, cipher: Cipher) -> Item:
    """The whole item of a new session."""
    key = schema.session_key(session.id)
    item: dict[str, Value] = {"pk": key.pk, "sk": key.sk, **session_attributes(session, cipher)}
    times = {"look_at": session.look_at, "wake_at": session.wake_at}
    due: dict[str, Value] = {name: at for name, at in times.items() if at is not None}
    if due:
        item |= due | due_attributes(session, min(float(at) for at in due.values()))
    if session.farewell is not None:
        item |= farewell_attributes(session.farewell)
    if session.unanswered_after:
        item[UNANSWERED_AFTER] = session.unanswered_after
    if session.lock is not None:
        item |= {"lock_token": session.lock.token, "lock_until": session.lock.until}
    return item


def read_session(item: Item, cipher: Cipher) -> Session:
    """The session that an item says, with its lock and what makes it due."""
    members = cast("dict[str, Any]", json.loads(str(item["body"])))
    for name in SECRETS:
        if members.get(name):
            members[name] = cipher.decrypt(members[name], context=_context(members["id"], name))
    members["version"] = int(item["version"])
    session = record(Session, members)
    look_at, wake_at = _time(item, "look_at"), _time(item, "wake_at")
    return dataclasses.replace(
        session,
        lock=read_lock(item),
        look_at=look_at,
        wake_at=wake_at,
        attachments_at=_time(item, "attachments_at"),
        farewell=_read_farewell(item),
        sign_in=_read_sign_in(item, members["id"], cipher),
        unanswered_after=int(item.get(UNANSWERED_AFTER, 0)),
    )


def farewell_attributes(farewell: Farewell) -> dict[str, Value]:
    """A predecessor's last word."""
    return {"farewell_fence": farewell.fence, "farewell_drained": int(farewell.drained)}


def _read_farewell(item: Item) -> Farewell | None:
    if "farewell_fence" not in item:
        return None
    return Farewell(fence=int(item["farewell_fence"]), drained=bool(int(item["farewell_drained"])))


def _read_sign_in(item: Item, session_id: str, cipher: Cipher) -> SignIn | None:
    if SIGN_IN not in item:
        return None
    text = cipher.decrypt(str(item[SIGN_IN]), context=_context(session_id, SIGN_IN))
    # Whoever opens no secret sees no login.
    return record(SignIn, json.loads(text)) if text else None


def read_lock(item: Item) -> Lock | None:
    """The lock on an item, live or not."""
    if "lock_token" not in item:
        return None
    return Lock(token=str(item["lock_token"]), until=float(item["lock_until"]))


def _time(item: Item, name: str) -> float | None:
    at = item.get(name)
    return None if at is None else float(at)


def _body(session: Session, cipher: Cipher) -> str:
    members = {name: value for name, value in plain_record(session).items() if name not in APART}
    for name in SECRETS:
        if members.get(name):
            members[name] = cipher.encrypt(str(members[name]), context=_context(session.id, name))
    return text_of(members)


def _context(session_id: str, name: str) -> str:
    return f"session/{session_id}/{name.replace('_', '-')}"
