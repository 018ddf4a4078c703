"""What each change of a session writes, as steps.

Pure: it decides, `service.adapters.table.sessions` does.
"""

import dataclasses
from collections.abc import Sequence

from service.adapters.table import schema
from service.adapters.table.conditions import (
    Absent,
    AtMost,
    Check,
    Condition,
    Delete,
    Equals,
    Item,
    Present,
    Put,
    Update,
    Value,
    all_of,
    any_of,
    free,
)
from service.adapters.table.log_items import event_item, send_attributes, send_item
from service.adapters.table.session_items import (
    RENEWAL,
    absent_attributes,
    farewell_attributes,
    session_attributes,
    session_item,
)
from service.adapters.table.steps import Step
from service.adapters.table.tenant_items import idempotency_item
from service.domain.access import IdempotencyRecord
from service.domain.errors import (
    BrokerError,
    IdempotencyInProgressError,
    LockHeldError,
    NotFoundError,
    PlaceTakenError,
    VersionConflictError,
)
from service.domain.ids import SessionId
from service.domain.log import LogEvent
from service.domain.send import PendingSend
from service.domain.session import Farewell, Lock, Session, State
from service.ports import Authority, Cipher, SendChange


def create_session(session: Session, cipher: Cipher, answer: IdempotencyRecord | None) -> Step:
    """The session itself.

    It remembers the answer that was made with it, so that erasing finds that too.
    """
    item = dict(session_item(session, cipher))
    if answer is not None:
        item["answer"] = answer.key
    return Step(
        write=Put(item=item, condition=Absent()),
        refusal=_changed("session"),
        identity=("body",),
    )


def change_session(
    before: Session, after: Session, cipher: Cipher, authority: Authority | None
) -> Step:
    """The session's own part of META, by version and authority.

    `after` has its new version already.
    """
    fence: dict[str, Value] = {}
    if authority is not None and authority.fence is not None:
        fence["fence"] = authority.fence
    return Step(
        write=Update(
            key=schema.session_key(before.id),
            put=session_attributes(after, cipher) | fence,
            remove=(*absent_attributes(after), *_renewal_over(before, after)),
            condition=all_of(Equals("version", before.version), *_authorised(authority)),
        ),
        refusal=_changed("session"),
        identity=("version", "body"),
    )


def _renewal_over(before: Session, after: Session) -> tuple[str, ...]:
    """A claim on renewing a login is of no more use with another one."""
    return RENEWAL if before.sign_in != after.sign_in else ()


def _authorised(authority: Authority | None) -> Sequence[Condition]:
    if authority is None:
        return ()
    token = () if authority.lock_token is None else (Equals("lock_token", authority.lock_token),)
    listener = () if authority.listener is None else (free("lock_until", authority.now),)
    return (*token, *listener, *_not_fenced_off(authority))


def _not_fenced_off(authority: Authority) -> Sequence[Condition]:
    """No later owner of the shard has changed the session."""
    if authority.fence is None:
        return ()
    return (any_of(Absent("fence"), AtMost("fence", authority.fence)),)


def append_event(event: LogEvent, answer: IdempotencyRecord | None = None) -> Step:
    """One event at its place, if the place is free."""
    return Step(
        write=Put(
            item=event_item(event, answer=None if answer is None else answer.key),
            condition=Absent(),
        ),
        refusal=lambda _: PlaceTakenError(sequence=event.sequence),
        identity=("id",),
        decides=True,
    )


def make_send(send: PendingSend) -> Step:
    """A new pending send."""
    return Step(write=Put(item=send_item(send), condition=Absent()), refusal=_changed("send"))


def move_send(before: PendingSend, after: PendingSend) -> Step:
    """A pending send moved on; `after` has its new version already."""
    return Step(
        write=Update(
            key=schema.send_key(before.session_id, before.sequence, before.kind),
            put=send_attributes(after),
            condition=Equals("version", before.version),
        ),
        refusal=_changed("send"),
        identity=("version", "body"),
    )


def change_send(change: SendChange) -> Sequence[Step]:
    """A pending send made, moved, or settled and gone."""
    before, after = change.before, change.after
    if before is None:
        return () if after is None else (make_send(after),)
    if after is not None:
        return (move_send(before, dataclasses.replace(after, version=before.version + 1)),)
    return (drop_send(before),)


def drop_send(before: PendingSend) -> Step:
    """A pending send settled and gone."""
    gone = Delete(
        key=schema.send_key(before.session_id, before.sequence, before.kind),
        condition=Equals("version", before.version),
    )
    return Step(write=gone, refusal=_changed("send"))


