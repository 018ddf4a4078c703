"""The Platform API on loopback: tokens are fetched once, refreshed once, and never shown."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from service.adapters.genesys_http import GenesysHttp
from service.adapters.platform import GenesysPlatform
from service.adapters.system import SystemClock
from service.domain.deployment import PLATFORM_LOGIN, PlatformCredentials
from service.domain.errors import PlatformUnavailableError
from tests.contract.guest.http_peer import Asked, HttpPeer, Reply, http_peer, json_reply
from tests.contract.guest.links import usual_trust
from tests.contract.guest.loopback import deployment_at
from tests.support.patience import PATIENCE

CREDENTIALS = PlatformCredentials(client_id="client", client_secret="hush-hush")
TWO_CUSTOMERS = [
    {"id": "p-0", "purpose": "workflow", "messages": [{"messageId": "m-1"}]},
    {"id": "p-1", "purpose": "customer", "messages": [{"messageId": "m-1"}]},
    {"id": "p-2", "purpose": "customer", "messages": [{"messageId": "m-2"}]},
]


class SettableClock(SystemClock):
    """The real clock, but for a wall clock that only the test moves on."""

    def __init__(self) -> None:
        self.began = super().now()
        self.ahead = 0.0

    def now(self) -> float:
        return self.began + self.ahead


@dataclass(slots=True)
class Cloud:
    """What the made-up Platform API holds; `tokens` are those it still takes."""

    details: Reply = field(default_factory=lambda: json_reply({"conversationId": "c-1"}))
    conversation: Reply = field(default_factory=lambda: json_reply({"participants": TWO_CUSTOMERS}))
    login: Callable[[str], Reply] = lambda token: json_reply(
        {"access_token": token, "token_type": "bearer", "expires_in": 3600}
    )
    tokens: set[str] = field(default_factory=set)
    grants: int = 0
    refusals: int = 0

    def __call__(self, asked: Asked) -> Reply:
        if asked.target == "/oauth/token":
            self.grants += 1
            token = f"token-{self.grants}"
            self.tokens.add(token)
            return self.login(token)
        if asked.headers["authorization"].removeprefix("Bearer ") not in self.tokens:
            self.refusals += 1
            # Each comes later than the one before, so that some come after a new token.
            return Reply(status=401, body=b"{}", stall_seconds=0.1 * self.refusals)
        return self.details if asked.target.endswith("/details") else self.conversation


@dataclass(slots=True)
class Scene:
    """One cloud, the adapter that talks to it, and its clock."""

    cloud: Cloud
    peer: HttpPeer
    platform: GenesysPlatform
    clock: SettableClock

    async def ask(
        self, body_id: str = "m-1", credentials: PlatformCredentials = CREDENTIALS
    ) -> tuple[str, str | None] | None:
        deployment = deployment_at(self.peer.endpoint)
        return await self.platform.conversation_of(deployment, credentials, body_id=body_id)


@asynccontextmanager
async def scene(
    most_accounts: int = 8,
    **changes: Any,  # noqa: ANN401 - as many types as fields
) -> AsyncIterator[Scene]:
    cloud, clock = Cloud(**changes), SettableClock()
    http = GenesysHttp(clock=clock, tls=usual_trust(), whole_seconds=PATIENCE)
    try:
        async with http_peer(cloud) as peer:
            platform = GenesysPlatform(http, clock=clock, most_accounts=most_accounts)
            yield Scene(cloud=cloud, peer=peer, platform=platform, clock=clock)
    finally:
        await http.close()


async def test_a_message_leads_to_its_conversation_and_customer() -> None:
    async with scene() as on:
        found = await on.ask()

    assert found == ("c-1", "p-1")


async def test_a_login_that_is_refused_is_named_as_such() -> None:
    async with scene(login=lambda _: Reply(status=403)) as on:
        with pytest.raises(PlatformUnavailableError) as refused:
            await on.ask()

    assert (refused.value.what, refused.value.status) == (PLATFORM_LOGIN, 403)


async def test_the_requests_are_the_documented_ones() -> None:
    async with scene() as on:
        await on.ask("m/1")

    login, details, conversation = on.peer.asked
    basic = base64.b64encode(b"client:hush-hush").decode()
    assert (login.method, login.target) == ("POST", "/oauth/token")
    assert login.headers["authorization"] == f"Basic {basic}"
    assert login.body == b"grant_type=client_credentials"
    assert details.target == "/api/v2/conversations/messages/m%2F1/details"
    assert details.headers["authorization"] == "Bearer token-1"
    assert conversation.target == "/api/v2/conversations/messages/c-1"


@pytest.mark.parametrize(
    ("participants", "participant"),
    [
        (TWO_CUSTOMERS[:2], "p-1"),
        ([TWO_CUSTOMERS[0]], None),
        ([*TWO_CUSTOMERS[:1], {"id": "p-7", "purpose": "customer"}], "p-7"),
        ([{"id": "p-8", "purpose": "customer"}, {"id": "p-9", "purpose": "customer"}], "p-9"),
        ([{"purpose": "customer"}, "nonsense"], None),
        (None, None),
    ],
)
async def test_the_customer_is_who_wrote_the_message_else_the_latest(
    participants: object, participant: str | None
) -> None:
    async with scene(conversation=json_reply({"participants": participants})) as on:
        found = await on.ask()

    assert found == ("c-1", participant)


async def test_a_message_that_is_not_indexed_yet_has_no_conversation() -> None:
    async with scene(details=json_reply({"code": "not.found"}, status=404)) as on:
        assert await on.ask() is None


@pytest.mark.parametrize("details", [{}, {"conversationId": None}, {"conversationId": ""}])
async def test_details_without_a_conversation_are_none(details: object) -> None:
    async with scene(details=json_reply(details)) as on:
        assert await on.ask() is None


@pytest.mark.parametrize("status", [403, 404])
async def test_without_the_right_to_the_conversation_its_id_is_still_told(status: int) -> None:
    async with scene(conversation=Reply(status=status)) as on:
        assert await on.ask() == ("c-1", None)


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (json_reply({"code": "missing.any.permissions"}, status=403), 403),
        (Reply(status=404, body=b"<html>no such page</html>"), 404),
        (Reply(status=429), 429),
        (Reply(status=500), 500),
        (Reply(body=b"{"), 200),
        (Reply(body=b"[]"), 200),
        (Reply(body=b"[" * 100_000), 200),
        (Reply(body=b"\xff"), None),
    ],
)
async def test_other_answers_make_the_platform_unavailable(
    reply: Reply, status: int | None
) -> None:
    async with scene(details=reply) as on:
        with pytest.raises(PlatformUnavailableError) as caught:
            await on.ask()

    assert caught.value.status == status


async def test_a_failing_conversation_is_asked_for_again_later() -> None:
    async with scene(conversation=Reply(status=503)) as on:
        with pytest.raises(PlatformUnavailableError) as caught:
            await on.ask()

    assert (caught.value.what, caught.value.status) == ("the platform's conversation", 503)


async def test_a_token_is_fetched_once() -> None:
    async with scene() as on:
        await on.ask()
        await on.ask("m-2")

    assert on.cloud.grants == 1


async def test_a_crowd_waits_for_one_token() -> None:
    async with scene() as on:
        await asyncio.gather(*(on.ask() for _ in range(8)))

    assert on.cloud.grants == 1


async def test_other_credentials_have_another_token() -> None:
    async with scene() as on:
        await on.ask()
        await on.ask(credentials=PlatformCredentials(client_id="client", client_secret="new"))

    assert on.cloud.grants == 2


@pytest.mark.parametrize(("later", "grants"), [(3_500.0, 1), (3_541.0, 2)])
async def test_a_token_is_renewed_a_minute_before_it_expires(later: float, grants: int) -> None:
    async with scene() as on:
        await on.ask()
        on.clock.ahead = later
        await on.ask()

    assert on.cloud.grants == grants


async def test_a_revoked_token_is_replaced_once() -> None:
    async with scene() as on:
        await on.ask()
        on.cloud.tokens.clear()
        found = await on.ask()

    assert (found, on.cloud.grants) == (("c-1", "p-1"), 2)


async def test_a_crowd_with_a_revoked_token_fetches_one_new_one() -> None:
    async with scene() as on:
        await on.ask()
        on.cloud.tokens.clear()
        await asyncio.gather(*(on.ask() for _ in range(4)))

    assert on.cloud.grants == 2


async def test_of_too_many_accounts_the_oldest_is_forgotten() -> None:
    async with scene(most_accounts=2) as on:
        for secret in ("one", "two", "three", "two", "one"):
            await on.ask(credentials=PlatformCredentials(client_id="c", client_secret=secret))

    assert on.cloud.grants == 4


async def test_a_token_refused_twice_is_a_failure() -> None:
    async with scene(details=Reply(status=401)) as on:
        with pytest.raises(PlatformUnavailableError) as caught:
            await on.ask()

    assert (caught.value.status, on.cloud.grants) == (401, 2)


@pytest.mark.parametrize(
    ("reply", "status"),
    [(Reply(status=401), 401), (Reply(status=400), 400), (json_reply({}), 200)],
)
async def test_a_refused_login_is_told_without_the_secret(reply: Reply, status: int) -> None:
    async with scene(login=lambda _: reply) as on:
        with pytest.raises(PlatformUnavailableError) as caught:
            await on.ask()

    assert (caught.value.what, caught.value.status) == ("the platform's login", status)
    assert "hush-hush" not in repr(caught.value)


async def test_a_login_that_does_not_say_how_long_serves_once() -> None:
    async with scene(login=lambda token: json_reply({"access_token": token})) as on:
        await on.ask()

    assert on.cloud.grants == 2


async def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with scene() as on:
        await on.ask()

    assert "hush" not in caplog.text
    assert "token-1" not in caplog.text


LIMITED = Reply(status=429, body=b"{}", headers={"Retry-After": "7"})
FORBIDDEN = Reply(status=403, body=b'{"code": "missing.any.permissions"}')


async def _refused(on: Scene, body_id: str = "m-1") -> PlatformUnavailableError:
    with pytest.raises(PlatformUnavailableError) as refused:
        await on.ask(body_id)
    return refused.value


async def test_a_wish_to_wait_holds_for_all_who_use_the_account_until_it_is_over() -> None:
    async with scene(details=LIMITED) as on:
        first = await _refused(on)
        asked = len(on.peer.asked)
        second = await _refused(on, "m-2")
        assert (first.status, first.retry_after_seconds) == (429, 7)
        assert second.status == 429
        assert second.retry_after_seconds == pytest.approx(7, abs=1)
        assert len(on.peer.asked) == asked

        other = PlatformCredentials(client_id="other", client_secret="hush")
        on.cloud.details = json_reply({"conversationId": "c-1"})
        assert await on.ask(credentials=other) == ("c-1", "p-1")
        on.clock.ahead += 8
        assert await on.ask() == ("c-1", "p-1")


async def test_a_wish_to_wait_without_a_time_is_a_minute() -> None:
    async with scene(details=Reply(status=429, body=b"{}")) as on:
        await _refused(on)
        on.clock.ahead += 50
        assert (await _refused(on)).retry_after_seconds == pytest.approx(10, abs=1)


async def test_a_permission_that_is_missing_is_not_asked_for_again_and_again() -> None:
    async with scene(details=FORBIDDEN) as on:
        assert (await _refused(on)).status == 403
        asked = len(on.peer.asked)
        assert (await _refused(on, "m-2")).status == 403
        assert len(on.peer.asked) == asked

        on.cloud.details = json_reply({"conversationId": "c-1"})
        on.clock.ahead += 901
        assert await on.ask() == ("c-1", "p-1")


async def test_a_conversation_that_may_not_be_read_is_not_asked_for_each_time() -> None:
    async with scene(conversation=FORBIDDEN) as on:
        assert await on.ask() == ("c-1", None)
        asked = len(on.peer.asked)
        assert await on.ask("m-2") == ("c-1", None)

        assert len(on.peer.asked) == asked + 1


async def test_wrong_credentials_log_in_once_and_not_with_each_message() -> None:
    async with scene(login=lambda _: Reply(status=401, body=b"{}")) as on:
        assert (await _refused(on)).status == 401
        assert (await _refused(on)).status == 401

        assert on.cloud.grants == 1


async def test_whoever_asks_afresh_learns_what_was_changed_meanwhile() -> None:
    async with scene(details=FORBIDDEN) as on:
        await _refused(on)
        on.cloud.details = json_reply({"conversationId": "c-1"})
        deployment = deployment_at(on.peer.endpoint)
        found = await on.platform.conversation_of(
            deployment, CREDENTIALS, body_id="m-1", afresh=True
        )

        assert found == ("c-1", "p-1")


@pytest.mark.parametrize("seconds", [f"1{'0' * 400}", "1e400", "-1e400", "NaN"])
async def test_how_long_a_token_is_good_may_be_told_in_any_number(seconds: str) -> None:
    def login(token: str) -> Reply:
        return Reply(body=f'{{"access_token":"{token}","expires_in":{seconds}}}'.encode())

    async with scene(login=login) as on:
        first = await on.ask()
        on.clock.ahead = 48 * 3600.0
        await on.ask()

    assert first == ("c-1", "p-1")
    assert on.cloud.grants > 1
