"""Hints between processes of this machine: a datagram on loopback to everybody who listens.

Who listens leaves its port as a file in a folder that all share. A datagram may be lost, and one to
a process that was killed is: the ports promise no more. Hints about lanes stay in their process.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from service.adapters.embedded.hints import InProcessHints
from service.domain.ids import EndpointId, LogId, ReplayId, SessionId
from service.ports import SessionHint

HOST: Final = "127.0.0.1"


class Ear(asyncio.DatagramProtocol):
    """Hears what others send."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay

    def datagram_received(self, data: bytes, addr: object) -> None:
        shard, _, session_id = data.decode().partition(" ")
        self._relay.hear(SessionId(session_id), int(shard))


@dataclass(slots=True, kw_only=True)
class Relay:
    """Hints and Mailboxes of one process among several."""

    folder: Path
    here: InProcessHints
    asked_for: "Counter[int]" = field(default_factory=Counter)
    """Shards whose mailbox somebody here waits at."""
    _wire: asyncio.DatagramTransport | None = None
    _name: Path | None = None

    async def open(self) -> None:
        """Listen, and let others know."""
        loop = asyncio.get_running_loop()
        wire, _ = await loop.create_datagram_endpoint(lambda: Ear(self), local_addr=(HOST, 0))
        self._wire = wire
        self._name = self.folder / str(wire.get_extra_info("sockname")[1])
        self.folder.mkdir(exist_ok=True)
        self._name.touch()

    def close(self) -> None:
        """Listen no more."""
        if self._name is not None:
            self._name.unlink(missing_ok=True)
        if self._wire is not None:
            self._wire.close()

    async def session(self, session_id: SessionId, shard: int) -> None:
        """Tell whoever waits at that mailbox, us included."""
        if self._wire is None or self._wire.is_closing():
            return
        for name in self.folder.iterdir():
            self._wire.sendto(f"{shard} {session_id}".encode(), (HOST, int(name.name)))

    async def typing(self, session_id: SessionId, shard: int, *, at: float) -> None:
        """Typing stays in this process."""
        await self.here.typing(session_id, shard, at=at)

    async def lane(
        self, endpoint_id: EndpointId, session_id: LogId, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        """Tell this process's couriers."""
        await self.here.lane(endpoint_id, session_id, delay=delay, hops=hops)

    async def replay(
        self, replay_id: ReplayId, strand: int, *, delay: float = 0.0, hops: int = 0
    ) -> None:
        """Tell this process's couriers."""
        await self.here.replay(replay_id, strand, delay=delay, hops=hops)

    def hear(self, session_id: SessionId, shard: int) -> None:
        """Keep it, if anybody here wants to know."""
        if self.asked_for[shard] > 0:
            self.here.mailboxes.of(shard).put(session_id, None)

    async def receive(self, shard: int) -> Sequence[SessionHint]:
        """What waits for a shard, at most 10; waits for one."""
        self.asked_for[shard] += 1
        try:
            return await self.here.mailboxes.receive(shard)
        finally:
            self.asked_for[shard] -= 1
