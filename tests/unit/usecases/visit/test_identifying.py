"""What the Platform API says is kept once, of the guest session that it speaks of."""

from dataclasses import replace

from service.domain.deployment import PlatformCredentials
from service.domain.events import ClearRequested
from service.domain.session import State
from service.simulator.deployments import Disconnect
from service.usecases.visit.conversation import ask_about_log
from service.usecases.visit.identifying import conversation_told
from service.usecases.visit.inbox import ConversationKnown, ConversationUnknown
from tests.support.visit_stage import on_virtual_time, staged


@on_virtual_time
async def test_the_conversation_of_an_earlier_incarnation_is_not_that_of_this_one() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            inbox.put(ConversationKnown(session.incarnation - 1, "old", None))
            inbox.put(ConversationKnown(session.incarnation, "now", "guest"))
            await stage.clock.sleep(0.1)

        found = await stage.load(session)
        assert (found.conversation_id, found.participant_id) == ("now", "guest")
        assert (await stage.types(session)).count("conversation.identified") == 1


@on_virtual_time
async def test_a_conversation_that_was_asked_for_twice_is_told_once() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            inbox.put(ConversationKnown(session.incarnation, "now", "guest"))
            inbox.put(ConversationKnown(session.incarnation, "now", "guest"))
            await stage.clock.sleep(0.1)

        assert (await stage.types(session)).count("conversation.identified") == 1


@on_virtual_time
async def test_another_conversation_takes_the_place_of_the_one_before_which_stays_known() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            inbox.put(ConversationKnown(1, "first", "guest"))
            inbox.put(ConversationKnown(1, "first", None))
            inbox.put(ConversationKnown(1, "second", None))
            await stage.clock.sleep(0.1)

        found = await stage.load(session)
        assert (found.conversation_id, found.participant_id) == ("second", None)
        assert found.former_conversations == ("first",)
        assert found.conversations == {"first", "second"}
        assert (await stage.types(session)).count("conversation.identified") == 2


@on_virtual_time
async def test_what_is_told_while_the_guest_session_is_left_changes_nothing() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await stage.assembly.change(session.id, ClearRequested())
        desk = await stage.desk(session)
        assert desk.session.state is State.CLEARING
        await conversation_told(desk, ConversationKnown(1, "late", "guest"))
        await conversation_told(desk, ConversationUnknown(1, 5.0))

        assert desk.session.conversation_id is None
        assert desk.asking.held_until == stage.now + 5


@on_virtual_time
async def test_what_nobody_could_say_of_the_guest_session_before_is_asked_of_this_one() -> None:
    platform = PlatformCredentials(client_id="id", client_secret="secret")
    async with staged(platform=platform) as stage:
        desk = await stage.desk(await stage.chatted())
        desk.session = replace(desk.session, incarnation=2)
        await conversation_told(desk, ConversationUnknown(1, 0.0))
        assert (desk.asking.again_at, desk.asking.task) == (None, None)
        desk.session = replace(desk.session, incarnation=1)
        await conversation_told(desk, ConversationUnknown(2, 0.0))

        assert desk.asking.task is not None
        desk.asking.task.cancel()


@on_virtual_time
async def test_a_message_from_before_an_end_is_asked_about_and_settles_nothing_after_it() -> None:
    platform = PlatformCredentials(client_id="id", client_secret="secret")
    async with staged(platform=platform, simulated={"disconnect": Disconnect.SEND}) as stage:
        session = await stage.chatted()
        async with stage.held(session):
            stage.control.disconnect(session.client_id)
            await stage.clock.sleep(5)
        desk = await stage.desk(session)
        ask_about_log(desk)
        end = desk.writer.window.last_sequence

        assert desk.asking.as_of == end - 1
        assert desk.asking.task is not None
        desk.asking.task.cancel()
