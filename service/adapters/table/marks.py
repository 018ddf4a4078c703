"""What makes a session due.

The work mark and the schedule, two times of which the earlier one is in the index.

They are kept apart because one must never undo the other: a schedule that came earlier would end a
mark on which a writer still relies, and a mark that came later would put off a retry. Whoever
clears a mark has run after it, so it has served every schedule up to then; a later schedule stays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.adapters.table import index_keys, schema
from service.adapters.table.conditions import (
    Absent,
    AtMost,
    Condition,
    Equals,
    Item,
    Present,
    Update,
    Value,
    all_of,
    any_of,
)
from service.adapters.table.driver import Driver, NotWrittenError, Verdict
from service.domain.errors import NotFoundError, UnavailableError
from service.domain.ids import SessionId

TRIES: Final = 8
"""Each refusal shows what is there, so a try fails only when a time moved in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The two times on an item."""

    look_at: float | None = None
    wake_at: float | None = None

    @property
    def at(self) -> float | None:
        """The earlier one."""
        return min((at for at in (self.look_at, self.wake_at) if at is not None), default=None)


async def mark_work(driver: Driver, session_id: SessionId, look_at: float) -> None:
    """Set the work mark, if it is not later already. Raises NotFoundError."""
    usual = all_of(
        Present(), Absent("wake_at"), any_of(Absent("look_at"), AtMost("look_at", look_at))
    )

    def later(due: Due) -> Due:
        mark = look_at if due.look_at is None else max(due.look_at, look_at)
        return Due(look_at=mark, wake_at=due.wake_at)

    if not await _move(driver, session_id, Due(look_at=look_at), when=usual, change=later):
        raise NotFoundError(kind="session", name=session_id)


async def schedule(
    driver: Driver,
    session_id: SessionId,
    wake_at: float,
    *,
    served: float | None = None,
    mark: float | None = None,
) -> None:
    """Make it due no later than then. Raises NotFoundError.

    A schedule up to `served` gives way: whoever schedules has just looked, so it has been served.
    `mark` is where the caller believes the work mark: one request is enough where that is true.
    """

    def earlier(due: Due) -> Due:
        stands = due.wake_at is not None and (served is None or due.wake_at > served)
        at = min(due.wake_at, wake_at) if due.wake_at is not None and stands else wake_at
        return Due(look_at=due.look_at, wake_at=at)

    free = Absent("wake_at")
    gives_way = free if served is None else any_of(free, AtMost("wake_at", served))
    usual = all_of(Present(), _is("look_at", mark), gives_way)
    wanted = Due(look_at=mark, wake_at=wake_at)
    if not await _move(driver, session_id, wanted, when=usual, change=earlier):
        raise NotFoundError(kind="session", name=session_id)


async def clear(driver: Driver, session_id: SessionId, seen: float) -> bool:
    """Remove the time that was seen and every schedule up to it; whether it was still there."""

    def cleared(due: Due) -> Due | None:
        if due.look_at != seen and (due.look_at is not None or due.wake_at != seen):
            return None
        later = due.wake_at is not None and due.wake_at > seen
        return Due(wake_at=due.wake_at if later else None)

    usual = all_of(*_exactly(Due(look_at=seen)))
    return await _move(driver, session_id, Due(), when=usual, change=cleared)


async def _move(
    driver: Driver,
    session_id: SessionId,
    wanted: Due,
    *,
    when: Condition,
    change: Callable[[Due], Due | None],
) -> bool:
    """Try what is usual in one request; if it is refused, go on from what is there.

    False where there is no session, or nothing to change.
    """
    for _ in range(TRIES):
        try:
            await driver.write(_update(session_id, wanted, when))
        except NotWrittenError as refused:
            outcome = refused.outcomes[0]
        else:
            return True
        if outcome.verdict is Verdict.CONTENDED:
            continue
        if outcome.item is None:
            return False
        found = _due_of(outcome.item)
        changed = change(found)
        if changed is None or changed == found:
            return changed is not None
        wanted, when = changed, all_of(Present(), *_exactly(found))
    raise UnavailableError(what="the session's work mark")


def _update(session_id: SessionId, due: Due, when: Condition) -> Update:
    put: dict[str, Value] = {}
    if due.at is not None:
        number = index_keys.bucket(session_id, schema.DUE_BUCKETS)
        put |= {schema.DUE.pk: index_keys.due_sessions_partition(number), schema.DUE.sk: due.at}
    if due.look_at is not None:
        put["look_at"] = due.look_at
    if due.wake_at is not None:
        put["wake_at"] = due.wake_at
    all_names = (schema.DUE.pk, schema.DUE.sk, "look_at", "wake_at")
    return Update(
        key=schema.session_key(session_id),
        put=put,
        remove=tuple(name for name in all_names if name not in put),
        condition=when,
    )


def _exactly(due: Due) -> tuple[Condition, Condition]:
    return _is("look_at", due.look_at), _is("wake_at", due.wake_at)


def _is(attribute: str, at: float | None) -> Condition:
    return Absent(attribute) if at is None else Equals(attribute, at)


def _due_of(item: Item) -> Due:
    look_at, wake_at = item.get("look_at"), item.get("wake_at")
    return Due(
        look_at=None if look_at is None else float(look_at),
        wake_at=None if wake_at is None else float(wake_at),
    )
