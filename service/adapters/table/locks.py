"""Who visits a session on demand, and what such a visit leaves behind for the next one."""

from service.adapters.table import schema
from service.adapters.table.conditions import (
    Absent,
    AtMost,
    Equals,
    Item,
    Present,
    Update,
    Value,
    all_of,
    any_of,
)
from service.adapters.table.driver import Driver, NotWrittenError
from service.adapters.table.session_items import RENEWAL, UNANSWERED_AFTER
from service.adapters.table.session_steps import lock_session, no_valid_lease, say_farewell
from service.adapters.table.steps import Step, run
from service.domain.errors import BrokerError, LockHeldError, VersionConflictError
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


def claim_renewal(session: Session, claim: Lock, *, now: float) -> Step:
    """Only of the session as it was read: whoever changed it may have renewed the login."""
    token, until = RENEWAL
    mine = any_of(Absent(until), AtMost(until, now), Equals(token, claim.token))
    update = Update(
        key=schema.session_key(session.id),
        put={token: claim.token, until: claim.until},
        condition=all_of(Equals("version", session.version), mine),
    )

    def refusal(item: Item | None) -> BrokerError:
        if item is None or item.get("version") != session.version:
            return VersionConflictError(item="session")
        return LockHeldError(until=float(item.get(until, now)))

    return Step(write=update, refusal=refusal)


async def release_renewal(driver: Driver, session_id: SessionId, token: str) -> None:
    """Let another one try, if the claim is still ours."""
    update = Update(
        key=schema.session_key(session_id),
        remove=RENEWAL,
        condition=Equals(RENEWAL[0], token),
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
