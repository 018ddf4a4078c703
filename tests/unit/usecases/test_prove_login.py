"""What can be a login, and what Genesys makes of it."""

from dataclasses import replace

import pytest

from service.domain.errors import AuthenticationFailedError, InvalidRequestError
from service.domain.sign_in import LoginProof, SignIn
from service.usecases.prove_login import TEXT_MAX, ProveLogin, check_login
from tests.support.api_bench import open_bench
from tests.support.simulated_login import PROOF
from tests.support.store_builders import a_deployment

ID_TOKEN = LoginProof(id_token="t", nonce="n", max_age=5, iss="i")


def pointers(proof: LoginProof) -> list[str]:
    with pytest.raises(InvalidRequestError) as refused:
        check_login(proof, at="/authentication")
    return [fault.pointer.removeprefix("/authentication") for fault in refused.value.faults]


@pytest.mark.parametrize("proof", [PROOF, ID_TOKEN, replace(PROOF, code_verifier="v")])
def test_a_login_of_one_kind_is_taken(proof: LoginProof) -> None:
    check_login(proof, at="")


@pytest.mark.parametrize(
    ("proof", "wrong"),
    [
        (LoginProof(), [""]),
        (replace(PROOF, id_token="t"), [""]),
        (replace(PROOF, redirect_uri=None), ["/redirectUri"]),
        (replace(ID_TOKEN, nonce=None), ["/nonce"]),
        (replace(PROOF, nonce="n"), ["/nonce"]),
        (
            replace(ID_TOKEN, redirect_uri="u", code_verifier="v"),
            ["/redirectUri", "/codeVerifier"],
        ),
        (replace(PROOF, code="", iss="x" * (TEXT_MAX + 1)), ["/code", "/iss"]),
    ],
    ids=["none", "both", "no redirect", "no nonce", "strange nonce", "strange code", "lengths"],
)
def test_what_is_wrong_is_named(proof: LoginProof, wrong: list[str]) -> None:
    assert pointers(proof) == wrong


async def test_tokens_are_dated_by_our_clock() -> None:
    async with open_bench(serving=False) as bench:
        prove = ProveLogin(login=bench.login, clock=bench.clock)
        now = bench.clock.now()

        assert await prove(a_deployment(), PROOF) == SignIn(
            jwt="jwt-1", refresh_token="refresh-1", issued_at=now
        )


async def test_a_refusal_is_the_callers() -> None:
    async with open_bench(serving=False) as bench:
        bench.login.answers.append(AuthenticationFailedError(status=401))
        prove = ProveLogin(login=bench.login, clock=bench.clock)

        with pytest.raises(AuthenticationFailedError):
            await prove(a_deployment(), PROOF)
