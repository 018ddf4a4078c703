"""What waits to be sent to one queue: sent at once, or with what else came while requests are out.

So a lone text never waits, and of a crowd ten share a request. Knows no hint and no SQS.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

BATCH_MAX: Final = 10
"""SQS API reference, SendMessageBatch: at most 10."""
REQUESTS_MAX: Final = 4
"""Requests to one queue at a time: enough to hide a slow one, few enough that a crowd is joined."""


@dataclass(slots=True, eq=False)
class Letter:
    """A text on its way; equal texts that wait are one."""

    body: str
    delay: int
    senders: int = 0
    outcome: "asyncio.Future[Exception | None]" = field(default_factory=asyncio.Future)


Post = Callable[[Sequence[Letter]], Awaitable[Sequence[Exception | None]]]
"""Sends letters in one request; what became of each. Must not raise."""


class Outbox:
    """The way into one queue."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._waiting: dict[str, Letter] = {}
        self._carriers: set[asyncio.Task[None]] = set()

    async def send(self, body: str, delay: int) -> None:
        """Return when it is sent; what waits already goes out once, with the shorter delay.

        Cancelled before it is on its way, it is not sent. Raises what became of it.
        """
        letter = self._waiting.get(body)
        if letter is None:
            letter = self._waiting[body] = Letter(body, delay)
        letter.delay = min(letter.delay, delay)
        letter.senders += 1
        if len(self._carriers) < REQUESTS_MAX:
            carrier = asyncio.create_task(self._carry())
            self._carriers.add(carrier)
            carrier.add_done_callback(self._carriers.discard)
        try:
            # Others may wait for the same letter.
            failure = await asyncio.shield(letter.outcome)
        except asyncio.CancelledError:
            letter.senders -= 1
            if not letter.senders and self._waiting.get(body) is letter:
                del self._waiting[body]
            raise
        if failure is not None:
            raise failure

    async def _carry(self) -> None:
        while self._waiting:
            letters = list(islice(self._waiting.values(), BATCH_MAX))
            for letter in letters:
                del self._waiting[letter.body]
            outcomes = await self._post(letters)
            for letter, outcome in zip(letters, outcomes, strict=True):
                letter.outcome.set_result(outcome)
