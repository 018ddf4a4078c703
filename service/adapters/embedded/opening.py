"""Open the embedded table.

The stores, the driver under them, and what a dead process left behind.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from service.adapters.embedded.driver import EmbeddedDriver, IndexLag
from service.adapters.table.stores import Stores, stores_over
from service.ports import Cipher


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedTable(Stores):
    """The stores, and the driver that serves them."""

    driver: EmbeddedDriver

    async def close(self) -> None:
        """Finish what is queued and give the data directory back."""
        await self.driver.close()


def open_embedded(
    path: Path | None,
    *,
    cipher: Cipher,
    clock_now: Callable[[], float],
    executor: Executor | None = None,
    lag: IndexLag | None = None,
) -> EmbeddedTable:
    """The table in that directory; in memory, and gone when closed, with None.

    `executor` runs everything where it is given (it must run one thing at a time); otherwise the
    table has threads of its own. `lag` makes index reads stale, as DynamoDB's can be. Raises
    ConfigurationError when another process has the directory.
    """
    driver = EmbeddedDriver(path, now=clock_now, executor=executor, lag=lag)
    driver.forget_the_dead()
    stores = stores_over(driver, cipher)
    return EmbeddedTable(
        driver=driver,
        sessions=stores.sessions,
        shards=stores.shards,
        lanes=stores.lanes,
        tenants=stores.tenants,
        budgets=stores.budgets,
        healths=stores.healths,
        attempts=stores.attempts,
        timeline=stores.timeline,
        tenant_log=stores.tenant_log,
        replays=stores.replays,
        key_ring=stores.key_ring,
        drifts=stores.drifts,
        attachments=stores.attachments,
    )
