"""Keeps the number of shards what it was when the data was made.

A session belongs to a shard for ever: with another number, sessions would have no listener.
"""

from typing import Final

from service.config import LocalSettings
from service.domain.errors import ConfigurationError

FILE: Final = "shards"


def pin_shards(settings: LocalSettings) -> None:
    """Write the number down at the first start, refuse another later. Raises ConfigurationError."""
    path = settings.data_dir / FILE
    try:
        with path.open("x", encoding="ascii") as file:
            file.write(f"{settings.shards}\n")
    except FileExistsError:
        known = path.read_text(encoding="ascii").strip()
        if known != str(settings.shards):
            fault = f"BROKER_SHARDS: this data was made with {known}, which cannot change"
            raise ConfigurationError(fault) from None
