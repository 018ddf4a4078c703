"""All of it in one process on one machine: `python -m service.entrypoints.local`.

Prints what to open, and one line `ready http://127.0.0.1:<port>` when it serves. SIGTERM and SIGINT
drain and exit 0.
"""

import asyncio
import sys

import uvloop

from service.config import LocalSettings
from service.domain.errors import ConfigurationError, UnavailableError
from service.entrypoints._local.machine import serve
from service.entrypoints._process.allocator import keep_memory_small
from service.observability import configure_logging


def main() -> int:
    """Run until told to stop; the exit status."""
    keep_memory_small()
    try:
        settings = LocalSettings.read()
        human = sys.stderr.isatty()
        configure_logging("INFO", sys.stderr, human=human, metrics_of=settings.metrics_name)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except ConfigurationError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
        return 2
    except UnavailableError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
