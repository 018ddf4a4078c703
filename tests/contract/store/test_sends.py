"""Accepting and pending sends: durable together, moved by version, in order."""

import asyncio
from dataclasses import replace

import pytest

from service.domain.errors import (
    IdempotencyInProgressError,
    PlaceTakenError,
    VersionConflictError,
)
from service.domain.message import ButtonReply, FormEntry, FormReply, SendBody
from service.domain.send import PendingSend, SendKind, SendStatus, Written
from tests.contract.store.conftest import Table
from tests.support.store_builders import NOW, TENANT, a_send, a_session, an_answer, an_event

WRITERS = 16
BUTTON = ButtonReply(type="t", text="x", payload="p", originating_message_id="b-1")
FORM = FormReply(
    originating_message_id="b-1",
    canned_response_id=None,
    answers=(FormEntry(id="email", text="a@b", payload="a@b"),),
)


async def accepted(table: Table) -> PendingSend:
    session = a_session()
    send = a_send(session, 1)
    await table.sessions.accept(an_event(session, 1), send, None)
    return send


async def test_event_send_and_answer_are_accepted_together(table: Table) -> None:
    session = a_session()
    event, send, answer = an_event(session, 1), a_send(session, 1), an_answer(secret_answer="s")

    await table.sessions.accept(event, send, answer)

    assert await table.sessions.last_event(session.id) == event
    assert list(await table.sessions.open_sends(session.id)) == [send]
    assert await table.tenants.idempotency(TENANT, answer.key, now=NOW) == answer


async def test_a_lost_place_accepts_nothing(table: Table) -> None:
    session, answer = a_session(), an_answer()
    await table.sessions.append(an_event(session, 1))

    with pytest.raises(PlaceTakenError):
        await table.sessions.accept(an_event(session, 1), a_send(session, 1), answer)

    assert await table.sessions.open_sends(session.id) == []
    assert await table.tenants.idempotency(TENANT, answer.key, now=NOW) is None


async def test_a_used_key_accepts_nothing(table: Table) -> None:
    session, answer = a_session(), an_answer()
    await table.tenants.put_idempotency(answer, now=NOW)

    with pytest.raises(IdempotencyInProgressError):
        await table.sessions.accept(an_event(session, 1), a_send(session, 1), answer)

    assert await table.sessions.last_event(session.id) is None


async def test_accepting_again_after_a_lost_reply_is_a_win(table: Table) -> None:
    session = a_session()
    event, send, answer = an_event(session, 1), a_send(session, 1), an_answer()
    await table.sessions.accept(event, send, answer)

    await table.sessions.accept(event, send, answer)

    assert list(await table.sessions.open_sends(session.id)) == [send]


async def test_of_sixteen_that_mark_a_send_written_one_wins(table: Table) -> None:
    send = await accepted(table)

    def marked(number: int) -> PendingSend:
        written = Written(at=NOW, incarnation=1, writer=f"writer-{number}", link="lnk")
        return replace(send, status=SendStatus.WRITTEN, attempt=1, written=written)

    results = await asyncio.gather(
        *(table.sessions.change_send(send, marked(number)) for number in range(WRITERS)),
        return_exceptions=True,
    )

    winners = [result for result in results if isinstance(result, PendingSend)]
    losers = [result for result in results if isinstance(result, VersionConflictError)]
    assert (len(winners), len(losers)) == (1, WRITERS - 1)
    assert list(await table.sessions.open_sends(send.session_id)) == winners
    assert winners[0].version == send.version + 1


async def test_the_same_mark_again_is_a_win(table: Table) -> None:
    send = await accepted(table)
    written = Written(at=NOW, incarnation=1, writer="lck_1", link="lnk_1", doubt_at=NOW + 1)
    marked = replace(send, status=SendStatus.WRITTEN, written=written, retry_at=NOW + 2)
    first = await table.sessions.change_send(send, marked)

    second = await table.sessions.change_send(send, marked)

    assert first == second


async def test_a_send_that_is_gone_cannot_be_changed(table: Table) -> None:
    send = await accepted(table)
    await table.sessions.drop_send(send)

    with pytest.raises(VersionConflictError):
        await table.sessions.change_send(send, replace(send, attempt=1))

    assert await table.sessions.open_sends(send.session_id) == []


async def test_a_send_that_changed_is_not_dropped(table: Table) -> None:
    send = await accepted(table)
    changed = await table.sessions.change_send(send, replace(send, attempt=1))

    with pytest.raises(VersionConflictError):
        await table.sessions.drop_send(send)

    assert list(await table.sessions.open_sends(send.session_id)) == [changed]


async def test_open_sends_come_in_their_order(table: Table) -> None:
    session = a_session()
    sends = [
        a_send(session, 2, kind=SendKind.JOIN),
        a_send(session, 2, kind=SendKind.MESSAGE),
        a_send(session, 11, body=SendBody(button=BUTTON), context="1.0"),
        a_send(session, 12, body=SendBody(text="Noted", choices=(BUTTON, BUTTON))),
        a_send(session, 13, body=SendBody(text="Thanks!", form=FORM)),
    ]
    await table.sessions.create(
        session, events=[], sends=list(reversed(sends)), idempotency=None, may_replace=None
    )

    assert list(await table.sessions.open_sends(session.id)) == sends
