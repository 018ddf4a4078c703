"""The only place of the simulator that touches the real clock, randomness and waiting."""

import asyncio
import random
import time


class SystemClock:
    """Wall-clock time in epoch seconds, and real waiting."""

    def now(self) -> float:
        """Return the time of now."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def seeded(seed: int | None) -> random.Random:
    """Return a source of chance that always draws the same for the same seed; None is fresh."""
    return random.Random(seed)
