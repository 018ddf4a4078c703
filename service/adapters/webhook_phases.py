"""How long the parts of one POST took, as the transport's trace tells it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Literal

from service.domain.attempt import Phases
from service.ports import Clock

Phase = Literal["dns", "connect", "tls", "first_byte"]

_STEPS: Final[Mapping[str, Phase]] = {  # https://www.encode.io/httpcore/extensions/#trace
    "connection.connect_tcp": "connect",
    "connection.start_tls": "tls",
    "http11.send_request_headers": "first_byte",
    "http11.send_request_body": "first_byte",
    "http11.receive_response_headers": "first_byte",
}


class Stopwatch:
    """Adds up the seconds of each part; the parts of one POST follow each other."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._spent: dict[Phase, float] = {}
        self._since = 0.0

    @contextmanager
    def phase(self, name: Phase) -> Iterator[None]:
        """Time a block, also one that fails."""
        self._since = self._clock.monotonic()
        try:
            yield
        finally:
            self._add(name)

    async def trace(self, event: str, _: object) -> None:
        """Take `step.started`, `step.complete` or `step.failed` from the transport."""
        step, _, moment = event.rpartition(".")
        name = _STEPS.get(step)
        if name is None:
            return
        if moment == "started":
            self._since = self._clock.monotonic()
        else:
            self._add(name)

    def phases(self) -> Phases:
        """What is known so far."""
        return Phases(**self._spent)

    def _add(self, name: Phase) -> None:
        self._spent[name] = self._spent.get(name, 0.0) + self._clock.monotonic() - self._since
