"""The contact centre's own ids: asked for patiently, and again when they may have changed."""

from typing import Any

import pytest

from service.domain.deployment import PlatformCredentials
from service.domain.errors import PlatformUnavailableError
from service.domain.session import Session, State
from service.simulator.deployments import Disconnect
from service.usecases.visit import Inbox, LeaveAsked, Nudged
from service.usecases.visit.conversation import ask_about_log
from tests.support.visit_stage import Stage, on_virtual_time, staged
from tests.support.wire_story import tells

PLATFORM = PlatformCredentials(client_id="id", client_secret="secret")
SENDS = {"disconnect": Disconnect.SEND}


def _down(status: int, **more: Any) -> PlatformUnavailableError:  # noqa: ANN401 - its members
    return PlatformUnavailableError(what="the platform", status=status, **more)


def _waits(stage: Stage) -> list[float]:
    return [round(at - stage.platform.asked[0], 1) for at in stage.platform.asked]


async def _ids(stage: Stage, session: Session) -> list[tuple[str, str | None]]:
    told = await stage.of(session, "conversation.identified")
    return [(each["conversationId"], each["participantId"]) for each in told]


@on_virtual_time
async def test_the_question_is_asked_again_until_the_message_is_indexed() -> None:
    async with staged(platform=PLATFORM) as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.platform.answers.extend([None, _down(503), ("cnv", "guest")])
        async with stage.held(session, settle=10):
            found = await stage.load(session)

        assert _waits(stage) == [0.0, 0.5, 1.5]
        assert (found.conversation_id, found.participant_id) == ("cnv", "guest")
        assert await _ids(stage, session) == [("cnv", "guest")]


@on_virtual_time
async def test_what_stays_unknown_is_asked_for_ever_more_rarely_and_with_the_next_message() -> None:
    async with staged(platform=PLATFORM) as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        async with stage.held(session, settle=200):
            assert _waits(stage) == [0.0, 0.5, 1.5, 3.5, 7.5, 37.5, 97.5]
            stage.platform.answers.extend([None, ("cnv", "guest")])
            stage.say(session, "Hi")
            await stage.clock.sleep(3600)

        assert len(stage.platform.asked) == 9
        assert await _ids(stage, session) == [("cnv", "guest")]


@on_virtual_time
async def test_one_question_is_under_way_at_a_time_and_none_once_it_is_known() -> None:
    async with staged(platform=PLATFORM) as stage:
        session = await stage.made()
        for text in ("one", "two", "three"):
            await stage.accept(session, text)
        stage.platform.answers.extend([None, ("cnv", "guest")])
        async with stage.held(session, settle=30):
            stage.say(session, "Hi")
            await stage.clock.sleep(30)

        assert len(stage.platform.asked) == 2


@on_virtual_time
async def test_who_wrote_is_asked_for_again_in_its_own_time_and_told_once_known() -> None:
    async with staged(platform=PLATFORM) as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.platform.answers.extend([("cnv", None), ("cnv", None), ("cnv", "guest")])
        async with stage.held(session, settle=10):
            stage.say(session, "Hi")
            await stage.clock.sleep(200)

        assert _waits(stage) == [0.0, 30.0, 90.0]
        assert await _ids(stage, session) == [("cnv", None), ("cnv", "guest")]


@pytest.mark.parametrize("status", [400, 401, 403])
@on_virtual_time
async def test_credentials_that_may_not_ask_are_left_alone_for_a_quarter_of_an_hour(
    status: int,
) -> None:
    async with staged(platform=PLATFORM) as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.platform.answers.extend([_down(status)] * 9)
        async with stage.held(session, settle=60):
            stage.say(session, "Hi")
            await stage.clock.sleep(2000)

        assert _waits(stage) == [0.0, 900.0, 1800.0]


@on_virtual_time
async def test_a_wish_to_wait_is_followed() -> None:
    async with staged(platform=PLATFORM) as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        soon, late = (_down(429, retry_after_seconds=wait) for wait in (4.0, 50.0))
        stage.platform.answers.extend([soon, late, ("cnv", "guest")])
        async with stage.held(session, settle=10):
            stage.say(session, "Hi")
            await stage.clock.sleep(100)

        assert _waits(stage) == [0.0, 4.0, 54.0]


@tells("Disconnect")
@pytest.mark.parametrize("after", [("cnv", "guest"), ("another", "guest2")])
@on_virtual_time
async def test_after_an_end_the_next_message_tells_which_conversation_it_is(
    after: tuple[str, str],
) -> None:
    async with staged(platform=PLATFORM, simulated=SENDS) as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.platform.answers.extend([("cnv", "guest"), after])
        async with stage.held(session):
            stage.say(session, "Bye")
            stage.control.disconnect(session.client_id)
            await stage.clock.sleep(100)
            assert len(stage.platform.asked) == 1
            stage.say(session, "One more thing")
            await stage.clock.sleep(10)
            stage.say(session, "And another")
            await stage.clock.sleep(100)
            found = await stage.load(session)

        assert len(stage.platform.asked) == 2
        assert len(set(stage.platform.about)) == 2
        assert (found.conversation_id, found.participant_id) == after
        assert await _ids(stage, session) == list(dict.fromkeys([("cnv", "guest"), after]))


