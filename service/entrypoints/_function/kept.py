"""What Lambda keeps between the invocations of one environment, and what it must not keep."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Generic, Protocol, TypeVar

from service.adapters.system import SystemClock
from service.bootstrap import Opened
from service.domain.errors import BrokerError, UnavailableError
from service.entrypoints._process.event_loop import new_event_loop

CANCEL_ROUNDS: Final = 3
CANCEL_SECONDS: Final = 0.5
"""How long a task has to end once it is cancelled; then what it still waits for is cancelled too.

So a table that hangs keeps no invocation: a call of ours may take far longer than is left.
"""

EARLY_SECONDS: Final = 5.0
"""Lambda gives an environment 10 s to initialise, imports included (developer guide, "Understanding
the Lambda execution environment lifecycle"), and begins anew after that."""
OPEN_SECONDS: Final = 10.0
"""Where somebody waits for the answer: a second try of his is worth more than a longer one."""
JUST_NOW_SECONDS: Final = 2.0
"""Between an opening that hung before the first invocation and that invocation: it came during
it, and has waited long enough."""

NEEDED: Final = "what a start needs (table, queues, KMS or the secret)"

_log = logging.getLogger(__name__)


class Context(Protocol):
    """What Lambda tells of an invocation, as far as it is of use here."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is ended (developer guide, "Lambda context object in Python")."""
        ...


def remaining_seconds(context: Context) -> float:
    """How long the invocation may still take."""
    return context.get_remaining_time_in_millis() / 1000


def request_id(context: Context) -> str | None:
    """The invocation's name, as Lambda's own lines have it; None where nobody gave one."""
    given = getattr(context, "aws_request_id", None)
    return given if isinstance(given, str) else None


class Site(Protocol):
    """What is opened once: loading boto3 and TLS is most of a cold start."""

    @property
    def opened(self) -> Opened:
        """The ports, to be closed in the end."""
        ...


S = TypeVar("S", bound=Site)
Answer = TypeVar("Answer")


class Kept(Generic[S]):
    """One loop and what was opened on it. One invocation at a time."""

    def __init__(
        self,
        open_site: Callable[[], Awaitable[S]],
        *,
        cancel_seconds: float = CANCEL_SECONDS,
        early_seconds: float = EARLY_SECONDS,
        open_seconds: float = OPEN_SECONDS,
    ) -> None:
        self._open = open_site
        self._early_seconds = early_seconds
        self._open_seconds = open_seconds
        self._cancel_seconds = cancel_seconds
        self._runner = asyncio.Runner(loop_factory=new_event_loop)
        self._site: S | None = None
        self._clock = SystemClock()
        self._hung_at: float | None = None

    def open_early(self) -> None:
        """Open the site before the first invocation, while the environment is initialised.

        Raises nothing: what could not be opened is opened by the first invocation, which says why.
        """
        try:
            self._runner.run(self._open_in_time())
        except (BrokerError, TimeoutError) as error:
            # By the world's clock: others run on while an environment is frozen.
            self._hung_at = self._clock.now() if isinstance(error, TimeoutError) else None
            _log.warning("function.not_open_yet", extra={"error": type(error).__name__})

    def run(self, serve: Callable[[S], Awaitable[Answer]]) -> Answer:
        """Serve one invocation, opening the site before the first; raises what either raises.

        What could not be opened is opened by the next.
        """
        return self._runner.run(self._serve(serve))

    def call(
        self,
        serve: Callable[[S], Answer],
        *,
        away: Callable[[UnavailableError], Answer],
    ) -> Answer:
        """The same for code that runs the thread's loop by itself, as Mangum does.

        `away` answers where something that opening needs is away, within `OPEN_SECONDS`.
        """
        try:
            try:
                answer = partial(serve, self._runner.run(self._opened_soon()))
            except UnavailableError as error:
                answer = partial(away, error)
            # Whoever ran another loop on this thread meanwhile may have left none.
            asyncio.set_event_loop(self._runner.get_loop())
            return answer()
        finally:
            self._runner.run(_end_the_rest(self._cancel_seconds))

    def close(self) -> None:
        """Let go of loop and clients; AWS just ends the process."""
        self._runner.run(self._close())
        self._runner.close()

    async def _serve(self, serve: Callable[[S], Awaitable[Answer]]) -> Answer:
        try:
            return await serve(await self._opened())
        finally:
            await _end_the_rest(self._cancel_seconds)

    async def _open_in_time(self) -> None:
        try:
            async with asyncio.timeout(self._early_seconds):
                await self._opened()
        finally:
            await _end_the_rest(self._cancel_seconds)

    async def _opened_soon(self) -> S:
        hung_at, self._hung_at = self._hung_at, None
        if hung_at is not None and self._clock.now() - hung_at < JUST_NOW_SECONDS:
            raise UnavailableError(what=NEEDED)
        try:
            async with asyncio.timeout(self._open_seconds):
                return await self._opened()
        except TimeoutError as late:
            raise UnavailableError(what=NEEDED) from late

    async def _opened(self) -> S:
        if self._site is None:
            self._site = await self._open()
        return self._site

    async def _close(self) -> None:
        if self._site is not None:
            await self._site.opened.close()


async def _end_the_rest(each_seconds: float) -> None:
    """The environment is frozen now.

    What is still at work would go on at the next invocation, hours later, as if no time had passed.
    """
    for _ in range(CANCEL_ROUNDS):
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if not left:
            return
        for task in left:
            task.cancel()
        ended, left = await asyncio.wait(left, timeout=each_seconds)
        await asyncio.gather(*ended, return_exceptions=True)
    if left:
        _log.error("function.left_at_work", extra={"tasks": len(left)})
