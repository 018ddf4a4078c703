"""A challenge, now and once: a new value each time, and what came back."""

import json
import logging
from collections.abc import Mapping

import pytest

from service.adapters.ed25519 import Ed25519Signer
from service.domain.endpoint import EndpointState
from service.ports import WebhookAnswer, WebhookHttp
from service.usecases.post_event import PostEvent
from service.usecases.send_challenge import CHALLENGE_SECONDS, WRONG, SendChallenge
from tests.support.lane_world import LaneWorld
from tests.support.virtual_time import run_virtual


class Mirror:
    """Sends the challenge back, between what a test wants around it."""

    def __init__(self, *, status: int = 200, before: str = "", after: str = "") -> None:
        self.status, self.before, self.after = status, before, after
        self.bodies: list[bytes] = []
        self.timeouts: list[float] = []
        self.headers: list[Mapping[str, str]] = []

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> WebhookAnswer:
        self.bodies.append(body)
        self.headers.append(headers)
        self.timeouts.append(timeout_seconds)
        challenge = json.loads(body)["data"]["challenge"]
        said = f"{self.before}{challenge}{self.after}".encode()
        return WebhookAnswer(status=self.status, body=said, seconds=0.25)


def _sender(world: LaneWorld, wire: WebhookHttp) -> SendChallenge:
    post = PostEvent(clock=world.clock, signer=Ed25519Signer(), webhook_http=wire)
    return SendChallenge(clock=world.clock, ids=world.ids, post_event=post)


def test_a_challenge_has_its_line_without_what_was_asked_and_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def story() -> None:
        world, mirror = LaneWorld(), Mirror()

        asked = await _sender(world, mirror)(await world.endpoint())

        [told] = [vars(each) for each in caplog.records if each.msg == "delivery.attempted"]
        assert (told["event_type"], told["event_id"]) == ("webhook.challenge", asked.event_id)
        assert (told["status"], told["outcome"], told["seconds"]) == (200, "delivered", 0.25)
        assert asked.shown
        assert asked.shown not in str(told)

    run_virtual(story())


def test_a_receiver_that_sends_it_back_passes() -> None:
    async def story() -> None:
        world, mirror = LaneWorld(), Mirror()
        endpoint = await world.endpoint(state=EndpointState.PAUSED, timeout_seconds=30.0)

        first = await _sender(world, mirror)(endpoint)
        await _sender(world, mirror)(endpoint)

        event = json.loads(mirror.bodies[0])
        assert (event["type"], event["id"]) == ("webhook.challenge", first.event_id)
        assert event["data"]["webhookId"] == endpoint.id
        assert len(event["data"]["challenge"]) >= 32
        assert event["data"]["challenge"] != json.loads(mirror.bodies[1])["data"]["challenge"]
        assert mirror.headers[0]["webhook-signature"].startswith("v1,")
        assert mirror.timeouts == [CHALLENGE_SECONDS] * 2
        assert first.view() == {
            "eventId": first.event_id,
            "passed": True,
            "status": 200,
            "error": None,
            "detail": "",
            "seconds": 0.25,
            "answer": event["data"]["challenge"],
        }

    run_virtual(story())


def test_a_short_timeout_stays_as_it_is() -> None:
    async def story() -> None:
        world, mirror = LaneWorld(), Mirror()

        await _sender(world, mirror)(await world.endpoint(timeout_seconds=2.0))

        assert mirror.timeouts == [2.0]

    run_virtual(story())


@pytest.mark.parametrize(
    ("mirror", "error", "detail"),
    [
        (Mirror(status=500), "status", ""),
        (Mirror(status=302), "status", ""),
        (Mirror(before="your challenge: "), None, WRONG),
    ],
)
def test_whatever_is_no_success_with_the_challenge_fails(
    mirror: Mirror, error: str | None, detail: str
) -> None:
    async def story() -> None:
        world = LaneWorld()

        view = (await _sender(world, mirror)(await world.endpoint())).view()

        assert (view["passed"], view["error"], view["detail"]) == (False, error, detail)

    run_virtual(story())


def test_what_came_back_is_cut_and_without_credentials() -> None:
    async def story() -> None:
        world, mirror = LaneWorld(), Mirror(before="Bearer abcdef ", after="x" * 9000)
        endpoint = await world.endpoint(headers={"authorization": "Bearer abcdef"})

        shown = (await _sender(world, mirror)(endpoint)).shown

        assert shown.startswith("[redacted] ")
        assert len(shown.encode()) <= 2048

    run_virtual(story())
