"""The writer's licence: every place once, every message once, whoever else writes."""

import logging
from dataclasses import replace

import pytest

from service.domain.drafts import Draft, received
from service.domain.effects import Attach
from service.domain.errors import PlaceTakenError, SupersededError, VersionConflictError
from service.domain.events import LeaveRequested
from service.domain.given import NewSend
from service.domain.ids import MessageId
from service.domain.lifecycle import Decision
from service.domain.log import EventType
from service.domain.message import Author, AuthorKind, Message, MessageStatus, SendBody
from service.domain.send import SendKind
from service.domain.session import Session, State
from service.domain.trace import Trace, trace_id
from service.ports import SendChange
from service.usecases.log_writer import LogWriter, open_writer
from tests.support.visit_stage import Stage, on_virtual_time, staged


def _said(stage: Stage, session: Session, text: str, *, at: float | None = None) -> Draft:
    now = stage.now
    message = Message(
        id=MessageId(stage.ports.ids.ulid("msg")),
        session_id=session.id,
        sequence=0,
        incarnation=session.incarnation,
        author=Author(kind=AuthorKind.AGENT),
        text=text,
        content=(),
        status=MessageStatus.CONFIRMED,
        occurred_at=now,
        created_at=now,
    )
    return received(message, keys=frozenset({f"b:{text}"}), channel_time=at or now)


async def _writer(stage: Stage, **changes: object) -> LogWriter:
    return await open_writer(stage.ports, await stage.made(**changes))


def _decision(
    session: Session, *drafts: Draft, sends: tuple[NewSend, ...] = (), **changes: object
) -> Decision:
    after = replace(session, **changes)  # type: ignore[arg-type] # fields of Session
    return Decision(session=after, drafts=drafts, sends=sends, effects=(Attach(),))


@on_virtual_time
async def test_a_place_lost_to_a_foreign_message_means_the_next_place() -> None:
    async with staged() as stage:
        writer = await _writer(stage)

        async def faster() -> None:
            await stage.foreign(writer.session, "theirs")

        stage.sessions.before("append", faster)
        event = await writer.append(writer.session, _said(stage, writer.session, "ours"))

        assert event is not None
        assert event.sequence == 2
        assert await stage.texts(writer.session) == ["theirs", "ours"]
        assert writer.window.last_sequence == 2


@on_virtual_time
async def test_a_place_lost_to_the_same_message_means_that_it_is_there() -> None:
    async with staged() as stage:
        writer = await _writer(stage)

        async def faster() -> None:
            await stage.foreign(writer.session, "same")

        stage.sessions.before("append", faster)
        event = await writer.append(writer.session, _said(stage, writer.session, "same"))

        assert event is None
        assert await stage.texts(writer.session) == ["same"]


@on_virtual_time
async def test_a_place_lost_to_a_change_of_the_session_ends_the_writer() -> None:
    async with staged() as stage:
        writer = await _writer(stage)

        async def faster() -> None:
            await stage.broker.assembly.change(writer.session.id, LeaveRequested())

        stage.sessions.before("append", faster)

        with pytest.raises(SupersededError):
            await writer.append(writer.session, _said(stage, writer.session, "too late"))
        assert await stage.types(writer.session) == ["session.ended"]


@on_virtual_time
async def test_a_put_whose_answer_was_lost_is_not_made_twice() -> None:
    async with staged() as stage:
        writer = await _writer(stage)
        draft = _said(stage, writer.session, "once")

        async def lost() -> None:
            # Another process logged the very message; ours learns only that the place is taken.
            await stage.foreign(writer.session, "once")
            raise PlaceTakenError(sequence=1)

        stage.sessions.before("append", lost)

        assert await writer.append(writer.session, draft) is None
        assert await stage.texts(writer.session) == ["once"]


@on_virtual_time
async def test_a_send_that_changed_meanwhile_is_the_callers_to_judge() -> None:
    async with staged() as stage:
        session = await stage.made()
        send = await stage.accept(session, "Hello")
        writer = await open_writer(stage.ports, session)
        stale = SendChange(before=replace(send, version=7), after=None)

        with pytest.raises(VersionConflictError):
            await writer.append(session, _said(stage, session, "Hi"), sends=(stale,))
        assert await stage.texts(session) == []


