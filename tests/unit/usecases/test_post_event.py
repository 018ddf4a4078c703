"""One signed POST."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from service.adapters.ed25519 import Ed25519Signer
from service.domain.endpoint import SigningSecret
from service.domain.ids import EventId, ReplayId, SessionId
from service.domain.trace import Trace, trace_of_header, trace_of_name
from service.ports import WebhookAnswer
from service.usecases.post_event import PostEvent
from tests.support.lane_world import SECRET, LaneWorld
from tests.support.store_builders import an_event
from tests.support.virtual_time import run_virtual

NEW = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def test_a_rotated_secret_signs_until_it_lapses() -> None:
    async def story() -> None:
        world = LaneWorld()
        lapse = world.clock.now() + 60
        endpoint = await world.endpoint(
            secrets=(SigningSecret(secret=NEW), SigningSecret(secret=SECRET, expires_at=lapse))
        )
        post = PostEvent(clock=world.clock, signer=Ed25519Signer(), webhook_http=world.receiver)

        await post(endpoint, EventId("evt_1"), body=b"{}")
        await world.clock.sleep(61)
        await post(endpoint, EventId("evt_1"), body=b"{}")

        counts = [len(p.headers["webhook-signature"].split(" ")) for p in world.receiver.posts]
        assert counts == [2, 1]
        # A second attempt is the same event and the same bytes, at its own time.
        first, second = (p.headers["webhook-timestamp"] for p in world.receiver.posts)
        assert int(second) - int(first) == 61

    run_virtual(story())


def test_the_date_of_an_answer_is_held_against_our_clock() -> None:
    async def story() -> None:
        world = LaneWorld()
        post = PostEvent(clock=world.clock, signer=Ed25519Signer(), webhook_http=world.receiver)
        at = datetime.fromtimestamp(world.clock.now() + 300, UTC)
        world.receiver.reply = WebhookAnswer(status=200, date=format_datetime(at, usegmt=True))

        for host in ("a.example", "b.test", "c.org"):
            endpoint = await world.endpoint(f"whk_{host}", url=f"https://{host}/hook")
            await post(endpoint, EventId("evt_1"), body=b"{}")

        skew = post.watch.skew(world.clock.now())
        assert skew == pytest.approx(300, abs=1)
        stamps = [int(p.headers["webhook-timestamp"]) for p in world.receiver.posts]
        assert set(stamps) == {int(world.clock.now())}, "signatures keep the system's clock"

    run_virtual(story())


def test_what_a_replay_sends_has_its_name_and_no_number() -> None:
    async def story() -> None:
        world = LaneWorld()
        post = PostEvent(clock=world.clock, signer=Ed25519Signer(), webhook_http=world.receiver)
        endpoint = await world.endpoint(headers={"x-mine": "1"})

        event = an_event(SessionId("ses_1"), 1, id=EventId("evt_1"))
        await post.replayed(endpoint, event, body=b"{}", replay_id=ReplayId("rpl_1"))

        (sent,) = (each.headers for each in world.receiver.posts)
        assert (sent["webhook-id"], sent["broker-replay"], sent["x-mine"]) == (
            "evt_1",
            "rpl_1",
            "1",
        )
        assert "broker-lane-sequence" not in sent
        assert sent["webhook-signature"].startswith("v1,")

    run_virtual(story())


def test_each_attempt_is_a_step_of_its_own_in_the_trace_of_its_event() -> None:
    async def story() -> None:
        world = LaneWorld()
        post = PostEvent(clock=world.clock, signer=Ed25519Signer(), webhook_http=world.receiver)
        endpoint = await world.endpoint()
        asked = Trace("4bf92f3577b34da6a3ce929d0e0e4736-00")
        event = an_event(SessionId("ses_1"), 1, id=EventId("evt_1"), trace=asked)

        await post(endpoint, event.id, body=b"{}", trace=asked)
        await world.clock.sleep(1)
        await post(endpoint, event.id, body=b"{}", trace=asked)
        await post.replayed(endpoint, event, body=b"{}", replay_id=ReplayId("rpl_1"))
        await post(endpoint, EventId("evt_2"), body=b"{}")

        *caused, nobodys = (each.headers["traceparent"] for each in world.receiver.posts)
        assert {trace_of_header(each) for each in caused} == {asked}
        assert len({each.split("-")[2] for each in caused}) == 2, "a span for each moment"
        assert trace_of_header(nobodys) == trace_of_name("evt_2")

    run_virtual(story())
