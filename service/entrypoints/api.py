"""The REST API as an AWS Lambda function: `service.entrypoints.api.handler`.

Behind an HTTP API of API Gateway, payload format 2.0, stage `$default`. One invocation is one
request; it is answered before the function's timeout, which is to be 29 s, and before the gateway
gives up.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from mangum import Mangum
from starlette.types import Receive, Scope, Send

from service.adapters.system import SystemClock, SystemIds
from service.api.app import create_app
from service.api.problems import Problem, answer
from service.api.tracing import Tracing
from service.bootstrap import Opened, assemble
from service.bootstrap.secrets import first_key
from service.config import ApiFunctionSettings
from service.domain.errors import BrokerError, ConfigurationError, UnavailableError
from service.entrypoints._function.kept import Context, Kept, remaining_seconds, request_id
from service.entrypoints._function.opening import begin_process, is_on_lambda, open_ports
from service.usecases.fit_run import check_api

TEXT: Final = ["application/json", "application/problem+json", "text/"]
"""What the gateway is given as it is; Mangum wraps everything else in base64."""
STARTING: Final = Problem(
    status=503,
    code="unavailable",
    detail="the broker could not start: something it needs is not answering; please try again",
    headers={"Retry-After": "1"},
)

Event = dict[str, Any]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is opened once, the routes too: to make them takes a tenth of a second."""

    opened: Opened
    mangum: Mangum


class Environment:
    """One environment of the function. One request at a time."""

    def __init__(self, begin: Callable[[], ApiFunctionSettings], **seconds: float) -> None:
        """`seconds`: those of `Kept`."""
        self._kept = Kept(lambda: _open(begin()), **seconds)

    def invoke(self, event: object, context: Context) -> Event:
        """Answer one request, in the shape of the gateway's payload format 2.0.

        503 where something does not answer at the start; the next request tries again. Raises
        ConfigurationError: the gateway answers 500 then.
        """
        check_api(remaining_seconds(context))
        request = _request(event)
        return self._kept.call(
            partial(_serve, request, context), away=partial(_answer_away, request, context)
        )

    def open_early(self) -> None:
        """Open what is needed before the first invocation, if that is possible; raises nothing."""
        self._kept.open_early()

    def close(self) -> None:
        """Let go of loop and clients; AWS just ends the process."""
        self._kept.close()


def _serve(event: Event, context: Context, site: Site) -> Event:
    # Only what is passed on to the application is asked of the context.
    served: Event = site.mangum(event, context)  # type: ignore[arg-type]
    return served


def _answer_away(event: Event, context: Context, error: UnavailableError) -> Event:
    """As the application would, with its line and its trace. What is away is for the log alone."""
    _log.warning(
        "function.not_open", extra={"error": str(error), "request_id": request_id(context)}
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {}).update(code=STARTING.code, error=str(error))
        await answer(STARTING)(scope, receive, send)

    traced = Tracing(app, clock=SystemClock(), ids=SystemIds())
    told: Event = Mangum(traced, lifespan="off", text_mime_types=TEXT)(event, context)  # type: ignore[arg-type]
    return told


def _request(event: object) -> Event:
    """The event of a request. Raises ConfigurationError where it is none."""
    if isinstance(event, dict) and event.get("version") == "2.0":
        call = event.get("requestContext")
        if isinstance(call, Mapping) and isinstance(call.get("http"), Mapping):
            return event
    fault = "the function's trigger: its event is no request of an HTTP API, payload format 2.0"
    raise ConfigurationError(fault)


async def _open(settings: ApiFunctionSettings) -> Site:
    try:
        opened = await open_ports(settings)
    except ConfigurationError as error:
        raise ConfigurationError(*error.faults, *await _faults_of_key(settings)) from error
    assembly = assemble(settings, opened.ports)
    try:
        key = await first_key(settings)
        if key is not None:
            await assembly.ensure_admin_key(key)
    except BrokerError:
        await opened.close()
        raise
    app = create_app(assembly.broker, behind_gateway=True)
    return Site(opened=opened, mangum=Mangum(app, lifespan="off", text_mime_types=TEXT))


async def _faults_of_key(settings: ApiFunctionSettings) -> Sequence[str]:
    """Told together with the others, so that nobody deploys twice to learn of two."""
    try:
        await first_key(settings)
    except ConfigurationError as error:
        return error.faults
    except UnavailableError:
        pass
    return ()


def _begin() -> ApiFunctionSettings:
    return begin_process(ApiFunctionSettings)


_environment: Final = Environment(_begin)
if is_on_lambda():
    _environment.open_early()


def handler(event: object, context: Context) -> Event:
    """Answer one request.

    A fault of the configuration is raised: Lambda counts it.
    """
    return _environment.invoke(event, context)
