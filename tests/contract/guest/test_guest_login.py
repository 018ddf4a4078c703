"""Exchange, refresh and revoke against HTTP peers on loopback that answer, refuse, stall or lie."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from service.adapters.genesys_http import GenesysHttp, Request
from service.adapters.guest_login import HttpGuestLogin
from service.adapters.system import SystemClock
from service.domain.errors import AuthenticationFailedError, LoginUnavailableError
from service.domain.sign_in import LoginProof, Tokens
from tests.contract.guest.http_peer import HttpPeer, Reply, http_peer, json_reply
from tests.contract.guest.links import usual_trust
from tests.contract.guest.loopback import deployment_at
from tests.support.patience import PATIENCE

PATH = "/api/v2/webdeployments/token"
PROOF = LoginProof(code="secret-code", redirect_uri="https://shop.example/back")


@asynccontextmanager
async def guest_login(*, seconds: float = PATIENCE) -> AsyncIterator[HttpGuestLogin]:
    http = GenesysHttp(clock=SystemClock(), tls=usual_trust(), whole_seconds=seconds)
    try:
        yield HttpGuestLogin(http)
    finally:
        await http.close()


async def exchanged(reply: Reply) -> tuple[Tokens, HttpPeer]:
    seconds = 0.5 if reply.stall_seconds else PATIENCE
    async with http_peer(lambda _: reply) as peer, guest_login(seconds=seconds) as login:
        return await login.exchange(deployment_at(peer.endpoint), PROOF), peer


async def revoked(reply: Reply) -> tuple[bool, HttpPeer]:
    async with http_peer(lambda _: reply) as peer, guest_login() as login:
        return await login.revoke(deployment_at(peer.endpoint), jwt="a.b.c"), peer


async def test_a_code_is_exchanged_without_any_authorization() -> None:
    tokens, peer = await exchanged(json_reply({"jwt": "j", "refreshToken": "r"}))

    [asked] = peer.asked
    assert tokens == Tokens(jwt="j", refresh_token="r")
    assert (asked.method, asked.target) == ("POST", f"{PATH}/oauthcodegrantjwtexchange")
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["origin"] == "https://shop.example"
    assert "authorization" not in asked.headers
    assert json.loads(asked.body)["oauth"]["code"] == "secret-code"


async def test_a_refresh_brings_a_jwt_and_perhaps_another_refresh_token() -> None:
    async with http_peer(lambda _: json_reply({"jwt": "j2"})) as peer, guest_login() as login:
        deployment = deployment_at(peer.endpoint, origin=None)
        tokens = await login.refresh(deployment, refresh_token="r")

    [asked] = peer.asked
    assert tokens == Tokens(jwt="j2")
    assert (asked.method, asked.target) == ("POST", f"{PATH}/refresh")
    assert json.loads(asked.body) == {"refreshToken": "r"}
    assert "origin" not in asked.headers


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_an_answer_that_refuses_says_why(status: int) -> None:
    body = {"code": "bad.code", "message": "secret-code is used", "status": status}

    with pytest.raises(AuthenticationFailedError) as refused:
        await exchanged(json_reply(body, status=status))

    assert (refused.value.status, refused.value.provider_code) == (status, "bad.code")
    assert "secret-code" not in str(refused.value)


@pytest.mark.parametrize("status", [302, 408, 429, 500, 503])
async def test_an_answer_that_may_be_another_soon_is_no_refusal(status: int) -> None:
    reply = Reply(status=status, headers={"Retry-After": "7"})

    with pytest.raises(LoginUnavailableError) as failed:
        await exchanged(reply)

    assert (failed.value.status, failed.value.retry_after_seconds) == (status, 7.0)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"jwt":""}'])
async def test_an_answer_that_is_none_is_no_login_and_is_not_quoted(body: bytes) -> None:
    with pytest.raises(LoginUnavailableError) as failed:
        await exchanged(Reply(body=body))

    assert failed.value.status == 200
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None


async def test_silence_is_no_answer() -> None:
    with pytest.raises(LoginUnavailableError) as failed:
        await exchanged(Reply(body=b"{}", stall_seconds=600))

    assert failed.value.status is None


async def test_a_login_is_taken_back_with_its_jwt() -> None:
    done, peer = await revoked(Reply(status=204))

    [asked] = peer.asked
    assert done
    assert (asked.method, asked.target) == ("DELETE", f"{PATH}/revoke")
    assert asked.headers["authorization"] == "bearer a.b.c"


async def test_a_jwt_that_is_refused_is_told_from_trouble() -> None:
    assert not (await revoked(Reply(status=401)))[0]

    for status in (429, 500):
        with pytest.raises(LoginUnavailableError):
            await revoked(Reply(status=status))


def test_a_request_shows_nothing_that_authorizes() -> None:
    request = Request(
        domain=None,
        url="https://api.example/x",
        headers={"authorization": "bearer secret-1"},
        form={"client_secret": "secret-2"},
        body='{"refreshToken": "secret-3"}',
    )

    assert "api.example" in repr(request)
    assert "secret-" not in repr(request)
