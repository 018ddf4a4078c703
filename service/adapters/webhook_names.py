"""Names of callers' hosts: a name server that is silent delays those names only that it serves.

The system's resolver blocks a thread until its name servers have answered or it gave up, half a
minute perhaps; whoever waits can leave, the thread cannot. The event loop's own threads are few
(uvloop has four), and a handful of dead names would keep them all.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, NoReturn

from service.ports import Clock

THREADS: Final = 64
STUCK_SECONDS: Final = 5.0
"""A lookup that takes longer answers nobody who comes later; they fail at once."""

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""All addresses of a name, in order of preference. Raises OSError."""


def look_up(host: str, port: int) -> Sequence[str]:
    """What the operating system's resolver says. Blocks; raises OSError, UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(slots=True, kw_only=True)
class _Lookup:
    answer: asyncio.Future[Sequence[str]]
    work: Future[Sequence[str]]
    since: float
    waiting: int = 0


class SystemResolver:
    """Asks the operating system in threads of its own, once for all who want the same name now."""

    def __init__(
        self,
        *,
        clock: Clock,
        look_up: Callable[[str, int], Sequence[str]] = look_up,
        threads: int = THREADS,
        stuck_seconds: float = STUCK_SECONDS,
    ) -> None:
        self._clock = clock
        self._look_up = look_up
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="webhook-names")
        self._stuck_seconds = stuck_seconds
        self._lookups: dict[str, _Lookup] = {}
        self._closed = False

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """All addresses, in order of preference. Raises OSError, UnicodeError."""
        if self._closed:
            _not_resolved("no more names are resolved")
        lookup = self._lookups.get(host) or self._begin(host, port)
        if self._clock.monotonic() - lookup.since >= self._stuck_seconds:
            _not_resolved("the name's last lookup has no answer yet")
        lookup.waiting += 1
        try:
            # Whoever leaves must not take the answer from the others, as awaiting it would.
            await asyncio.wait([lookup.answer])
        finally:
            lookup.waiting -= 1
            if not lookup.waiting and lookup.work.cancel():
                self._end(host, lookup)  # it had no thread yet, and needs none any more
        if lookup.answer.cancelled():
            _not_resolved("no more names are resolved")
        return lookup.answer.result()

    def close(self) -> None:
        """Begin no more. Threads that are stuck are left alone: they end with their lookups."""
        self._closed = True
        for lookup in self._lookups.values():
            lookup.answer.cancel()  # what comes after the loop's end would find nobody to tell
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begin(self, host: str, port: int) -> _Lookup:
        work = self._threads.submit(self._look_up, host, port)
        answer = asyncio.wrap_future(work)
        lookup = _Lookup(answer=answer, work=work, since=self._clock.monotonic())
        self._lookups[host] = lookup
        answer.add_done_callback(lambda _: self._end(host, lookup))
        return lookup

    def _end(self, host: str, lookup: _Lookup) -> None:
        if self._lookups.get(host) is lookup:
            del self._lookups[host]
        if lookup.answer.done() and not lookup.answer.cancelled():
            lookup.answer.exception()  # nobody may have waited for it


def _not_resolved(why: str) -> NoReturn:
    raise socket.gaierror(socket.EAI_AGAIN, why)
