"""Reads history: a JWT over the link, pages over HTTP, as many as Genesys takes."""

from asyncio import Task, create_task, gather
from typing import Final

from service.domain import events as ev
from service.domain.catchup import (
    PAGE_SIZE,
    REACH_BACK_SECONDS,
    HistoryRead,
    agrees,
    in_time_order,
    reads_on,
    shows_join,
    shows_words,
    unique,
)
from service.domain.errors import GuestProtocolError, HistoryUnavailableError, LinkLostError
from service.domain.pace import Ask
from service.domain.said import Said
from service.domain.sends import in_flight
from service.domain.session import EndedBy, State
from service.guest.codec import decode_history
from service.guest.messages import JwtResponse, TooManyRequests
from service.guest.requests import GetJwt
from service.guest.rest import HistoryPage
from service.guest.translate import closed_by, said_in
from service.usecases.visit.absorbing import take_history
from service.usecases.visit.conversation import ask_about
from service.usecases.visit.deciding import happen
from service.usecases.visit.desk import Desk, Phase, Reading
from service.usecases.visit.going_on import plan_first_read, read_if_awaited
from service.usecases.visit.guest_link import GuestLink
from service.usecases.visit.inbox import HistoryArrived, HistoryFailed
from service.usecases.visit.pacing import (
    leave_history_alone,
    page_read,
    pause_for,
    pause_for_history,
)
from service.usecases.visit.sending import any_unknown, plan_reads, settle_absent

JWT_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 2.0


async def begin_catch_up(desk: Desk) -> None:
    """Start over: the first read now, the second when history must hold all from before."""
    await stop_reading(desk)
    lag = desk.deployment.history_lag_seconds
    now = desk.now
    desk.reading = Reading(begun_at=now, due=now, first_done=False, second_at=now + lag)
    plan_first_read(desk)


async def stop_reading(desk: Desk) -> None:
    """End a read that is under way."""
    task = desk.reading.task
    desk.reading.task = None
    if task is not None:
        task.cancel()
        # Not awaited by itself: its cancellation could not be told from one of the visit.
        await gather(task, return_exceptions=True)


def start_if_due(desk: Desk) -> None:
    """Start a read when its time has come, a link is there and none is under way."""
    read_if_awaited(desk)
    reading = desk.reading
    link = desk.link
    if link is None or reading.under_way or reading.due is None or desk.now < reading.due:
        return
    if (pause := _pause(desk)) > 0:
        reading.due = desk.now + pause
        # What is pushed meanwhile need not wait where what is sent does not.
        reading.first_done = reading.first_done or reading.may_follow
        return
    reading.due = None
    reading.task = _start(desk, link)


async def history_arrived(desk: Desk, read: HistoryRead) -> None:
    """Judge whether it is the guest session we know, and log what was missed."""
    reading = desk.reading
    second = reading.second_at is not None and read.at >= reading.second_at
    same = agrees(read, desk.writer.window, incarnation=desk.session.incarnation)
    if not same and not second:
        # History lags: what it does not show yet proves nothing. The second read decides.
        reading.due = reading.second_at or desk.now + RETRY_SECONDS
        # Nothing goes before the second one: it may be another guest session after all.
        reading.may_follow = reading.as_left = False
        return
    if not same and desk.session.state in {State.CATCHING_UP, State.VERIFYING, State.PEEKED}:
        # What this history shows was said in the guest session that took the old one's place.
        seen = frozenset[str]().union(*(entry.keys for entry in read.entries))
        desk.overheard = [said for said in desk.overheard if not said.keys & seen]
        await happen(desk, ev.HistoryStrange())
        return
    reading.reads.append(read)
    await take_history(desk, list(read.entries))
    words = (entry for entry in reversed(read.entries) if entry.ended_by is None)
    ask_about(desk, next(words, None))
    reading.first_done = True
    reading.agreed = True
    if second:
        reading.second_at = None
    await settle_absent(desk)
    _plan_next(desk)
    await _tell(desk, read, second=second)


def agreement(read: HistoryRead, *, complete: bool) -> ev.HistoryAgrees:
    """What a history that agrees tells besides."""
    return ev.HistoryAgrees(
        shows_join=shows_join(read),
        spoken=shows_words(read),
        complete=complete,
        closed_by=read.closed_by,
    )


