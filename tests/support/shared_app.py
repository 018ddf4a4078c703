"""The API's application, made once in a process of tests, over whichever broker is asked for.

Making it takes a tenth of a second, more than most stories that call it. What is made anew for each
broker in production is made so by the tests of the doors, and by `create_app` where that matters.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Final, cast

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.app import create_app
from service.usecases.broker import Broker

_SERVING: Final[ContextVar[Broker]] = ContextVar("serving")


def serving(broker: Broker) -> ASGIApp:
    """The application over this broker."""
    shared = application()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        before = _SERVING.set(broker)
        try:
            await shared(scope, receive, send)
        finally:
            _SERVING.reset(before)

    return serve


@cache
def application() -> FastAPI:
    """The application, with the routes and the document that every other one has."""
    return create_app(cast("Broker", _Part(())))


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the broker that serves, looked up when it is called and never earlier."""

    path: tuple[str, ...]

    def __getattr__(self, name: str) -> "_Part":
        return _Part((*self.path, name))

    def __call__(self, *arguments: object, **named: object) -> object:
        found: object = _SERVING.get()
        for name in self.path:
            found = getattr(found, name)
        assert callable(found)
        return found(*arguments, **named)
