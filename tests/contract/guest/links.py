"""What tests of links have in common: deadlines, and peers that need no more than a name."""

import asyncio
import ssl
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from websockets.asyncio.server import ServerConnection

from service.adapters.guest_socket import Deadlines, WebsocketGuestSockets
from service.adapters.system import SystemClock
from service.adapters.trust import trust
from service.domain.errors import LinkLostError
from service.ports.wires import Link
from tests.contract.guest.loopback import raw_server
from tests.support.patience import PATIENCE

PATIENT: Final = Deadlines(*[PATIENCE] * len(Deadlines._fields))
"""A busy machine is no dead peer: a test makes those short that it is about."""


@cache
def usual_trust() -> ssl.SSLContext:
    """As of a broker without authorities of its own; to read the system's takes 60 ms."""
    return trust()


def sockets(
    *, ca_file: Path | None = None, deadlines: Deadlines = PATIENT
) -> WebsocketGuestSockets:
    """Make the adapter under test."""
    return WebsocketGuestSockets(
        clock=SystemClock(), tls=trust(ca_file) if ca_file else usual_trust(), deadlines=deadlines
    )


async def echo(peer: ServerConnection) -> None:
    """Send back whatever comes."""
    async for frame in peer:
        await peer.send(frame)


async def stay(peer: ServerConnection) -> None:
    """Say nothing and wait for the end."""
    await peer.wait_closed()


async def loss_of(link: Link) -> LinkLostError:
    """Receive, and give the loss that it must end with."""
    with pytest.raises(LinkLostError) as caught:
        await link.receive()
    return caught.value


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Cut the connection at once."""
    writer.transport.abort()


async def say_nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Accept the connection and leave it at that."""
    return


async def closed_endpoint() -> str:
    """Find an endpoint at which nobody listens."""
    async with raw_server(say_nothing) as endpoint:
        return endpoint
