"""No wire asks anybody below a domain that is not allowed, whatever the table says."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import pytest

from service.adapters.genesys_http import GenesysHttp
from service.adapters.guest_login import HttpGuestLogin
from service.adapters.guest_rest import HttpGuestRest
from service.adapters.guest_socket import WebsocketGuestSockets
from service.adapters.platform import GenesysPlatform
from service.adapters.system import SystemClock
from service.domain.deployment import Deployment, PlatformCredentials
from service.domain.errors import (
    BrokerError,
    HistoryUnavailableError,
    LinkLostError,
    LoginUnavailableError,
    PlatformUnavailableError,
)
from service.domain.region import Regions
from service.domain.sign_in import LoginProof
from tests.contract.guest.http_peer import Reply, http_peer
from tests.contract.guest.links import usual_trust
from tests.contract.guest.loopback import deployment_at
from tests.support.patience import PATIENCE

CREDENTIALS: Final = PlatformCredentials(client_id="c", client_secret="hidden")
PROOF: Final = LoginProof(code="secret-code", redirect_uri="https://shop.example/back")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wires:
    """All that asks Genesys by a deployment's domain."""

    sockets: WebsocketGuestSockets
    rest: HttpGuestRest
    login: HttpGuestLogin
    platform: GenesysPlatform


@asynccontextmanager
async def wires(regions: Regions) -> AsyncIterator[Wires]:
    clock, tls = SystemClock(), usual_trust()
    http = GenesysHttp(clock=clock, tls=tls, regions=regions, whole_seconds=PATIENCE)
    try:
        yield Wires(
            sockets=WebsocketGuestSockets(clock=clock, tls=tls, regions=regions),
            rest=HttpGuestRest(http),
            login=HttpGuestLogin(http),
            platform=GenesysPlatform(http, clock=clock),
        )
    finally:
        await http.close()


Asks = Callable[[Wires, Deployment], Awaitable[object]]
ASKS: Final[dict[str, tuple[Asks, type[BrokerError]]]] = {
    "open": (lambda on, at: on.sockets.open(at), LinkLostError),
    "history": (
        lambda on, at: on.rest.history(at, jwt="J", page=1, page_size=1),
        HistoryUnavailableError,
    ),
    "configuration": (lambda on, at: on.rest.configuration(at), PlatformUnavailableError),
    "domains": (lambda on, at: on.rest.domains(at), PlatformUnavailableError),
    "exchange": (lambda on, at: on.login.exchange(at, PROOF), LoginUnavailableError),
    "refresh": (lambda on, at: on.login.refresh(at, refresh_token="R"), LoginUnavailableError),
    "revoke": (lambda on, at: on.login.revoke(at, jwt="J"), LoginUnavailableError),
    "conversation": (
        lambda on, at: on.platform.conversation_of(at, CREDENTIALS, body_id="m"),
        PlatformUnavailableError,
    ),
}


@pytest.mark.parametrize("name", ASKS)
async def test_who_is_not_allowed_is_not_asked(name: str, caplog: pytest.LogCaptureFixture) -> None:
    ask, error = ASKS[name]
    # Both, which no tenant can have: the address of the peer, so that it would hear a question.
    async with http_peer(lambda _: Reply(status=503)) as peer, wires(Regions()) as on:
        with pytest.raises(error) as refused, caplog.at_level(logging.WARNING):
            await ask(on, deployment_at(peer.endpoint, domain="evil.test"))

    assert peer.asked == []
    assert [vars(line)["domain"] for line in caplog.records] == ["evil.test"]
    told = refused.value
    assert getattr(told, "reason", "not_allowed") == "not_allowed"
    assert getattr(told, "failure", "not_allowed") == "not_allowed"
    assert "hidden" not in caplog.text


@pytest.mark.parametrize("name", ASKS)
@pytest.mark.parametrize("domain", [None, "mypurecloud.de", "one.example.net"])
async def test_who_is_allowed_is(name: str, domain: str | None) -> None:
    ask, _ = ASKS[name]
    regions = Regions(more=("*.example.net",))
    async with http_peer(lambda _: Reply(status=503)) as peer, wires(regions) as on:
        with pytest.raises(BrokerError):
            await ask(on, deployment_at(peer.endpoint, domain=domain))

    assert len(peer.asked) == 1
