"""A listener that stays, one of several: `python -m service.entrypoints.listener_service`.

Prints one line `ready http://<host>:<port>`, where `/healthz` answers. SIGTERM and SIGINT drain and
exit 0, and so does the end of a generation: the supervisor starts the next one.
"""

import asyncio
import sys

from service.config import ListenerServiceSettings
from service.domain.errors import ConfigurationError, UnavailableError
from service.entrypoints._process.allocator import keep_memory_small
from service.entrypoints._process.event_loop import new_event_loop
from service.entrypoints._service.serving import serve
from service.observability import configure_logging


def main() -> int:
    """Run until told to stop; the exit status."""
    keep_memory_small()
    try:
        settings = ListenerServiceSettings.read()
        human = sys.stderr.isatty()
        configure_logging("INFO", sys.stderr, human=human, metrics_of=settings.metrics_name)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
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
