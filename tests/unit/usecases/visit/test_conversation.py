"""The contact centre's own ids: asked for patiently, kept once."""

from service.domain.deployment import PlatformCredentials
from service.domain.errors import PlatformUnavailableError
from tests.support.visit_stage import on_virtual_time, staged

PLATFORM = PlatformCredentials(client_id="id", client_secret="secret")


@on_virtual_time
async def test_the_question_is_asked_again_until_the_message_is_indexed() -> None:
    async with staged(platform=PLATFORM) as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        down = PlatformUnavailableError(what="the platform", status=503)
        stage.platform.answers.extend([None, down, ("cnv", "guest")])
        async with stage.held(session, settle=10):
            found = await stage.load(session)

        waits = [at - stage.platform.asked[0] for at in stage.platform.asked]
        assert [round(wait, 1) for wait in waits] == [0.0, 0.5, 1.5]
        assert (found.conversation_id, found.participant_id) == ("cnv", "guest")
        [told] = await stage.of(session, "conversation.identified")
        assert (told["conversationId"], told["participantId"]) == ("cnv", "guest")


@on_virtual_time
async def test_a_conversation_that_stays_unknown_is_asked_for_again_with_the_next_message() -> None:
    async with staged(platform=PLATFORM) as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        async with stage.held(session, settle=60):
            first = len(stage.platform.asked)
            stage.say(session, "Hi")
            await stage.clock.sleep(60)
            second = len(stage.platform.asked)

        assert (first, second) == (5, 10)


@on_virtual_time
async def test_one_question_is_under_way_at_a_time_and_none_once_it_is_known() -> None:
    async with staged(platform=PLATFORM) as stage:
        session = await stage.made()
        for text in ("one", "two", "three"):
            await stage.accept(session, text)
        stage.platform.answers.extend([None, ("cnv", None)])
        async with stage.held(session, settle=30):
            stage.say(session, "Hi")
            await stage.clock.sleep(30)

        assert len(stage.platform.asked) == 2


@on_virtual_time
async def test_without_platform_credentials_nobody_is_asked() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        async with stage.held(session, settle=30):
            assert stage.platform.asked == []
