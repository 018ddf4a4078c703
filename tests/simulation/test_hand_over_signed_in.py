"""A shard with signed-in guests and half-uploaded files changes hands; nobody notices."""

import asyncio
from typing import Any, Final

from service.domain.attachment import AttachmentStatus
from service.domain.ids import SessionId
from service.domain.lease import lead_of
from service.simulator.deployments import Deployment
from service.simulator.knobs import Knobs
from service.simulator.state import WorldConfig
from tests.simulation.test_hand_over import check, history_reads, speak, tokens_of
from tests.simulation.test_replacement_story import furnish
from tests.support.fleet import Fleet, Member
from tests.support.virtual_broker import VirtualBroker, virtual_broker
from tests.support.virtual_time import run_virtual

WORLD: Final = WorldConfig(
    deployments=(Deployment(auth=True, step_up=True),),
    knobs=Knobs(idle_close_seconds=0, max_age_seconds=0, refresh_rotates=True, scan_seconds=3.0),
)
CHATS: Final = 3
GENERATION: Final = 1000.0
"""Longer than a JWT lives: whoever takes over must have each renewed."""
PHOTO: Final = b"bytes"


def test_signed_in_guests_change_hands_unnoticed_with_their_uploads() -> None:
    async def story() -> None:
        async with virtual_broker(WORLD) as broker:
            await furnish(broker)
            await hand_over(broker)

    run_virtual(story())


async def hand_over(broker: VirtualBroker) -> None:
    fleet = Fleet(broker, generation=GENERATION)
    old = fleet.start()
    await broker.clock.sleep(1)
    chats = [await sign_in(old, number) for number in range(CHATS)]
    await broker.clock.sleep(GENERATION - lead_of(GENERATION) - 30)
    places = [await place_for_a_file(old, chat) for chat in chats]
    reads = history_reads(broker)
    agents = asyncio.create_task(speak(broker, await tokens_of(broker, chats), every=0.3))
    new = fleet.start()
    await broker.clock.sleep(1)
    for place in places:
        await put(broker, place)

    assert await old.task == "retired"
    await broker.clock.sleep(10)
    agents.cancel()
    said = await agents
    await broker.clock.sleep(5)
    types = [event["type"] for event in await check(broker, chats, said)]
    assert not {"session.recovered", "session.replaced", "session.failed"} & set(types)
    assert types.count("attachment.uploaded") == CHATS
    assert history_reads(broker) == reads
    await check_at_genesys(broker, chats)
    assert await new.stop() == "stopped"


async def check_at_genesys(broker: VirtualBroker, chats: list[SessionId]) -> None:
    """Each login is good, each file is there."""
    for chat in chats:
        session = await broker.ports.sessions.load(chat)
        assert session.sign_in is not None
        assert session.sign_in.is_good(broker.clock.now())
        [file] = await broker.ports.attachments.of_session(chat)
        assert file.status is AttachmentStatus.UPLOADED


async def sign_in(member: Member, number: int) -> SessionId:
    login = {"code": f"code-guest{number}", "redirectUri": "https://a.example"}
    body = {"deployment": "help", "message": {"text": "Hello"}, "authentication": login}
    made = await member.process.post("/v1/sessions?wait=10", body, key=f"chat-{number}")
    return SessionId(made["id"])


async def place_for_a_file(member: Member, chat: SessionId) -> dict[str, Any]:
    body = {"fileName": "photo.jpg", "fileType": "image/jpeg", "fileSize": len(PHOTO)}
    path = f"/v1/sessions/{chat}/attachments?wait=10"
    made: dict[str, Any] = await member.process.post(path, body, key=f"file-{chat}")
    return made


async def put(broker: VirtualBroker, made: dict[str, Any]) -> None:
    upload = made["upload"]
    status, _, _ = await broker.simulator.http("PUT", upload["url"], upload["headers"], PHOTO)
    assert status == 200
