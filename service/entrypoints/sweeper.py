"""The sweeper as an AWS Lambda function: `service.entrypoints.sweeper.handler`.

The Scheduler starts it each minute, with whatever event. One invocation is one sweep and ends
before the function's timeout, which is to be 60 s. Two at a time are harmless.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from service.bootstrap import Opened, assemble
from service.config import FunctionSettings
from service.entrypoints._function.kept import Context, Kept, remaining_seconds
from service.entrypoints._function.opening import begin_process, is_on_lambda, open_ports
from service.usecases.fit_run import fit_sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is opened once."""

    settings: FunctionSettings
    opened: Opened


class Environment:
    """One environment of the function. One sweep at a time."""

    def __init__(self, begin: Callable[[], FunctionSettings], **seconds: float) -> None:
        """`seconds`: those of `Kept`."""
        self._kept = Kept(lambda: _open(begin()), **seconds)

    def invoke(self, context: Context) -> dict[str, object]:
        """Sweep once; how many things were due.

        Raises ConfigurationError, and UnavailableError when the table does not answer.
        """
        return self._kept.run(partial(_serve, context))

    def open_early(self) -> None:
        """Open what is needed before the first invocation, if that is possible; raises nothing."""
        self._kept.open_early()

    def close(self) -> None:
        """Let go of loop and clients; AWS just ends the process."""
        self._kept.close()


async def _serve(context: Context, site: Site) -> dict[str, object]:
    # Looked at after opening, which takes its share of a first invocation.
    seconds = fit_sweep(remaining_seconds(context))
    # Wired anew each time: what use cases remember has no place in another invocation.
    due = await assemble(site.settings, site.opened.ports).sweep(seconds=seconds)
    return {"due": due}


async def _open(settings: FunctionSettings) -> Site:
    return Site(settings=settings, opened=await open_ports(settings))


def _begin() -> FunctionSettings:
    return begin_process(FunctionSettings)


_environment: Final = Environment(_begin)
if is_on_lambda():
    _environment.open_early()


def handler(event: object, context: Context) -> dict[str, object]:
    """Sweep once: `{"due": …}`, how many lanes and sessions were.

    A failure is raised: Lambda counts it, and the next minute's sweep does its work.
    """
    del event
    return _environment.invoke(context)
