"""One execution environment of Lambda.

`python -m tests.support.lambda_environment <timeout> [listener | courier | sweeper]`.

As AWS runs Python: the handler is called on the main thread, again and again in one process, and
whoever is still at work at the timeout is ended without a word. Each line on stdin is an event;
each line on stdout is what the handler returned, or the error that it raised.
"""

import importlib
import json
import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import Final

TIMED_OUT: Final = 77


@dataclass(frozen=True)
class Context:
    """Of one invocation; `ends_at` is on the monotonic clock."""

    ends_at: float

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int(1000 * (self.ends_at - time.monotonic())))


def main(seconds: float, door: str = "listener") -> None:
    handler = importlib.import_module(f"service.entrypoints.{door}").handler
    for line in sys.stdin:
        killer = threading.Timer(seconds, os._exit, (TIMED_OUT,))
        killer.start()
        try:
            answer = handler(json.loads(line), Context(time.monotonic() + seconds))
        except Exception as error:  # noqa: BLE001 - as Lambda answers whatever is raised
            answer = {"errorType": type(error).__name__, "errorMessage": str(error)}
        killer.cancel()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), *sys.argv[2:])
