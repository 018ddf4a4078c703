"""Carry out writes together and turn a refusal into the error that it means, or into a win.

A reply can be lost after the write was applied; repeated, its condition then fails against
ourselves. So a step may name the attributes that prove who won: an item that already has exactly
ours was written by us.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from service.adapters.table.conditions import Item, Put, Update, Value, Write
from service.adapters.table.driver import Driver, NotWrittenError, Outcome, Verdict
from service.domain.errors import BrokerError

CONTENTION_TRIES: Final = 3
"""A conflict tells nothing about our conditions, so it is tried again before the race is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One write, the error that its refusal means, and the attributes that would prove it ours.

    The error is made from the item that refused.
    """

    write: Write
    refusal: Callable[[Item | None], BrokerError]
    identity: tuple[str, ...] = ()
    decides: bool = False
    """Whether it alone proves the whole transaction: what it writes is in no other one."""


async def run(driver: Driver, *steps: Step) -> Item | None:
    """All of them or none. One step is a plain write and brings the item as it then is."""
    refused: NotWrittenError | None = None
    for _ in range(CONTENTION_TRIES):
        try:
            return await _write(driver, steps)
        except NotWrittenError as exc:
            refused = exc
        found = list(zip(steps, refused.outcomes, strict=True))
        for step, outcome in _deciding(found):
            if is_ours(step, outcome):
                return outcome.item
        for step, outcome in found:
            if outcome.verdict is Verdict.REFUSED:
                raise step.refusal(outcome.item) from refused
    raise _contended(steps, refused) from refused


def _deciding(found: Sequence[tuple[Step, Outcome]]) -> Sequence[tuple[Step, Outcome]]:
    """Those that tell whether the transaction was ours: its events, else the first that can.

    Others may look like ours by chance: two writers may move a send in the very same way.
    """
    events = [pair for pair in found if pair[0].decides]
    return events or [pair for pair in found if pair[0].identity][:1]


async def _write(driver: Driver, steps: Sequence[Step]) -> Item | None:
    if len(steps) == 1:
        return await driver.write(steps[0].write)
    await driver.transact([step.write for step in steps])
    return None


def is_ours(step: Step, outcome: Outcome) -> bool:
    """Whether the item that refused the step is what the step itself had written before."""
    if outcome.verdict is not Verdict.REFUSED or outcome.item is None or not step.identity:
        return False
    wanted = _written(step.write)
    return all(name in wanted and outcome.item.get(name) == wanted[name] for name in step.identity)


def _written(write: Write) -> dict[str, Value]:
    match write:
        case Put():
            return dict(write.item)
        case Update():
            return dict(write.put)
        case _:
            return {}


def _contended(steps: Sequence[Step], refused: NotWrittenError | None) -> BrokerError:
    outcomes = [] if refused is None else refused.outcomes
    for step, outcome in zip(steps, outcomes, strict=False):
        if outcome.verdict is Verdict.CONTENDED:
            return step.refusal(outcome.item)
    return steps[0].refusal(None)
