"""Names that others chose, as addresses that may be reached, and connections to those alone.

What is judged is what is connected to: a name cannot answer differently in between.
"""

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import httpcore2

from service.adapters.webhook_names import Resolver
from service.domain.errors import BlockedTargetError
from service.ports import Clock
from service.webhook.target import Network, judge_address

ADDRESSES_MAX: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Resolves a name within `seconds`, and judges every address of it."""

    clock: Clock
    resolver: Resolver
    allowed: Sequence[Network]
    """Private networks that may be reached all the same."""
    seconds: float

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The first few addresses, if all may be reached: a bad one among good is a trap.

        Raises BlockedTargetError, OSError where the name has none.
        """
        try:
            async with self.clock.timeout(self.seconds):
                addresses = await self.resolver(host, port)
        except (TimeoutError, UnicodeError) as exc:
            raise socket.gaierror(socket.EAI_AGAIN, "the name was not resolved") from exc
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        for address in addresses:
            reason = judge_address(address, self.allowed)
            if reason is not None:
                raise BlockedTargetError(reason=f"the host resolves to {reason}")
        return addresses[:ADDRESSES_MAX]


class JudgedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections to judged addresses; the name stays in Host and in TLS."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(  # noqa: D102 - the transport's own interface
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the transport's own interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        *spare, last = await self._judge(host, port)
        for address in spare:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(last, port, timeout, local_address, socket_options)
