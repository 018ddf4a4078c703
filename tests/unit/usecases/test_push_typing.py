"""Typing goes to those who ask for it by name, once."""

import json
import logging

import pytest

from service.adapters.ed25519 import Ed25519Signer
from service.domain.endpoint import EndpointState
from service.ports import WebhookAnswer
from service.usecases.known_endpoints import KnownEndpoints
from service.usecases.post_event import PostEvent
from service.usecases.push_typing import PushTyping
from tests.support.lane_world import LaneWorld
from tests.support.virtual_time import run_virtual


def typing(world: LaneWorld) -> PushTyping:
    return PushTyping(
        clock=world.clock,
        ids=world.ids,
        endpoints=KnownEndpoints(clock=world.clock, tenants=world.table.tenants),
        post_event=PostEvent(
            clock=world.clock, signer=Ed25519Signer(), webhook_http=world.receiver
        ),
    )


def test_only_active_endpoints_that_name_it_get_typing_and_only_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def story() -> None:
        world = LaneWorld()
        await world.endpoint("whk_1")
        await world.endpoint(
            "whk_2", event_types=("*", "typing.started"), url="https://two.example"
        )
        await world.endpoint("whk_3", event_types=("typing.started",), state=EndpointState.PAUSED)
        session = await world.session()
        world.receiver.reply = WebhookAnswer(status=500)

        await typing(world)(session)

        (post,) = world.receiver.posts
        assert post.url == "https://two.example"
        assert json.loads(post.body)["type"] == "typing.started"
        assert "broker-lane-sequence" not in post.headers
        assert world.hints.lanes == []
        [told] = [vars(each) for each in caplog.records if each.msg == "delivery.attempted"]
        assert (told["event_type"], told["endpoint_id"]) == ("typing.started", "whk_2")
        assert (told["status"], told["outcome"]) == (500, "failed")
        assert told["trace_id"] == post.headers["traceparent"].split("-")[1]

    run_virtual(story())


def test_nobody_asks_and_nothing_is_made() -> None:
    async def story() -> None:
        world = LaneWorld()
        session = await world.session()

        await typing(world)(session)

        assert world.receiver.posts == []

    run_virtual(story())
