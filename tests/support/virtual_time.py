"""Time that costs nothing: an event loop whose clock jumps to the next timer when nobody can move.

`run_virtual(coroutine)` runs a whole story in microseconds. It has no sockets and no threads, so a
story runs the same way each time; work for the default executor is done on the spot. A story in
which everybody waits for something that no timer will bring fails at once with `DeadlockError`,
which names who waits where.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from contextlib import AbstractAsyncContextManager
from types import FrameType
from typing import Any, Final, ParamSpec, TypeVar
from uuid import UUID

from ulid import ULID

from tests.support.ed25519 import private_key
from tests.traced_calls import TRACING

T = TypeVar("T")
P = ParamSpec("P")

EPOCH: Final = 1_900_000_000.0
"""What the wall clock shows when a story begins (in March 2030)."""
LONGEST_STORY_SECONDS: Final = 400 * 24 * 3600.0
TRACED_TURNS: Final = 6_000
"""Of a longer story coverage sees the beginning only: what comes after repeats itself."""
_RESOLUTION: Final = 1e-6
"""Coarser than a float's step at any such time, so that a due timer is always seen as due."""


class DeadlockError(AssertionError):
    """Nobody can move, and no timer will change that."""


class StoryTooLongError(AssertionError):
    """More virtual time has passed than any story takes: its end never came."""


class UnhandledError(AssertionError):
    """A task or callback failed and nobody looked at it."""


class InlineExecutor(Executor):
    """Does the work at once, in the caller's thread."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run it; the future that comes back is already done."""
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as failure:  # noqa: BLE001 - whatever it is, it belongs to who waits
            done.set_exception(failure)
        return done


class VirtualLoop(asyncio.BaseEventLoop):
    """An asyncio loop without I/O whose time stands still while anybody can move."""

    def __init__(self, *, longest: float = LONGEST_STORY_SECONDS) -> None:
        super().__init__()
        self._virtual_now = 0.0
        self._scheduled: list[asyncio.TimerHandle]  # the base class's heap of timers
        self._longest = longest
        self._turns = 0
        self._clock_resolution = _RESOLUTION
        self._selector = self  # the base class asks its selector to wait
        self.unhandled: list[str] = []
        self.set_exception_handler(_note)

    def time(self) -> float:
        """Seconds since the story began."""
        return self._virtual_now

    def select(self, timeout: float | None) -> list[object]:
        """Called when a turn begins: with a timeout, nobody can move before the first timer."""
        self._turns += 1
        if self._turns == TRACED_TURNS:
            TRACING.enough()
        if timeout is None:
            raise DeadlockError(f"nobody can move, and no timer is set:\n{_who_waits(self)}")
        if timeout > 0:
            # Jump exactly there: adding the difference could fall short by a rounding error.
            self._virtual_now = self._scheduled[0].when()
            if self._virtual_now > self._longest:
                self._longest = float("inf")  # let the clean-up run
                raise StoryTooLongError(f"after {self._virtual_now} s:\n{_who_waits(self)}")
        return []

    def _process_events(self, event_list: list[object]) -> None:
        """There is no I/O."""

    def _write_to_self(self) -> None:
        """There is no other thread that could have to be woken from."""

    def run_in_executor(
        self, executor: Executor | None, func: Callable[..., T], *args: object
    ) -> asyncio.Future[T]:
        """Use the given executor, or do the work on the spot."""
        if not isinstance(executor, InlineExecutor | None):
            return asyncio.wrap_future(executor.submit(func, *args), loop=self)
        # Its outcome is told in the next turn, as a thread's would be at the earliest: whoever
        # waits lets the others move.
        told: asyncio.Future[T] = self.create_future()
        try:
            result = func(*args)
        except Exception as failure:  # noqa: BLE001 - whatever it is, it belongs to who waits
            self.call_soon(_fail, told, failure)
        else:
            self.call_soon(_tell, told, result)
        return told


def _tell(told: asyncio.Future[T], result: T) -> None:
    if not told.cancelled():
        told.set_result(result)


def _fail(told: asyncio.Future[T], failure: Exception) -> None:
    if not told.cancelled():
        told.set_exception(failure)


def _note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if isinstance(loop, VirtualLoop):
        loop.unhandled.append(f"{context.get('message')}: {context.get('exception')!r}")


def _who_waits(loop: asyncio.AbstractEventLoop) -> str:
    tasks = sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name())
    return "\n".join(f"  {task.get_name()}: {_where(task)}" for task in tasks)


def _where(task: asyncio.Task[Any]) -> str:
    """The innermost line the task waits at."""
    names: list[str] = []
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame: FrameType | None = getattr(awaited, "cr_frame", None)
        if frame is not None:
            names.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}")
        awaited = getattr(awaited, "cr_await", None)
    return " > ".join(names)


def run_virtual(story: Coroutine[Any, Any, T], *, longest: float = LONGEST_STORY_SECONDS) -> T:
    """Run a coroutine on virtual time and return its result; tasks it leaves behind are cancelled.

    Raises DeadlockError, StoryTooLongError (more than `longest` virtual seconds), UnhandledError.
    """
    loop = VirtualLoop(longest=longest)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(story)
    if loop.unhandled:
        raise UnhandledError("; ".join(loop.unhandled))
    return result


class VirtualClock:
    """The clock port over the running loop's time; `skew` sets a process's wall clock apart."""

    def __init__(self, *, epoch: float = EPOCH, skew: float = 0.0) -> None:
        self.epoch = epoch
        self.skew = skew

    def now(self) -> float:
        """Seconds since the epoch, as this process believes."""
        return self.epoch + self.skew + self.monotonic()

    def monotonic(self) -> float:
        """Seconds since the story began."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait; zero yields once."""
        await asyncio.sleep(_wait(seconds))

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[Any]:
        """Cancel the block and raise TimeoutError after that long."""
        return asyncio.timeout(None if seconds is None else _wait(seconds))


def _wait(seconds: float) -> float:
    """A wait that makes time pass.

    A timer within the resolution is due already, so two tasks that wait again and again for less
    would keep each other from ever getting there.
    """
    return max(seconds, 2 * _RESOLUTION) if seconds > 0 else seconds


class FakeIds:
    """The ids port from a seed: the same story makes the same ids; another seed makes others."""

    def __init__(self, seed: int = 0, *, now: Callable[[], float] | None = None) -> None:
        self._chance = random.Random(seed)
        self._now = now or (lambda: EPOCH)
        self._last = 0

    def ulid(self, prefix: str) -> str:
        """A prefixed ULID, rising with every call."""
        fresh = (int(self._now() * 1000) << 80) + self._chance.getrandbits(80)
        self._last = fresh if fresh >> 80 > self._last >> 80 else self._last + 1
        return f"{prefix}_{ULID.from_int(self._last)}"

    def uuid(self) -> str:
        """A lower-case UUID4."""
        return str(UUID(int=self._chance.getrandbits(128), version=4))

    def secret(self) -> str:
        """43 characters, as long as 32 bytes in URL-safe base64."""
        return "".join(self._chance.choices("abcdefghijklmnopqrstuvwxyz0123456789-_", k=43))

    def signing_secret(self) -> str:
        """`whsec_` and 32 bytes in base64."""
        return "whsec_" + "".join(self._chance.choices("ABCDEFGHabcdefgh0123456789+/", k=43)) + "="

    def signing_pair(self) -> str:
        """`whsk_` and a pair in base64."""
        return private_key(self._chance.randbytes(32))

    def jitter(self) -> float:
        """A number in [0, 1)."""
        return self._chance.random()
