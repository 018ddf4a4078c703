"""Opens the ports over the data directory, the way every process on one machine does."""

from service.bootstrap import Opened, local_ports
from service.config import LocalSettings
from service.domain.errors import ConfigurationError
from service.entrypoints._local.shards import pin_shards


async def open_ports(settings: LocalSettings) -> Opened:
    """The ports; makes the data directory. Raises ConfigurationError when it cannot be used."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        pin_shards(settings)
        return await local_ports(settings)
    except OSError as exc:
        fault = f"BROKER_DATA_DIR: {settings.data_dir} cannot be used: {exc.strerror}"
        raise ConfigurationError(fault) from exc
