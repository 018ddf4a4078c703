"""What a caller keeps with a session changes under a visit, and the visit goes on."""

from dataclasses import replace

from service.domain.attachment import AttachmentStatus
from service.usecases.visit.heeding import heeded
from service.usecases.visit.inbox import Nudged
from tests.support.file_stage import asked, stored
from tests.support.visit_stage import on_virtual_time, staged


@on_virtual_time
async def test_a_held_link_stays_and_the_next_message_carries_what_changed() -> None:
    async with staged() as stage:
        session = await stage.chatted(custom_attributes={"order": "7"})
        async with stage.held(session) as inbox:
            stage.wires.sent.clear()
            stored = await stage.load(session)
            changed = replace(
                stored, custom_attributes={"order": "8"}, attributes_version=1, metadata={"n": 1}
            )
            await stage.broker.ports.sessions.commit(stored, changed)
            inbox.put(Nudged())
            await stage.clock.sleep(1)
            await stage.accept(session, "next")
            inbox.put(Nudged())
            await stage.clock.sleep(2)

            assert stage.frames("configureSession") == []
            (frame,) = stage.frames("onMessage")
            told = frame["message"]["channel"]["metadata"]["customAttributes"]
            assert told == {"order": "8"}

        after = await stage.load(session)
        assert (after.custom_attributes, after.metadata) == ({"order": "8"}, {"n": 1})


@on_virtual_time
async def test_anything_else_that_changed_is_not_taken_over() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        desk = await stage.desk(session)
        stored = await stage.load(session)

        assert heeded(desk, replace(stored, version=9, metadata={"n": 1}, look_at=7.0))
        assert (desk.session.version, desk.writer.session.version) == (9, 9)
        assert desk.session.metadata == {"n": 1}
        assert not heeded(desk, replace(stored, version=10, joined=not stored.joined))
        assert desk.session.version == 9


@on_virtual_time
async def test_a_file_that_was_asked_for_meanwhile_ends_no_visit() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            file = await asked(stage, session)
            inbox.put(Nudged())
            await stage.clock.sleep(2)
            stage.wires.sent.clear()
            stored_session = await stage.load(session)
            changed = replace(stored_session, metadata={"n": 1})
            await stage.broker.ports.sessions.commit(stored_session, changed)
            inbox.put(Nudged())
            await stage.clock.sleep(2)

            assert stage.frames("configureSession") == []
            assert (await stored(stage, file)).status is AttachmentStatus.AWAITING_UPLOAD
