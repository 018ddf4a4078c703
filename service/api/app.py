"""The FastAPI application over the use cases. Starts nothing and reads no environment."""

from typing import Any, Final

from fastapi import FastAPI
from starlette.types import ASGIApp

from service.api import errors
from service.api.api_keys import api_keys_router
from service.api.arrival import Arrival
from service.api.authentication import authentication_router
from service.api.deliveries import deliveries_router
from service.api.deployment_checks import deployment_checks_router
from service.api.deployments import deployments_router
from service.api.document import document_of
from service.api.files import file_content_router, files_router
from service.api.gateway import Gateway
from service.api.health import health_router
from service.api.listeners import listeners_router
from service.api.messages import messages_router
from service.api.replays import replays_router
from service.api.sessions import sessions_router
from service.api.timeline import timeline_router
from service.api.tracing import Tracing
from service.api.webhooks import webhooks_router
from service.usecases.broker import Broker

TITLE: Final = "Guest Session Broker"
VERSION: Final = "1.0.0"
DESCRIPTION: Final = (
    "Keeps Genesys Cloud guest messaging sessions open for other services: REST in, webhooks out."
)


class BrokerApp(FastAPI):
    """FastAPI with our document instead of its own, and with a line for each request."""

    broker: Broker
    behind_gateway: bool = False

    def build_middleware_stack(self) -> ASGIApp:
        """Around the framework's own layers: its outermost answers our mistakes."""
        inner = super().build_middleware_stack()
        if self.behind_gateway:
            inner = Gateway(inner, clock=self.broker.clock)
        return Tracing(inner, clock=self.broker.clock, ids=self.broker.ids)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = document_of(self)
        return self.openapi_schema


def create_app(broker: Broker, *, behind_gateway: bool = False) -> FastAPI:
    """The application; the same for Lambda, a container and tests.

    `behind_gateway`: each request is one that AWS's HTTP API handed to a function.
    """
    app = BrokerApp(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.broker = broker
    app.behind_gateway = behind_gateway
    app.add_middleware(Arrival, clock=broker.clock)
    errors.install(app)
    app.include_router(health_router(broker))
    app.include_router(sessions_router(broker))
    app.include_router(authentication_router(broker))
    app.include_router(messages_router(broker))
    app.include_router(files_router(broker))
    app.include_router(file_content_router(broker))
    app.include_router(timeline_router(broker))
    app.include_router(deployments_router(broker))
    app.include_router(deployment_checks_router(broker))
    app.include_router(webhooks_router(broker))
    app.include_router(deliveries_router(broker))
    app.include_router(replays_router(broker))
    app.include_router(api_keys_router(broker))
    app.include_router(listeners_router(broker))
    return app
