"""A test event, now and once."""

import json

from service.adapters.ed25519 import Ed25519Signer
from service.domain.endpoint import EndpointState
from service.ports import WebhookAnswer
from service.usecases.post_event import PostEvent
from service.usecases.send_test import SendTest
from tests.support.lane_world import LaneWorld
from tests.support.virtual_time import run_virtual


def test_a_test_goes_out_once_even_to_a_paused_endpoint_and_returns_the_answer() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint(state=EndpointState.PAUSED)
        world.receiver.reply = WebhookAnswer(status=503)
        post_event = PostEvent(
            clock=world.clock, signer=Ed25519Signer(), webhook_http=world.receiver
        )
        send = SendTest(clock=world.clock, ids=world.ids, post_event=post_event)

        sent = await send(endpoint)

        (post,) = world.receiver.posts
        assert sent.answer.status == 503
        assert post.headers["webhook-id"] == sent.event_id
        assert json.loads(post.body)["type"] == "webhook.test"

    run_virtual(story())
