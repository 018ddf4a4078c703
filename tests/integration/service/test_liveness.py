"""The liveness endpoint, over real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest
import pytest_asyncio

from service.domain.errors import ConfigurationError
from service.entrypoints._service.liveness import Liveness, Pulse


@dataclass
class Heart:
    """Beats until told otherwise."""

    alive: bool = True

    def __call__(self) -> Pulse:
        return Pulse(alive=self.alive, facts={"links": 3})


@dataclass
class Patient:
    heart: Heart
    liveness: Liveness

    async def asked(self, method: str, path: str) -> httpx2.Response:
        async with httpx2.AsyncClient(trust_env=False) as http:
            return await http.request(method, self.liveness.address + path, timeout=60)


@pytest_asyncio.fixture(name="patient")
async def _patient() -> AsyncIterator[Patient]:
    heart = Heart()
    async with Liveness(host="127.0.0.1", port=0, pulse=heart) as liveness:
        yield Patient(heart=heart, liveness=liveness)


async def test_who_works_is_well(patient: Patient) -> None:
    answer = await patient.asked("GET", "/healthz?full")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "links": 3}
    assert answer.headers["cache-control"] == "no-store"


async def test_who_does_not_is_not(patient: Patient) -> None:
    patient.heart.alive = False

    answer = await patient.asked("GET", "/healthz")

    assert answer.status_code == 503
    assert answer.json() == {"status": "failing", "links": 3}


async def test_a_probe_may_ask_for_the_head_alone(patient: Patient) -> None:
    answer = await patient.asked("HEAD", "/healthz")

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("POST", "/healthz", 405)]
)
async def test_nothing_else_is_here(patient: Patient, method: str, path: str, status: int) -> None:
    answer = await patient.asked(method, path)

    assert answer.status_code == status


@pytest.mark.parametrize("words", [b"", b"no http\r\n\r\n", b"GET /healthz HTTP/1.1\r\n"])
async def test_who_speaks_no_http_is_hung_up_on_and_harms_nobody(
    patient: Patient, words: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", patient.liveness.port)
    writer.write(words)
    writer.write_eof()
    try:
        said = await reader.read()
    except ConnectionResetError:
        said = b""
    writer.close()

    answer = await patient.asked("GET", "/healthz")
    assert said == b""
    assert answer.status_code == 200


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match="BROKER_LIVENESS_PORT"):
            async with Liveness(host="127.0.0.1", port=port, pulse=Heart()):
                pass