async def history_failed(desk: Desk, retry_after: float | None) -> None:
    """Try again soon; what was pushed meanwhile need not wait any longer.

    A chat that is to be cleared is not kept waiting for a history that does not answer.
    """
    desk.reading.first_done = True
    desk.reading.due = desk.now + (retry_after if retry_after is not None else RETRY_SECONDS)
    if retry_after is not None:
        leave_history_alone(desk, retry_after)
    if desk.session.state is State.PEEKED:
        # The next look reads as far back: no link is kept until history answers.
        await happen(desk, ev.VisitEnded())
    elif _is_to_be_cleared(desk):
        await happen(desk, ev.HistoryAgrees(shows_join=False, complete=False))


def _plan_next(desk: Desk) -> None:
    reading = desk.reading
    reading.due = reading.second_at
    if any_unknown(desk):
        plan_reads(desk)


async def _tell(desk: Desk, read: HistoryRead, *, second: bool) -> None:
    state = desk.session.state
    told = agreement(read, complete=second)
    finished = second and state is State.VERIFYING
    if (
        finished
        or state in {State.CATCHING_UP, State.PEEKED, State.READING}
        or _is_to_be_cleared(desk)
    ):
        await happen(desk, told)


def _is_to_be_cleared(desk: Desk) -> bool:
    """Whether Presence Clear waits for what was missed: afterwards nobody can read it any more."""
    return desk.session.state in {State.CLEARING, State.ENDING} and desk.phase is Phase.READY


def _start(desk: Desk, link: GuestLink) -> "Task[None]":
    async def read() -> None:
        try:
            desk.inbox.put(HistoryArrived(link.name, await _read(desk, link)))
        except HistoryUnavailableError as failure:
            desk.inbox.put(HistoryFailed(link.name, failure.retry_after_seconds))
        except (LinkLostError, GuestProtocolError, TimeoutError):
            desk.inbox.put(HistoryFailed(link.name, None))

    return create_task(read())


async def _read(desk: Desk, link: GuestLink) -> HistoryRead:
    begun = desk.now
    jwt = await _jwt(desk, link)
    since = _how_far_back(desk)
    found: list[Said] = []
    ends: list[EndedBy] = []
    number = 1
    while True:
        if (pause := _pause(desk)) > 0:
            # To begin again would meet the same limit at the same page: wait, and ask for a bearer
            # that is still good then (Guest API: one minute).
            await desk.ports.clock.sleep(pause)
            jwt = await _jwt(desk, link)
        page = await _page(desk, jwt, number)
        entries = [said for body in page.entities if (said := said_in(body)) is not None]
        found.extend(entries)
        ends += [by for body in page.entities if (by := closed_by(body)) is not None]
        last_page = _is_last(page, number)
        if not reads_on(entries, desk.writer.window, since=since, last_page=last_page):
            reached = None if last_page else since
            break
        number += 1
    return HistoryRead(
        at=begun,
        entries=in_time_order(unique(found)),
        since=reached,
        closed_by=ends[0] if ends else None,
    )


def _pause(desk: Desk) -> float:
    """Seconds until a page, and the bearer for it, may be asked for."""
    return max(pause_for_history(desk), pause_for(desk, Ask.RECOVERY))


def _is_last(page: HistoryPage, number: int) -> bool:
    """Whether history ends here; a page may hold fewer than we asked for and not be the last."""
    if not page.entities or page.page_count is None:
        return len(page.entities) < min(page.page_size or PAGE_SIZE, PAGE_SIZE)
    return number >= page.page_count


def _how_far_back(desk: Desk) -> float:
    """To a minute before the link was last good, and before the oldest send whose fate is open."""
    marks = [send.written.at for send in in_flight(desk.sends.values()) if send.written]
    return min([desk.session.last_good_at or 0.0, *marks]) - REACH_BACK_SECONDS


async def _jwt(desk: Desk, link: GuestLink) -> str:
    tracing_id = desk.ports.ids.uuid()
    answer = link.expect(tracing_id)
    try:
        await link.send(GetJwt(token=desk.session.client_id, tracing_id=tracing_id))
        async with desk.ports.clock.timeout(JWT_SECONDS):
            frame = await answer
    finally:
        link.forget(tracing_id)
    if isinstance(frame, TooManyRequests):
        raise HistoryUnavailableError(status=429, retry_after_seconds=frame.wait_seconds)
    if not isinstance(frame, JwtResponse):
        raise HistoryUnavailableError(status=None)
    return frame.jwt


async def _page(desk: Desk, jwt: str, number: int) -> HistoryPage:
    page_read(desk)
    text = await desk.ports.guest_rest.history(
        desk.deployment, jwt=jwt, page=number, page_size=PAGE_SIZE
    )
    return decode_history(text)
