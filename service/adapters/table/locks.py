"""Who visits a session on demand, and what such a visit leaves behind for the next one."""

from service.adapters.table import schema
from service.adapters.table.conditions import Absent, Equals, Present, Update, Value, all_of
from service.adapters.table.driver import Driver, NotWrittenError
from service.adapters.table.session_items import UNANSWERED_AFTER
from service.adapters.table.session_steps import lock_session, no_valid_lease, say_farewell
from service.adapters.table.steps import run
from service.domain.ids import SessionId
from service.domain.session import Farewell, Lock, Session


async def take(driver: Driver, session: Session, lock: Lock, *, now: float) -> None:
    """Lock it. Raises LockHeldError (also for a valid lease)."""
    await run(driver, no_valid_lease(session.shard, now), lock_session(session.id, lock, now))


async def release(
    driver: Driver, session_id: SessionId, token: str, *, unanswered_after: int | None
) -> None:
    """Let go, if it is still ours, with what the visit has to say."""
    put: dict[str, Value] = {}
    if unanswered_after is not None:
        put[UNANSWERED_AFTER] = unanswered_after
    update = Update(
        key=schema.session_key(session_id),
        put=put,
        remove=("lock_token", "lock_until"),
        condition=Equals("lock_token", token),
    )
    await _if_it_stands(driver, update)


async def note_unanswered(driver: Driver, session_id: SessionId, after: int) -> None:
    """What `release` says, of a visit without a lock."""
    update = Update(
        key=schema.session_key(session_id),
        put={UNANSWERED_AFTER: after},
        condition=all_of(Present(), Absent("erased")),
    )
    await _if_it_stands(driver, update)


async def farewell(driver: Driver, session_id: SessionId, word: Farewell) -> None:
    """A predecessor's last word, unless a later one has spoken or the session is gone."""
    await _if_it_stands(driver, say_farewell(session_id, word))


async def _if_it_stands(driver: Driver, update: Update) -> None:
    try:
        await driver.write(update)
    except NotWrittenError:
        return
