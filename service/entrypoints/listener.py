"""A listener as an AWS Lambda function: `service.entrypoints.listener.handler`.

One invocation is one term: it takes free shards, holds links, and ends before the function's
timeout with everything handed over or given back, or earlier when it has nothing to hold. Nothing
travels with an invocation: what is to be held stands in the table.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from service.bootstrap import Opened, assemble, local_ports
from service.bootstrap.outside import KEY_FILE
from service.config import ListenerFunctionSettings
from service.domain.errors import ConfigurationError
from service.domain.lease import LinkLimits
from service.entrypoints._process.allocator import keep_memory_small
from service.entrypoints._process.descriptors import make_room
from service.entrypoints._process.event_loop import new_event_loop
from service.observability import configure_logging
from service.usecases.begin_term import begin_term
from service.usecases.fit_term import fit_term
from service.usecases.serve_term import ServeTerm

_log = logging.getLogger(__name__)


class Context(Protocol):
    """What Lambda tells of an invocation, as far as it is of use here."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is ended (developer guide, "Lambda context object in Python")."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is opened once: loading boto3 and TLS is most of a cold start."""

    settings: ListenerFunctionSettings
    opened: Opened
    links: LinkLimits


class Environment:
    """What Lambda keeps between invocations: one loop and its clients. One term at a time."""

    def __init__(self, begin: Callable[[], ListenerFunctionSettings]) -> None:
        self._begin = begin
        self._runner = asyncio.Runner(loop_factory=new_event_loop)
        self._site: Site | None = None

    def invoke(self, context: Context) -> dict[str, object]:
        """Serve one term; why it ended.

        Raises ConfigurationError, and UnavailableError when the table does not answer at the start.
        """
        return self._runner.run(self._invoke(context))

    def close(self) -> None:
        """Let go of loop and clients; AWS just ends the process."""
        self._runner.run(self._close())
        self._runner.close()

    async def _invoke(self, context: Context) -> dict[str, object]:
        try:
            return await self._serve(context)
        finally:
            # The environment is frozen now. What is still at work would go on at the next
            # invocation, hours later, as if no time had passed.
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _close(self) -> None:
        if self._site is not None:
            await self._site.opened.close()

    async def _serve(self, context: Context) -> dict[str, object]:
        if self._site is None:
            self._site = await _open(self._begin())
        site, ports = self._site, self._site.opened.ports
        # Looked at after opening, which takes its share of a first invocation.
        remaining = context.get_remaining_time_in_millis() / 1000
        span = fit_term(remaining, wanted_seconds=site.settings.generation_seconds)
        term = begin_term(
            ports,
            shards=site.settings.shards,
            links=site.links,
            generation_seconds=span.generation_seconds,
            idle_seconds=site.settings.idle_seconds,
        )
        _log.info("listener.invoked", extra={"listener": term.name, "remaining": remaining})
        # Wired anew each time: what use cases remember has no place in another invocation.
        listener = assemble(site.settings, ports).listener(site.opened.mailboxes, term)
        serve = ServeTerm(clock=ports.clock, listener=listener, linger_seconds=span.linger_seconds)
        return {"listener": term.name, "reason": await serve(asyncio.Event())}


async def _open(settings: ListenerFunctionSettings) -> Site:
    key = settings.data_dir / KEY_FILE
    if not key.is_file():
        # One that is made here would be lost with this environment, and what it encrypts with it.
        fault = f"BROKER_DATA_DIR: {key} is not there; a function needs the key of its broker"
        raise ConfigurationError(fault)
    links = make_room(settings.max_links)
    return Site(settings=settings, opened=await local_ports(settings), links=links)


def _begin() -> ListenerFunctionSettings:
    keep_memory_small()
    configure_logging("INFO", sys.stderr, human=False)
    return ListenerFunctionSettings.read()


_environment: Final = Environment(_begin)


def handler(event: object, context: Context) -> dict[str, object]:
    """Serve one term: `{"listener": …, "reason": "idle" | "retired"}`.

    A fault of the configuration is raised, and so is a failure of the listener: Lambda counts it.
    """
    del event
    return _environment.invoke(context)
