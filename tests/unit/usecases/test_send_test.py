"""A test event, now and once."""

import json
import logging

import pytest

from service.adapters.ed25519 import Ed25519Signer
from service.domain.endpoint import EndpointState
from service.domain.trace import Trace
from service.ports import WebhookAnswer
from service.usecases.post_event import PostEvent
from service.usecases.send_test import SendTest
from tests.support.lane_world import LaneWorld
from tests.support.virtual_time import run_virtual


def test_a_test_goes_out_once_even_to_a_paused_endpoint_and_returns_the_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint(state=EndpointState.PAUSED)
        world.receiver.reply = WebhookAnswer(status=503)
        post_event = PostEvent(
            clock=world.clock, signer=Ed25519Signer(), webhook_http=world.receiver
        )
        send = SendTest(clock=world.clock, ids=world.ids, post_event=post_event)

        sent = await send(endpoint, trace=Trace("4bf92f3577b34da6a3ce929d0e0e4736-01"))

        (post,) = world.receiver.posts
        assert sent.answer.status == 503
        assert post.headers["webhook-id"] == sent.event_id
        assert json.loads(post.body)["type"] == "webhook.test"
        [told] = [vars(each) for each in caplog.records if each.msg == "delivery.attempted"]
        assert (told["event_type"], told["event_id"]) == ("webhook.test", sent.event_id)
        assert (told["status"], told["outcome"]) == (503, "failed")
        assert told["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"

    run_virtual(story())
