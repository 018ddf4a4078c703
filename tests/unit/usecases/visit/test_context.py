"""The context reaches each guest session, whatever becomes of the send that carried it first."""

from dataclasses import replace
from typing import Any, Final

import pytest

from service.domain.deployment import CarryOver
from service.domain.said import Refusal
from service.domain.send import SendKind, SendStatus, Written
from service.domain.session import Session
from service.usecases.visit.context import context_refused, known_keys
from tests.support.playbook import pending
from tests.support.visit_stage import Stage, on_virtual_time, staged

ORDER: Final = {"order": "7"}


def carried(stage: Stage) -> list[tuple[str, dict[str, str]]]:
    """Of each frame with a message its text (or `join`) and the attributes on it."""
    found = []
    for frame in stage.frames("onMessage"):
        message: dict[str, Any] = frame["message"]
        told = message.get("channel", {}).get("metadata", {}).get("customAttributes", {})
        found.append((message.get("text") or "join", told))
    return found


async def said(stage: Stage, session: Session, *texts: str) -> list[tuple[str, dict[str, str]]]:
    """What goes out in one visit."""
    stage.wires.sent.clear()
    for text in texts:
        await stage.accept(session, text)
    await stage.attend(session)
    return carried(stage)


@on_virtual_time
async def test_the_first_message_carries_it_and_no_later_visit_repeats_it() -> None:
    async with staged(locale="en-US") as stage:
        session = await stage.made(custom_attributes=ORDER)
        first = await said(stage, session, "one", "two")
        later = await said(stage, session, "three")

        assert first == [("one", {"order": "7", "locale": "en-US"}), ("two", {})]
        assert later == [("three", {})]


@on_virtual_time
async def test_without_anything_to_tell_no_event_remembers_it() -> None:
    async with staged() as stage:
        session = await stage.made()
        assert await said(stage, session, "one") == [("one", {})]

        keys = {key[:2] for event in await stage.log(session) for key in event.keys}
        assert keys == {"b:", "c:", "t:"}


@on_virtual_time
async def test_a_join_carries_it_and_the_message_behind_it_says_that_it_is_known() -> None:
    async with staged(simulated={"auto_start": True}) as stage:
        session = await stage.made(custom_attributes=ORDER)
        first = await said(stage, session, "one")
        later = await said(stage, session, "two")

        assert first == [("join", ORDER), ("one", {})]
        assert later == [("two", {})]


@on_virtual_time
async def test_one_that_was_told_to_wait_carries_it_again_though_another_came_through() -> None:
    """The second was written behind it on the same link and is proven before it goes again."""
    async with staged() as stage:
        session = await stage.made(custom_attributes=ORDER)
        stage.control.fault("throttle", retry_after=2)
        sent = await said(stage, session, "one", "two")

        assert sent == [("one", ORDER), ("two", {}), ("one", ORDER)]
        assert stage.arrived() == ["two", "one"]
        assert await said(stage, session, "three") == [("three", {})]


@on_virtual_time
async def test_a_guest_session_that_is_gone_gets_it_and_so_does_the_next() -> None:
    async with staged(carry_over=CarryOver.NONE) as stage:
        session = await stage.made(custom_attributes=ORDER)
        stage.control.fault("forget", action="onMessage")
        sent = await said(stage, session, "one")
        stage.control.forget((await stage.load(session)).client_id)
        again = await said(stage, session, "two")

        assert sent == [("one", ORDER), ("one", ORDER)]
        assert again[-1] == ("two", ORDER)
        assert (await stage.load(session)).incarnation > 1


@on_virtual_time
async def test_one_that_is_lost_on_its_way_carries_it_again_once_it_is_proven_absent() -> None:
    async with staged() as stage:
        session = await stage.made(custom_attributes=ORDER)
        stage.control.fault("swallow_write", action="onMessage")
        sent = await said(stage, session, "one")

        assert sent == [("one", ORDER), ("one", ORDER)]
        assert stage.arrived() == ["one"]


@on_virtual_time
async def test_one_whose_writer_died_after_the_mark_carries_it_again() -> None:
    async with staged() as stage:
        session = await stage.made(custom_attributes=ORDER)
        await stage.attend(session, seconds=1)
        send = await stage.accept(session, "one")
        mark = Written(at=stage.now, incarnation=1, writer="dead", link="lnk_dead")
        dead = replace(send, status=SendStatus.WRITTEN, attempt=1, written=mark, context="1.0")
        await stage.ports.sessions.change_send(send, dead)
        sent = await said(stage, session, "two")

        assert sent == [("one", ORDER), ("two", {})]


@on_virtual_time
async def test_the_next_carries_it_when_the_first_is_refused_for_good() -> None:
    async with staged() as stage:
        session = await stage.made(custom_attributes=ORDER)
        stage.control.fault("refuse", action="onMessage", code=4011)
        sent = await said(stage, session, "one")
        again = await said(stage, session, "two")

        assert (sent, again) == ([("one", ORDER)], [("two", ORDER)])


