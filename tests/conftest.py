"""What holds for every test: no network where none belongs, and property tests that repeat.

Nothing here is about the product.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Never

import pytest
from hypothesis import settings

TESTS: Final = Path(__file__).parent
WITHOUT_NETWORK: Final = (TESTS / "unit", TESTS / "simulation")

# The same examples on every run and on every machine; for a hunt: --hypothesis-profile=deep.
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=25, database=None)
settings.register_profile("deep", deadline=None, max_examples=2_000)
settings.load_profile("ci")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what may take longest: no worker is to be left alone with it in the end."""
    items.sort(key=_own_patience, reverse=True)


def _own_patience(item: pytest.Item) -> float:
    """The timeout that a test has of its own; 0 where it has what every test has."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark else 0.0


class NetworkUsedError(Exception):
    """A test that must do without network reached for it."""


@pytest.fixture(autouse=True)
def _network_only_where_it_belongs(request: pytest.FixtureRequest) -> Iterator[None]:
    if any(folder in request.path.parents for folder in WITHOUT_NETWORK):
        with network_refused():
            yield
    else:
        yield


@contextmanager
def network_refused() -> Iterator[None]:
    """Let every connect, bind and name lookup raise, but for AF_UNIX, which event loops need."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex", "bind", "sendto"):
        patch.setattr(socket.socket, name, _refusing(name))
    patch.setattr(socket, "getaddrinfo", _refuse_lookup)
    try:
        yield
    finally:
        patch.undo()


def _refusing(name: str) -> object:
    real = getattr(socket.socket, name)

    def refuse(self: socket.socket, *arguments: object) -> object:
        if self.family == socket.AF_UNIX:
            return real(self, *arguments)
        message = f"socket.{name} in a test without network"
        raise NetworkUsedError(message)

    return refuse


def _refuse_lookup(*_: object, **__: object) -> Never:
    message = "a name lookup in a test without network"
    raise NetworkUsedError(message)
