"""A listener as an AWS Lambda function: `service.entrypoints.listener.handler`.

One invocation is one term: it takes free shards, holds links, and ends before the function's
timeout with everything handed over or given back, or earlier when it has nothing to hold. Nothing
travels with an invocation: what is to be held stands in the table.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from service.bootstrap import Opened, assemble
from service.config import ListenerFunctionSettings
from service.domain.lease import LinkLimits
from service.entrypoints._function.kept import Context, Kept, remaining_seconds, request_id
from service.entrypoints._function.opening import begin_process, is_on_lambda, open_ports
from service.entrypoints._process.descriptors import make_room
from service.usecases.begin_term import begin_term
from service.usecases.fit_term import fit_term
from service.usecases.serve_term import ServeTerm

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is opened once."""

    settings: ListenerFunctionSettings
    opened: Opened
    links: LinkLimits


class Environment:
    """One environment of the function. One term at a time."""

    def __init__(self, begin: Callable[[], ListenerFunctionSettings], **seconds: float) -> None:
        """`seconds`: those of `Kept`."""
        self._kept = Kept(lambda: _open(begin()), **seconds)

    def invoke(self, context: Context) -> dict[str, object]:
        """Serve one term; why it ended.

        Raises ConfigurationError, and UnavailableError when the table does not answer at the start.
        """
        return self._kept.run(partial(_serve, context))

    def open_early(self) -> None:
        """Open what is needed before the first invocation, if that is possible; raises nothing."""
        self._kept.open_early()

    def close(self) -> None:
        """Let go of loop and clients; AWS just ends the process."""
        self._kept.close()


async def _serve(context: Context, site: Site) -> dict[str, object]:
    ports = site.opened.ports
    # Looked at after opening, which takes its share of a first invocation.
    remaining = remaining_seconds(context)
    span = fit_term(remaining, wanted_seconds=site.settings.generation_seconds)
    term = begin_term(
        ports,
        shards=site.settings.shards,
        links=site.links,
        generation_seconds=span.generation_seconds,
        idle_seconds=site.settings.idle_seconds,
    )
    facts = {"listener": term.name, "remaining": remaining, "request_id": request_id(context)}
    _log.info("listener.invoked", extra=facts)
    # Wired anew each time: what use cases remember has no place in another invocation.
    listener = assemble(site.settings, ports).listener(site.opened.mailboxes, term)
    serve = ServeTerm(clock=ports.clock, listener=listener, linger_seconds=span.linger_seconds)
    return {"listener": term.name, "reason": await serve(asyncio.Event())}


async def _open(settings: ListenerFunctionSettings) -> Site:
    opened = await open_ports(settings)
    return Site(settings=settings, opened=opened, links=make_room(settings.max_links))


def _begin() -> ListenerFunctionSettings:
    return begin_process(ListenerFunctionSettings)


_environment: Final = Environment(_begin)
if is_on_lambda():
    _environment.open_early()


def handler(event: object, context: Context) -> dict[str, object]:
    """Serve one term: `{"listener": …, "reason": "idle" | "retired"}`.

    A fault of the configuration is raised, and so is a failure of the listener: Lambda counts it.
    """
    del event
    return _environment.invoke(context)