def take_reference(session: Session, *, instead_of: SessionId | None) -> Sequence[Step]:
    """Let the external id name this session, if it names none or that one.

    Nothing where there is none.
    """
    if session.external_id is None:
        return ()
    key = schema.reference_key(session.tenant, session.external_id)
    named = Absent() if instead_of is None else any_of(Absent(), Equals("session", instead_of))
    put = Put(item={"pk": key.pk, "sk": key.sk, "session": session.id}, condition=named)
    return (Step(write=put, refusal=_changed("externalId"), identity=("session",)),)


def list_external(session: Session) -> Sequence[Step]:
    """Let the session be found among those that ever had its external id."""
    if session.external_id is None:
        return ()
    return (_listing(schema.external_partition(session.tenant, session.external_id), session.id),)


def list_conversation(before: Session | None, after: Session) -> Sequence[Step]:
    """Let the session be found by a conversation id that is new to it, and by none it forgot."""
    steps: list[Step] = []
    known = None if before is None else before.conversation_id
    if after.conversation_id is not None and after.conversation_id != known:
        partition = schema.conversation_partition(after.tenant, after.conversation_id)
        steps.append(_listing(partition, after.id))
    forgotten = () if before is None else sorted(before.conversations - after.conversations)
    partitions = (schema.conversation_partition(after.tenant, name) for name in forgotten)
    return [*steps, *(_unlisted(each, after.id) for each in partitions)]


def _listing(partition: str, session_id: SessionId) -> Step:
    key = schema.listing_key(partition, session_id)
    return Step(write=Put(item={"pk": key.pk, "sk": key.sk}), refusal=_changed("listing"))


def _unlisted(partition: str, session_id: SessionId) -> Step:
    return Step(
        write=Delete(key=schema.listing_key(partition, session_id)), refusal=_changed("listing")
    )


def retakes_reference(before: Session, after: Session) -> bool:
    """Whether a failed session comes back to life.

    Its external id may have been given away meanwhile.
    """
    return before.state is State.FAILED and after.state not in {
        State.FAILED,
        State.ENDED,
        State.ERASED,
    }


def keep_answer(answer: IdempotencyRecord | None, cipher: Cipher) -> Sequence[Step]:
    """The idempotency record, if its key is new or the old record has expired."""
    if answer is None:
        return ()
    put = Put(
        item=idempotency_item(answer, cipher),
        condition=any_of(Absent(), AtMost("expires_at", answer.created_at)),
    )
    return (Step(write=put, refusal=lambda _: IdempotencyInProgressError()),)


def point_to_answer(session_id: SessionId, answer: IdempotencyRecord) -> Step:
    """Let the session remember an answer that names it, so that erasing finds it.

    For answers that came with no event; an event carries the key of its own.
    """
    key = schema.answer_pointer_key(session_id, answer.key)
    item: Item = {
        "pk": key.pk,
        "sk": key.sk,
        "answer": answer.key,
        schema.TTL: int(answer.expires_at) + 1,
    }
    return Step(write=Put(item=item), refusal=_changed("answer"))


def say_farewell(session_id: SessionId, farewell: Farewell) -> Update:
    """A predecessor's last word, unless a later one has spoken."""
    return Update(
        key=schema.session_key(session_id),
        put=farewell_attributes(farewell),
        condition=all_of(
            Present(),
            Absent("erased"),
            any_of(Absent("farewell_fence"), AtMost("farewell_fence", farewell.fence)),
        ),
    )


def no_valid_lease(shard: int, now: float) -> Step:
    """Nobody holds the shard."""
    check = Check(key=schema.lease_key(shard), condition=free("expires_at", now))
    return Step(write=check, refusal=lambda item: _held(item, "expires_at", now))


def lock_session(session_id: SessionId, lock: Lock, now: float) -> Step:
    """The session's lock, if it is free and the session is not erased."""
    update = Update(
        key=schema.session_key(session_id),
        put={"lock_token": lock.token, "lock_until": lock.until},
        condition=all_of(Present(), Absent("erased"), free("lock_until", now)),
    )

    def refusal(item: Item | None) -> BrokerError:
        if item is None or "erased" in item:
            return NotFoundError(kind="session", name=session_id)
        return _held(item, "lock_until", now)

    return Step(write=update, refusal=refusal, identity=("lock_token",))


def _held(item: Item | None, attribute: str, now: float) -> LockHeldError:
    return LockHeldError(until=now if item is None else float(item.get(attribute, now)))


def _changed(item: str) -> "_Changed":
    return _Changed(item)


@dataclasses.dataclass(frozen=True, slots=True)
class _Changed:
    """Makes the error that says that an item changed; the item that refused tells no more."""

    item: str

    def __call__(self, refused_by: Item | None) -> BrokerError:
        del refused_by
        return VersionConflictError(item=self.item)
