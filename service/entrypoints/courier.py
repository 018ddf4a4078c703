"""The courier as an AWS Lambda function: `service.entrypoints.courier.handler`.

Its trigger is the queue of deliveries, with `ReportBatchItemFailures`. One invocation serves a
batch of hints and ends before the function's timeout, which is to be 60 s: no POST is ever cut off.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from service.adapters.sqs.bodies import read_delivery
from service.bootstrap import Opened, assemble
from service.config import FunctionSettings
from service.entrypoints._batch import Record, batch_answer, read_batch
from service.entrypoints._function.kept import Context, Kept, remaining_seconds, request_id
from service.entrypoints._function.opening import begin_process, is_on_lambda, open_ports
from service.usecases.fit_run import check_courier
from service.usecases.serve_hints import Hint, ServeHints

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is opened once. What use cases remember of endpoints stays too: all of it has a time."""

    opened: Opened
    serve: ServeHints


class Environment:
    """One environment of the function. One batch at a time."""

    def __init__(self, begin: Callable[[], FunctionSettings], **seconds: float) -> None:
        """`seconds`: those of `Kept`."""
        self._kept = Kept(lambda: _open(begin()), **seconds)

    def invoke(self, event: object, context: Context) -> dict[str, object]:
        """Serve one batch; the answer says which messages the queue should hand out again.

        Raises ConfigurationError, and UnavailableError when the table does not answer at the start:
        then all of them come again.
        """
        check_courier(remaining_seconds(context))
        return self._kept.run(partial(_serve, read_batch(event), context))

    def open_early(self) -> None:
        """Open what is needed before the first invocation, if that is possible; raises nothing."""
        self._kept.open_early()

    def close(self) -> None:
        """Let go of loop and clients; AWS just ends the process."""
        self._kept.close()


async def _serve(records: Sequence[Record], context: Context, site: Site) -> dict[str, object]:
    hints = [(record, hint) for record in records if (hint := _read(record)) is not None]
    # Looked at after opening, which takes its share of a first invocation.
    begun = site.opened.ports.clock.monotonic()
    ends = begun + remaining_seconds(context)
    again = await site.serve([hint for _, hint in hints], ends=ends)
    failed = [record.message_id for record, hint in hints if hint in again]
    facts = {
        "messages": len(records),
        "hints": len(hints),
        "again": len(failed),
        "outcome": "again" if failed else "done",
        "seconds": round(site.opened.ports.clock.monotonic() - begun, 4),
        "request_id": request_id(context),
    }
    _log.info("courier.served", extra=facts)
    return batch_answer(failed)


def _read(record: Record) -> Hint | None:
    """The hint in a message; None where there is none, and the queue is done with it."""
    hint = read_delivery(record.body)
    if hint is None:
        # Never what it says: anybody may have put anything there.
        _log.warning("hints.unreadable", extra={"message_id": record.message_id})
    return hint


async def _open(settings: FunctionSettings) -> Site:
    opened = await open_ports(settings)
    ports = opened.ports
    made = assemble(settings, ports)
    serve = ServeHints(
        clock=ports.clock,
        hints=ports.hints,
        deliver_lane=made.deliver_lane,
        run_replay=made.run_replay,
    )
    return Site(opened=opened, serve=serve)


def _begin() -> FunctionSettings:
    return begin_process(FunctionSettings)


_environment: Final = Environment(_begin)
if is_on_lambda():
    _environment.open_early()


def handler(event: object, context: Context) -> dict[str, object]:
    """Serve one batch: `{"batchItemFailures": [{"itemIdentifier": …}]}`.

    A fault of the configuration is raised, and so is a table that is away at the start: Lambda
    counts it.
    """
    return _environment.invoke(event, context)
