"""Typing in both directions: at most once, never logged."""

from asyncio import Queue

import pytest

from service.domain.endpoint import SigningSecret
from service.domain.errors import LinkLostError
from service.usecases.visit import Inbox, Nudged, TypingWanted
from tests.support.store_builders import an_endpoint
from tests.support.visit_stage import on_virtual_time, staged
from tests.support.wire_story import tells


async def _typed(inbox: Inbox) -> bool:
    answer: Queue[bool] = Queue()
    inbox.put(TypingWanted(answer))
    return await answer.get()


@on_virtual_time
async def test_typing_goes_out_at_most_once_in_five_seconds() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            first = await _typed(inbox)
            await stage.clock.sleep(4.9)
            second = await _typed(inbox)
            await stage.clock.sleep(0.2)
            third = await _typed(inbox)

        assert (first, second, third) == (True, False, True)
        assert len(stage.frames("onMessage")) == 2


@on_virtual_time
async def test_typing_on_a_link_that_breaks_did_not_go_out() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            stage.wires.fails["onMessage"] = LinkLostError(code=1006, reason="")

            assert await _typed(inbox) is False


@on_virtual_time
async def test_typing_waits_for_the_link_and_is_refused_when_the_visit_ends_without_one() -> None:
    async with staged(knobs={"answer_delay_seconds": 60}) as stage:
        session = await stage.chatted()
        answer: Queue[bool] = Queue()
        async with stage.held(session, settle=1) as inbox:
            inbox.put(TypingWanted(answer))
            await stage.clock.sleep(5)
            early = answer.qsize()

        assert early == 0
        assert answer.get_nowait() is False


@tells("Typing")
@on_virtual_time
async def test_typing_is_not_sent_where_the_configuration_says_that_nobody_sees_it() -> None:
    async with staged(simulated={"user_typing": False}) as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            assert await _typed(inbox) is False

        assert stage.frames("onMessage") == []


@tells("Typing", "string")
@pytest.mark.parametrize(("code", "again"), [(403, False), (429, True), (500, True)])
@on_virtual_time
async def test_typing_that_is_forbidden_is_not_tried_again(code: int, *, again: bool) -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session) as inbox:
            stage.control.fault("refuse", action="onMessage", code=code)
            first = await _typed(inbox)
            await stage.clock.sleep(6)
            second = await _typed(inbox)
            await stage.accept(session, "More")
            inbox.put(Nudged())
            await stage.clock.sleep(2)

        assert (first, second) == (True, again)
        assert stage.arrived() == ["Hello", "More"]
        assert "message.failed" not in await stage.types(session)


@on_virtual_time
async def test_an_agent_who_types_is_told_to_who_asked_for_it_and_to_nobody_else() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        endpoint = an_endpoint(
            tenant=session.tenant,
            event_types=("typing.started",),
            secrets=(SigningSecret(secret=stage.ports.ids.signing_secret()),),
        )
        await stage.ports.tenants.put_endpoint(endpoint, expected_version=None, idempotency=None)
        before = await stage.types(session)
        async with stage.held(session, settle=60):
            stage.control.typing(session.client_id)
            await stage.clock.sleep(1)
            typed = stage.ports.bell.last_typing(session.id)

        assert len(stage.broker.received.posts) == 1
        assert typed == stage.now - 1
        assert await stage.types(session) == before
