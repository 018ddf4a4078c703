"""Read what is encrypted, fetching first what opens it. Reading items itself stays plain code."""

from collections.abc import Callable
from typing import TypeVar

from service.ports.keys import SealedError

T = TypeVar("T")


async def unsealed(read: Callable[[], T]) -> T:
    """What `read` reads. Raises what a fetch raises: UnavailableError, ConfigurationError."""
    while True:
        try:
            return read()
        except SealedError as sealed:
            fetch = sealed.fetch
        # Each fetch opens one key more, or raises.
        await fetch()
