"""The doctor's use case over real wires, and nothing behind it: no store, no AWS, no broker."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from service.adapters.genesys_http import GenesysHttp
from service.adapters.guest_rest import HttpGuestRest
from service.adapters.guest_socket import WebsocketGuestSockets
from service.adapters.platform import GenesysPlatform
from service.adapters.system import SystemClock, SystemIds
from service.adapters.trust import trust
from service.domain.deployment import Deployment
from service.domain.drift import kind_of
from service.domain.region import Regions
from service.usecases.examine import Examine
from service.usecases.try_session import TrySession


class EverybodysTurn:
    """One connection of one process: nobody waits, and nobody else wants to know."""

    async def __call__(self, *_: object) -> float | None:
        """Now."""
        return None

    def leave(self, *_: object) -> None:
        """Nothing is kept."""

    def is_shut(self, *_: object) -> bool:
        """Whoever asks once knows nothing."""
        return False

    async def answered(self, *_: object) -> None:
        """Nothing is kept."""

    async def throttled(self, *_: object) -> None:
        """Nothing is kept."""

    async def failed(self, *_: object) -> None:
        """Nothing is kept."""


@dataclass(frozen=True, slots=True)
class Strange:
    """What Genesys sent that no table here knows, each kind once."""

    kinds: "dict[str, None]" = field(default_factory=dict)

    def __call__(self, _: Deployment, labels: Iterable[str], *__: object) -> None:
        """Keep the labels without what looks like an id."""
        self.kinds.update(dict.fromkeys(map(kind_of, labels)))

    async def settle(self) -> None:
        """Nothing is written."""


@asynccontextmanager
async def examination(
    ca_file: Path | None, regions: Regions, strange: Strange
) -> AsyncIterator[Examine]:
    """One that may be used while the block lasts. Raises ConfigurationError for the file."""
    clock, ids, tls = SystemClock(), SystemIds(), trust(ca_file)
    http = GenesysHttp(clock=clock, tls=tls, regions=regions)
    trying = TrySession(
        clock=clock,
        ids=ids,
        sockets=WebsocketGuestSockets(clock=clock, tls=tls, regions=regions),
        admit=EverybodysTurn(),
        drift=strange,
    )
    try:
        yield Examine(
            clock=clock,
            ids=ids,
            guest_rest=HttpGuestRest(http),
            platform=GenesysPlatform(http, clock=clock),
            try_session=trying,
            regions=regions,
        )
    finally:
        await http.close()
