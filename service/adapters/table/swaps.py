"""Compare and swap: whole items that are put only in the place of the version that was read."""

from service.adapters.table.conditions import Absent, Equals, Item, Put
from service.adapters.table.driver import Driver, NotWrittenError, Verdict
from service.domain.errors import UnavailableError


async def swap(driver: Driver, item: Item, *, version: int, what: str) -> Item | None:
    """Put the item where `version` is (0: where nothing is); what is there then.

    What refuses a repeat of ours is what we wrote: so a lost reply is no lost race. Raises
    UnavailableError, which names `what`.
    """
    there = Equals("version", version) if version else Absent()
    try:
        return await driver.write(Put(item=item, condition=there))
    except NotWrittenError as refused:
        return found(refused, what=what)


def found(refused: NotWrittenError, *, what: str) -> Item | None:
    """What refused a single write. Raises UnavailableError where that is not told."""
    outcome = refused.outcomes[0]
    if outcome.verdict is Verdict.CONTENDED:
        raise UnavailableError(what=what) from refused
    return outcome.item
