"""Open what a function needs: the ports on the table and queues that its broker shares."""

import os
import sys
from typing import TypeVar

from service.bootstrap import Opened, local_ports
from service.bootstrap.keys import key_file
from service.config import FunctionSettings
from service.domain.errors import ConfigurationError
from service.entrypoints._process.allocator import keep_memory_small
from service.observability import configure_logging

S = TypeVar("S", bound=FunctionSettings)


def begin_process(settings: type[S]) -> S:
    """What comes before anything else in an environment. Raises ConfigurationError."""
    keep_memory_small()
    # At once: what is wrong with the settings is told in lines of ours too.
    configure_logging("INFO", sys.stderr, human=False)
    read = settings.read()
    configure_logging("INFO", sys.stderr, human=False, metrics_of=read.metrics_name)
    return read


def is_on_lambda() -> bool:
    """Whether Lambda's runtime client runs this process (developer guide, "Runtime API")."""
    return "AWS_LAMBDA_RUNTIME_API" in os.environ


async def open_ports(settings: FunctionSettings) -> Opened:
    """The ports of one environment. Raises ConfigurationError, UnavailableError."""
    key = key_file(settings)
    if settings.kms_key is None and not key.is_file():
        # One that is made here would be lost with this environment, and what it encrypts with it.
        fault = f"BROKER_DATA_DIR: {key} is not there; a function needs the key of its broker"
        raise ConfigurationError(fault)
    return await local_ports(settings)
