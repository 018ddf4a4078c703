"""Signing a guest in and out over HTTP: bodies, problems, repeats, and no secret in answers."""

from typing import Any, Final

import pytest

from service.domain.errors import AuthenticationFailedError, LoginUnavailableError
from service.domain.session import State
from tests.support.api_bench import DEPLOYMENT, Bench

LOGIN: Final[dict[str, Any]] = {"code": "secret-code", "redirectUri": "https://a.example/back"}
SECRETS: Final = ("secret-code", "jwt-1", "refresh-1")


def quiet(text: str) -> bool:
    return not any(secret in text for secret in SECRETS)


async def test_a_session_is_opened_for_a_signed_in_guest(bench: Bench) -> None:
    body = {"deployment": DEPLOYMENT, "authentication": {**LOGIN, "codeVerifier": "v", "iss": "i"}}
    answer = await bench.http.post("/v1/sessions", json=body)

    made = answer.json()
    assert answer.status_code == 201
    assert (made["authenticated"], made["guestName"]) == (True, None)
    assert quiet(answer.text)
    [(what, asked)] = bench.login.asked
    assert (what, getattr(asked, "code_verifier", None)) == ("exchange", "v")


async def test_a_repeat_makes_one_session_and_spends_one_code(bench: Bench) -> None:
    body = {"deployment": DEPLOYMENT, "authentication": LOGIN}
    headers = {"idempotency-key": "once"}
    first = await bench.http.post("/v1/sessions", json=body, headers=headers)
    second = await bench.http.post("/v1/sessions", json=body, headers=headers)

    assert second.headers["idempotency-replayed"] == "true"
    assert first.json()["id"] == second.json()["id"]
    assert len(bench.login.asked) == 1


@pytest.mark.parametrize(
    ("login", "pointers"),
    [
        ({}, ["/authentication"]),
        ({"code": "c"}, ["/authentication/redirectUri"]),
        ({"idToken": "t"}, ["/authentication/nonce"]),
        ({**LOGIN, "idToken": "t"}, ["/authentication"]),
        ({**LOGIN, "maxAge": -1}, ["/authentication/maxAge"]),
        ({**LOGIN, "password": "p"}, ["/authentication/password"]),
        ({**LOGIN, "code": 7}, ["/authentication/code"]),
    ],
    ids=["empty", "no redirect", "no nonce", "both", "range", "unknown", "type"],
)
async def test_a_wrong_login_names_its_field_and_is_not_sent(
    bench: Bench, login: dict[str, Any], pointers: list[str]
) -> None:
    body = {"deployment": DEPLOYMENT, "authentication": login}
    answer = await bench.http.post("/v1/sessions", json=body)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_request")
    assert [fault["pointer"] for fault in problem["errors"]] == pointers
    assert quiet(answer.text)
    assert bench.login.asked == []


async def test_a_refused_login_says_why_and_stores_nothing(bench: Bench) -> None:
    bench.login.answers.append(
        AuthenticationFailedError(status=401, provider_code="authentication.failed")
    )
    body = {"deployment": DEPLOYMENT, "authentication": LOGIN}
    answer = await bench.http.post("/v1/sessions", json=body)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "authentication_failed")
    assert problem["providerCode"] == "authentication.failed"
    assert quiet(answer.text)
    assert await bench.count_sessions() == 0


async def test_a_login_that_nobody_can_check_may_be_tried_again(bench: Bench) -> None:
    bench.login.answers.append(LoginUnavailableError(status=None))
    answer = await bench.http.post(
        "/v1/sessions", json={"deployment": DEPLOYMENT, "authentication": LOGIN}
    )

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"


async def test_a_guest_signs_in_later_and_out(bench: Bench) -> None:
    made = await bench.session()
    path = f"/v1/sessions/{made['id']}/authentication"
    headers = {"idempotency-key": "once"}
    up = await bench.http.post(f"{path}?wait=0", json=LOGIN, headers=headers)
    again = await bench.http.post(f"{path}?wait=0", json=LOGIN, headers=headers)
    out = await bench.http.delete(path, headers=headers)
    repeat = await bench.http.delete(path, headers=headers)

    assert (up.status_code, again.status_code) == (202, 202)
    assert again.headers["idempotency-replayed"] == "true"
    assert (out.status_code, out.json()["state"]) == (200, "ended")
    assert repeat.headers["idempotency-replayed"] == "true"
    assert quiet(up.text + out.text)
    assert len(bench.login.asked) == 1


async def test_what_cannot_be_is_refused_by_its_reason(bench: Bench) -> None:
    made = await bench.session()
    path = f"/v1/sessions/{made['id']}/authentication"
    anonymous = await bench.http.delete(path)
    wrong = await bench.http.post(path, json={"code": "c"})
    await bench.put(made["id"], State.ENDED)
    ended = await bench.http.post(path, json=LOGIN)
    nobody = await bench.http.post("/v1/sessions/ses_none/authentication", json=LOGIN)

    assert (anonymous.status_code, anonymous.json()["code"]) == (409, "not_signed_in")
    assert wrong.json()["errors"] == [{"pointer": "/redirectUri", "detail": "is needed"}]
    assert (ended.status_code, ended.json()["code"]) == (409, "session_ended")
    assert nobody.status_code == 404