@on_virtual_time
async def test_every_win_rings_the_bell() -> None:
    async with staged() as stage:
        writer = await _writer(stage)
        rung: list[object] = []
        bell = stage.ports.bell

        class Heard:
            def __getattr__(self, name: str) -> object:
                return getattr(bell, name)

            def ring(self, session_id: object) -> None:
                rung.append(session_id)

        writer.ports = replace(stage.ports, bell=Heard())  # type: ignore[arg-type] # a bell by delegation
        await writer.append(writer.session, _said(stage, writer.session, "one"))
        opened = Draft(type=EventType.SESSION_OPENED)
        await writer.commit(_decision(writer.session, opened, state=State.DETACHED), authority=None)

        assert rung == [writer.session.id] * 2


@on_virtual_time
async def test_a_decision_that_changes_nothing_durable_writes_nothing() -> None:
    async with staged() as stage:
        writer = await _writer(stage)
        before = writer.session
        told = await writer.commit(
            _decision(before, expires_at=stage.now, last_good_at=None, evictions=3), authority=None
        )

        assert told == ((), ())
        assert stage.sessions.calls["commit"] == 0
        assert writer.session is before


@on_virtual_time
async def test_when_the_link_was_last_good_is_written_now_and_then() -> None:
    async with staged() as stage:
        writer = await _writer(stage, last_good_at=1_900_000_000.0)
        await writer.commit(_decision(writer.session, last_good_at=1_900_000_100.0), authority=None)
        soon = stage.sessions.calls["commit"]
        await writer.commit(_decision(writer.session, last_good_at=1_900_000_700.0), authority=None)

        assert (soon, stage.sessions.calls["commit"]) == (0, 1)


@on_virtual_time
async def test_events_and_their_sends_are_placed_together() -> None:
    async with staged() as stage:
        writer = await _writer(stage)
        await stage.foreign(writer.session, "before")
        facts = stage.assembly.facts
        joins = (
            NewSend(kind=SendKind.JOIN, of=0, ids=facts.send_ids(), body=SendBody()),
            NewSend(kind=SendKind.RECAP, of=None, ids=facts.send_ids(), body=SendBody()),
        )
        opened = Draft(type=EventType.SESSION_OPENED)
        events, sends = await writer.commit(
            _decision(writer.session, opened, sends=joins, state=State.LIVE), authority=None
        )

        stored = await stage.load(writer.session)
        assert [event.sequence for event in events] == [2]
        assert [(send.kind, send.sequence) for send in sends] == [
            (SendKind.JOIN, 2),
            (SendKind.RECAP, 1),
        ]
        assert list(await stage.ports.sessions.open_sends(stored.id)) == sorted(
            sends, key=lambda send: send.sequence
        )
        assert (stored.state, stored.version) == (State.DETACHED, writer.session.version)


@on_virtual_time
async def test_a_session_that_changed_meanwhile_ends_the_writer() -> None:
    async with staged() as stage:
        writer = await _writer(stage)
        stored = await stage.load(writer.session)
        await stage.ports.sessions.commit(stored, stored)

        with pytest.raises(SupersededError):
            await writer.commit(_decision(writer.session, state=State.LOST), authority=None)


@on_virtual_time
async def test_refreshing_tells_what_others_logged() -> None:
    async with staged() as stage:
        writer = await _writer(stage)
        await stage.foreign(writer.session, "theirs")
        first = await writer.refresh()
        second = await writer.refresh()

        assert [event.sequence for event in first] == [1]
        assert second == ()


async def _long_log(stage: Stage, events: int, **changes: object) -> Session:
    session = await stage.made(**changes)
    for n in range(events):
        await stage.clock.sleep(1)
        await stage.foreign(session, f"{n}")
    return session


