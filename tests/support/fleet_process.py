"""A listener's own process over a table in a file that several processes share.

`python -m tests.support.fleet_process` does what `service.entrypoints.listener_service` does, with
SQLite and datagrams where that has DynamoDB and SQS: they cost so little that many listeners fit on
one machine.
"""

import asyncio
import sys

from service.adapters.cipher import AesCipher, file_key
from service.adapters.embedded.driver import EmbeddedDriver
from service.adapters.embedded.hints import InProcessHints
from service.adapters.storage import Storage
from service.adapters.system import OwnListener, SystemClock
from service.adapters.table.stores import stores_over
from service.bootstrap import Opened, with_wires
from service.config import ListenerServiceSettings, LocalSettings
from service.entrypoints._process.event_loop import new_event_loop
from service.entrypoints._service.serving import serve
from service.observability import configure_logging
from tests.support.relay import Relay


async def shared_ports(settings: LocalSettings) -> Opened:
    """The ports over the file and the folder of hints in the data directory, made where missing."""
    folder, clock = settings.data_dir, SystemClock()
    folder.mkdir(exist_ok=True)
    driver = EmbeddedDriver(folder, now=clock.now, shared=True)
    relay = Relay(folder=folder / "hints", here=InProcessHints(clock))
    await relay.open()

    async def close() -> None:
        relay.close()
        await driver.close()

    storage = Storage(
        table=stores_over(driver, AesCipher(file_key(folder / "encryption.key"))),
        hints=relay,
        mailboxes=relay,
        deliveries=relay.here.deliveries,
        close=close,
    )
    return with_wires(settings, clock, storage, OwnListener())


def main() -> None:
    """Serve one term."""
    configure_logging("INFO", sys.stderr, human=False)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(ListenerServiceSettings.read(), opening=shared_ports))


if __name__ == "__main__":
    main()
