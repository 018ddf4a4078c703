"""A hundred messages at once, on links that come and go: all arrive in order and none too fast."""

import asyncio
import json
from asyncio import create_task

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.attachment import AttachmentStatus
from service.domain.session import Session
from service.usecases.visit import Nudged
from tests.support.file_stage import asked, attend, stored
from tests.support.virtual_time import run_virtual
from tests.support.visit_stage import Stage, on_virtual_time, staged
from tests.support.wire_story import tells

MESSAGES = 100
FILES = 70
"""Shown by one page of a transcript, whose links are all fetched at once."""
flaps = st.lists(st.floats(min_value=0.1, max_value=90.0), max_size=4)


@tells("onMessage", "getJwt", "configureSession")
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flaps)
def test_a_hundred_messages_at_once_are_never_refused(at: list[float]) -> None:
    run_virtual(_story(sorted(at)))


async def _story(flaps: list[float]) -> None:
    async with staged(history_lag_seconds=2) as stage:
        session = await stage.chatted("Hello")
        texts = [f"{n}" for n in range(MESSAGES)]
        async with stage.held(session) as inbox:
            fate = create_task(_flap(stage, session, flaps))
            for text in texts:
                await stage.accept(session, text)
            inbox.put(Nudged())
            async with asyncio.timeout(600):
                while await stage.broker.ports.sessions.open_sends(session.id):
                    await stage.clock.sleep(1)
            await fate

        assert stage.arrived() == ["Hello", *texts]
        assert _throttled(stage) == []


@on_virtual_time
async def test_a_page_of_files_is_asked_for_without_taking_the_place_of_messages() -> None:
    async with staged(history_lag_seconds=2) as stage:
        session = await stage.chatted()
        file = await attend(stage, await asked(stage, session))
        async with stage.held(session) as inbox:
            guest_id = (await stored(stage, file)).guest_id
            for _ in range(FILES):
                await asked(
                    stage,
                    session,
                    status=AttachmentStatus.SENT,
                    guest_id=guest_id,
                    incarnation=session.incarnation,
                    wanted_at=stage.now,
                )
            inbox.put(Nudged())
            await stage.clock.sleep(1)
            await stage.accept(session, "meanwhile")
            inbox.put(Nudged())
            await stage.clock.sleep(1)
            assert stage.arrived()[-1] == "meanwhile"
            await stage.clock.sleep(180)

        assert len(stage.frames("getAttachment")) >= FILES
        assert _throttled(stage) == []


async def _flap(stage: Stage, session: Session, flaps: list[float]) -> None:
    begun = stage.now
    for at in flaps:
        await stage.clock.sleep(max(0.0, begun + at - stage.now))
        stage.control.drop(session.client_id)


def _throttled(stage: Stage) -> list[str]:
    names = [json.loads(text).get("class") for text in stage.wires.heard]
    return [name for name in names if name == "TooManyRequestsErrorMessage"]
