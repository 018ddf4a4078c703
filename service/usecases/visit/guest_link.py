"""One link during a visit: requests out as frames, frames in to the inbox. Judges nothing."""

from asyncio import Future, Task, create_task, gather, get_running_loop
from collections.abc import Callable
from dataclasses import dataclass, field

from service.domain.errors import LinkLostError
from service.guest.codec import encode
from service.guest.messages import ServerFrame
from service.guest.requests import Request
from service.ports import Link
from service.usecases.visit.inbox import FrameArrived, Inbox, LinkDown


@dataclass(slots=True)
class GuestLink:
    """A live link with a name of its own, and the requests on it that wait for a direct answer."""

    name: str
    link: Link
    inbox: Inbox
    opened_at: float
    reader: "Task[None] | None" = None
    waiting: "dict[str, Future[ServerFrame]]" = field(default_factory=dict)
    sent: int = 0
    received: int = 0
    on_sent: "Callable[[Request, int], None] | None" = None
    """Told each request that was written, and its size in characters."""
    lost: int | None = None
    """The code with which it broke; None while it is there, and where we closed it first."""

    def start(self) -> None:
        """Begin to read; every frame and the close end up in the inbox."""
        self.reader = create_task(self._read())

    async def send(self, request: Request) -> None:
        """Write one request. Raises LinkLostError."""
        text = encode(request)
        await self.link.send(text)
        self.sent += 1
        if self.on_sent is not None:
            self.on_sent(request, len(text))

    def expect(self, tracing_id: str) -> "Future[ServerFrame]":
        """A future for the direct answer to that request; cancelled when the link goes.

        Who gives up waiting says so with `forget`.
        """
        future: Future[ServerFrame] = get_running_loop().create_future()
        self.waiting[tracing_id] = future
        return future

    def forget(self, tracing_id: str) -> None:
        """Nobody waits for that answer any more."""
        self.waiting.pop(tracing_id, None)

    def answer(self, frame: ServerFrame) -> bool:
        """Give a frame to whoever waits for it; whether somebody did."""
        future = self.waiting.pop(frame.tracing_id or "", None)
        if future is None or future.done():
            return False
        future.set_result(frame)
        return True

    async def say_goodbye(self) -> None:
        """Close with 1000 and go on reading: what was sent before the peer's close is heard.

        The inbox then holds all that this link ever brought, and its end.
        """
        await self.link.close()

    async def close(self) -> None:
        """Stop reading and close with 1000."""
        for future in self.waiting.values():
            future.cancel()
        self.waiting.clear()
        if self.reader is not None:
            self.reader.cancel()
            # Not awaited by itself: its cancellation could not be told from one of the visit.
            await gather(self.reader, return_exceptions=True)
        await self.link.close()

    async def _read(self) -> None:
        try:
            while True:
                text = await self.link.receive()
                self.received += 1
                self.inbox.put(FrameArrived(self.name, text))
        except LinkLostError as lost:
            self.lost = lost.code
            self.inbox.put(LinkDown(self.name, lost.code, lost.reason))