@on_virtual_time
async def test_what_was_said_before_an_end_says_nothing_of_what_comes_after() -> None:
    async with staged(platform=PLATFORM, simulated=SENDS) as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.platform.answers.extend([*[None] * 5, ("cnv", "guest"), ("another", "guest")])
        async with stage.held(session, settle=10):
            stage.control.disconnect(session.client_id)
            await stage.clock.sleep(60)
            assert await _ids(stage, session) == [("cnv", "guest")]
            stage.say(session, "One more thing")
            await stage.clock.sleep(10)

        assert await _ids(stage, session) == [("cnv", "guest"), ("another", "guest")]


@on_virtual_time
async def test_an_end_that_was_heard_last_is_asked_about_with_what_follows_later() -> None:
    async with staged(platform=PLATFORM, simulated=SENDS, history_lag_seconds=1) as stage:
        stage.platform.answers.extend([("cnv", "guest")])
        session = await stage.made()
        await stage.accept(session, "Hello")
        async with stage.held(session):
            stage.control.disconnect(session.client_id)
            await stage.clock.sleep(10)
        await stage.clock.sleep(100)
        await stage.reconcile(session)
        assert len(stage.platform.asked) == 1
        stage.say(session, "While nobody listened")
        stage.platform.answers.append(("another", "guest"))
        await stage.clock.sleep(100)
        await stage.reconcile(session)

        assert await _ids(stage, session) == [("cnv", "guest"), ("another", "guest")]


@on_virtual_time
async def test_a_later_visit_asks_what_an_earlier_one_could_not_learn() -> None:
    async with staged(platform=PLATFORM, history_lag_seconds=1) as stage:
        session = await stage.chatted()
        stage.platform.answers.clear()
        await stage.clock.sleep(100)
        stage.platform.answers.append(("cnv", "guest"))
        await stage.reconcile(session)

        assert await _ids(stage, session) == [("cnv", "guest")]


@on_virtual_time
async def test_an_answer_about_the_guest_session_before_has_the_new_one_asked_about() -> None:
    async with staged(platform=PLATFORM, history_lag_seconds=1) as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        async with stage.held(session, settle=10) as inbox:
            stage.platform.hangs = True
            stage.say(session, "Hi")
            await stage.clock.sleep(1)
            stage.platform.hangs = False
            stage.control.wipe()
            stage.control.drop(session.client_id)
            await stage.clock.sleep(10)
            await stage.accept(session, "Again")
            inbox.put(Nudged())
            stage.platform.answers.extend([("old", "guest"), ("new", "guest")])
            await stage.clock.sleep(3700)
            found = await stage.load(session)

        assert (found.incarnation, found.conversation_id) == (2, "new")
        assert await _ids(stage, session) == [("new", "guest")]


@on_virtual_time
async def test_the_log_leads_to_the_conversation_where_no_message_comes() -> None:
    async with staged(platform=PLATFORM) as stage:
        session = await stage.chatted()
        desk = await stage.desk(session)
        stage.platform.asked.clear()
        ask_about_log(desk)
        await stage.clock.sleep(1)
        assert stage.platform.asked
        assert desk.asking.task is not None
        desk.asking.task.cancel()

        bare = await stage.desk(await stage.made())
        ask_about_log(bare)
        assert bare.asking.task is None


@on_virtual_time
async def test_without_platform_credentials_nobody_is_asked() -> None:
    async with staged() as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        task = stage.begin(session, inbox := Inbox())
        await stage.clock.sleep(30)
        inbox.put(LeaveAsked())
        await task

        assert stage.platform.asked == []
        assert (await stage.load(session)).state is State.DETACHED


@on_virtual_time
async def test_what_is_said_after_an_end_is_asked_about_though_a_question_was_under_way() -> None:
    async with staged(platform=PLATFORM, simulated=SENDS) as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.platform.answers.extend([*[None] * 4, ("cnv", "guest"), ("another", "guest")])
        async with stage.held(session, settle=1):
            stage.control.disconnect(session.client_id)
            await stage.clock.sleep(1)
            stage.say(session, "One more thing")
            await stage.clock.sleep(1)
            assert await _ids(stage, session) == []
            await stage.clock.sleep(60)

        assert await _ids(stage, session) == [("cnv", "guest"), ("another", "guest")]


@on_virtual_time
async def test_a_new_guest_session_is_asked_about_once_the_account_may_ask_again() -> None:
    async with staged(platform=PLATFORM, history_lag_seconds=1) as stage:
        session = await stage.made()
        await stage.accept(session, "Hello")
        stage.platform.answers.append(_down(429, retry_after_seconds=120.0))
        async with stage.held(session, settle=10) as inbox:
            stage.control.wipe()
            stage.control.drop(session.client_id)
            await stage.clock.sleep(10)
            await stage.accept(session, "Again")
            inbox.put(Nudged())
            stage.platform.answers.append(("new", "guest"))
            await stage.clock.sleep(300)
            found = await stage.load(session)

        assert (found.incarnation, found.conversation_id) == (2, "new")
        assert _waits(stage) == [0.0, 120.0]
