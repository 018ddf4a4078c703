"""What every shell does with a world: feed it, keep its timers, hand its outputs on.

It must not do I/O: the shell says how to learn the time, how to be woken, and how to carry out.
"""

import heapq
from collections.abc import Callable
from typing import Final

from service.simulator.control import Params
from service.simulator.events import Event, Output, StartTimer, TimerFired, TimerId
from service.simulator.world import World

# Timers of real clocks fire a little early; anything this near counts as due (seconds).
EARLY: Final = 0.0005


class Pump:
    """Runs one world. All calls must come from one thread."""

    def __init__(
        self,
        world: World,
        *,
        now: Callable[[], float],
        wake_at: Callable[[float], None],
        carry_out: Callable[[Output], None],
    ) -> None:
        """Take the world and the shell's three abilities."""
        self._world = world
        self._now = now
        self._wake_at = wake_at
        self._carry_out = carry_out
        self._timers: list[tuple[float, TimerId]] = []

    def feed(self, event: Event) -> None:
        """Let the world handle an event of now."""
        self._apply(self._world.handle(event, self._now()))

    def order(self, verb: str, params: Params) -> object:
        """Let the world carry out a test's order. Raises `ControlError`."""
        result, outputs = self._world.control(verb, params, self._now())
        self._apply(outputs)
        return result

    def fire_due(self) -> None:
        """Fire the timers whose time has come, in order; then ask to be woken for the next."""
        while self._timers and self._timers[0][0] <= self._now() + EARLY:
            at, timer = heapq.heappop(self._timers)
            self._apply(self._world.handle(TimerFired(timer=timer), max(at, self._now())))
        if self._timers:
            self._wake_at(self._timers[0][0])

    def _apply(self, outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, StartTimer):
                heapq.heappush(self._timers, (output.at, output.timer))
                if self._timers[0][1] == output.timer:
                    self._wake_at(output.at)
            else:
                self._carry_out(output)
