"""The guard that keeps the network out of unit tests lets nothing through but event loops."""

import asyncio
import socket

import pytest

from tests.conftest import NetworkUsedError, network_refused


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_an_internet_connection_is_refused(family: socket.AddressFamily) -> None:
    with network_refused(), socket.socket(family) as client, pytest.raises(NetworkUsedError):
        client.connect(("localhost", 9))


def test_a_listener_is_refused() -> None:
    with network_refused(), socket.socket() as server, pytest.raises(NetworkUsedError):
        server.bind(("127.0.0.1", 0))


def test_a_name_lookup_is_refused() -> None:
    with network_refused(), pytest.raises(NetworkUsedError):
        socket.getaddrinfo("localhost", 9)


def test_an_event_loop_runs() -> None:
    with network_refused():
        answer = asyncio.run(asyncio.sleep(0, result="done"))

    assert answer == "done"


def test_the_guard_ends_with_its_block() -> None:
    with network_refused():
        pass

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))

        assert server.getsockname()[1] > 0
