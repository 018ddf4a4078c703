"""Sliding-window rate limits. Time is passed in; nothing here waits."""

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Window:
    """How often something happened in the last `span` seconds."""

    span: float
    times: deque[float] = field(default_factory=deque)

    def admit(self, now: float, limit: int) -> float:
        """Count one more and return 0, or return the seconds to wait without counting it.

        A limit of 0 means no limit.
        """
        while self.times and self.times[0] <= now - self.span:
            self.times.popleft()
        if limit and len(self.times) >= limit:
            return self.times[0] + self.span - now
        self.times.append(now)
        return 0.0
