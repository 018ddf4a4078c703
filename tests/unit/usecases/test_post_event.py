"""One signed POST."""

from service.adapters.ed25519 import Ed25519Signer
from service.domain.endpoint import SigningSecret
from service.domain.ids import EventId
from service.usecases.post_event import PostEvent
from tests.support.lane_world import SECRET, LaneWorld
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