@on_virtual_time
async def test_a_context_that_is_too_large_fails_one_message_and_no_other() -> None:
    async with staged() as stage:
        session = await stage.made(custom_attributes=ORDER)
        stage.control.fault("refuse", action="onMessage", code=4013)
        sent = await said(stage, session, "one", "two")
        (failed,) = await stage.of(session, "message.failed")

        assert sent == [("one", ORDER), ("two", {})]
        assert failed["message"]["failure"]["providerCode"] == "4013"
        assert await said(stage, session, "three") == [("three", {})]


@on_virtual_time
async def test_a_join_goes_out_without_a_context_that_is_too_large() -> None:
    async with staged(simulated={"auto_start": True}) as stage:
        session = await stage.made(custom_attributes=ORDER)
        stage.control.fault("refuse", action="onMessage", code=4013)
        sent = await said(stage, session, "one")

        assert sent == [("join", ORDER), ("one", {}), ("join", {})]
        assert stage.arrived() == ["one"]


@on_virtual_time
async def test_what_a_caller_changed_goes_out_with_the_next_message() -> None:
    async with staged() as stage:
        session = await stage.made(custom_attributes=ORDER)
        await said(stage, session, "one")
        stored = await stage.load(session)
        changed = replace(stored, custom_attributes={"order": "8"}, attributes_version=1)
        await stage.ports.sessions.commit(stored, changed)

        assert await said(stage, session, "two") == [("two", {"order": "8"})]
        assert await said(stage, session, "three") == [("three", {})]


@on_virtual_time
async def test_the_limit_is_that_of_the_guest_session() -> None:
    async with staged(knobs={"max_attribute_bytes": 20}, locale="en-US") as stage:
        own = {"order": "7", "tier": "golden"}
        session = await stage.made(custom_attributes={**own, "more": "x" * 30})

        assert await said(stage, session, "one") == [("one", own)]
        assert (await stage.load(session)).attribute_limit == 20


@on_virtual_time
async def test_what_is_carried_over_goes_out_once_beside_what_the_session_has() -> None:
    async with staged() as stage:
        session = await stage.made(custom_attributes=ORDER)
        await said(stage, session, "one")
        stage.control.forget(session.client_id)
        again = await said(stage, session, "two")

        told = again[-1][1]
        assert (told["order"], told["previousIncarnation"]) == ("7", "1")
        assert "guest: one" in told["recap"]
        assert await said(stage, session, "three") == [("three", {})]
        assert (await stage.load(session)).carry == {}


@on_virtual_time
async def test_a_recap_is_the_first_to_go_and_carries_it() -> None:
    async with staged(carry_over=CarryOver.RECAP) as stage:
        session = await stage.made(custom_attributes=ORDER)
        await said(stage, session, "one")
        stage.control.forget(session.client_id)
        again = await said(stage, session, "two")

        recap, two = again[-2:]
        assert ("guest: one" in recap[0], recap[1], two) == (True, ORDER, ("two", {}))


@on_virtual_time
async def test_one_that_only_history_proves_needs_no_other() -> None:
    async with staged() as stage:
        session = await stage.made(custom_attributes=ORDER)
        stage.control.fault("swallow_echo")
        sent = await said(stage, session, "one")
        later = await said(stage, session, "two")

        (first, _) = await stage.of(session, "message.confirmed")
        assert first["message"]["recovered"] is True
        assert (sent, later) == ([("one", ORDER)], [("two", {})])


@pytest.mark.parametrize(("code", "given_up"), [("4013", True), ("4011", False)])
@on_virtual_time
async def test_only_a_size_gives_a_context_up(code: str, *, given_up: bool) -> None:
    async with staged() as stage:
        session = await stage.made(custom_attributes=ORDER)
        desk = await stage.desk(session)
        bearer = pending(context="1.0", kind=SendKind.JOIN)
        refusal = Refusal(code=code, certain=True)

        assert context_refused(desk, bearer, refusal) is given_up
        assert not context_refused(desk, pending(), refusal)
        assert desk.session.introduced == ("1.0" if given_up else None)
        assert known_keys(desk, bearer) == (frozenset({"x:1.0:2"}) if given_up else frozenset())


@on_virtual_time
async def test_visit_after_visit_a_long_chat_tells_them_once() -> None:
    async with staged() as stage:
        session = await stage.chatted(custom_attributes={"order": "7"})
        for number in range(110):
            await stage.accept(session, f"More {number}")
            await stage.attend(session)
            await stage.clock.sleep(7)

        told = [frame["message"] for frame in stage.frames("onMessage")]
        assert len(told) == 110
        assert [each["text"] for each in told if "customAttributes" in str(each)] == []
        assert (await stage.load(session)).introduced == "1.0"