@on_virtual_time
async def test_a_writer_knows_the_last_two_hundred_events() -> None:
    async with staged() as stage:
        session = await _long_log(stage, 300)
        good = replace(session, last_good_at=stage.now)
        writer = await open_writer(stage.ports, good)

        assert [len(writer.window.events), writer.window.last_sequence] == [200, 300]
        assert stage.sessions.calls["tail"] == 1


@on_virtual_time
@pytest.mark.parametrize(("heard", "writes"), [(29, 0), (30, 1)])
async def test_it_is_written_sooner_where_much_was_said_since(heard: int, writes: int) -> None:
    async with staged() as stage:
        writer = await _writer(stage, last_good_at=stage.now)
        await stage.clock.sleep(1)
        for n in range(heard):
            await writer.append(writer.session, _said(stage, writer.session, f"{n}"))
        for good in (stage.now - 1, stage.now):
            await writer.commit(_decision(writer.session, last_good_at=good), authority=None)

        assert stage.sessions.calls["commit"] == writes


@on_virtual_time
async def test_before_the_link_was_ever_good_nothing_is_written_for_that() -> None:
    async with staged() as stage:
        writer = await _writer(stage)
        await writer.commit(_decision(writer.session), authority=None)

        assert stage.sessions.calls["commit"] == 0


@on_virtual_time
async def test_a_writer_knows_all_since_a_minute_before_the_link_was_last_good() -> None:
    async with staged() as stage:
        session = await _long_log(stage, 500)
        good = replace(session, last_good_at=session.created_at + 200)
        writer = await open_writer(stage.ports, good)

        assert writer.window.events[0].at <= session.created_at + 140
        assert writer.window.last_sequence == 500


@on_virtual_time
async def test_what_is_older_than_the_window_is_looked_up_before_it_is_logged() -> None:
    async with staged() as stage:
        session = await _long_log(stage, 300)
        writer = await open_writer(stage.ports, replace(session, last_good_at=stage.now))
        old = _said(stage, session, "7", at=session.created_at + 8)
        unknown = _said(stage, session, "lost", at=session.created_at + 8.5)

        assert await writer.append(session, old) is None
        assert await writer.append(session, unknown) is not None
        assert stage.sessions.calls["find_keys"] == 2


@on_virtual_time
async def test_what_is_younger_than_the_window_costs_no_look() -> None:
    async with staged() as stage:
        session = await _long_log(stage, 300)
        writer = await open_writer(stage.ports, replace(session, last_good_at=stage.now))

        assert not await writer.has(frozenset({"b:new"}), stage.now)
        assert await writer.has(frozenset({"b:299"}), stage.now)
        assert not await writer.has(frozenset(), None)
        assert stage.sessions.calls["find_keys"] == 0


@on_virtual_time
async def test_the_window_of_a_writer_that_lives_long_does_not_grow_for_ever() -> None:
    async with staged() as stage:
        writer = await _writer(stage)
        session = writer.session
        longest = 0
        for n in range(450):
            await stage.clock.sleep(1)
            alive = replace(session, last_good_at=stage.now)
            await writer.append(alive, _said(stage, session, f"{n}"))
            longest = max(longest, len(writer.window.events))

        assert longest <= 401
        assert writer.window.last_sequence == 450
        assert await writer.append(session, _said(stage, session, "3", at=stage.now - 447)) is None


@on_virtual_time
async def test_what_is_appended_is_told_without_what_it_says(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with staged() as stage:
        writer = await _writer(stage)
        trace = Trace("4bf92f3577b34da6a3ce929d0e0e4736-01")
        caused = replace(_said(stage, writer.session, "canary"), trace=trace)
        await writer.append(writer.session, caused)
        heard = _said(stage, writer.session, "more", at=stage.now - 1.5)
        event = await writer.append(writer.session, heard)
        assert await writer.append(writer.session, heard) is None

    told = [vars(each) for each in caplog.records if each.msg == "event.logged"]
    assert [(each["sequence"], each["seconds_behind"]) for each in told] == [(1, 0.0), (2, 1.5)]
    assert event is not None
    assert [each["trace_id"] for each in told] == [trace_id(trace), trace_id(event.traced)]
    assert "canary" not in str(told)
