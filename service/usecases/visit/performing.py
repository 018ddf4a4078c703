"""Carries out effects: the only place where a decision becomes an act on the wire."""

from dataclasses import replace
from functools import partial
from math import inf
from typing import Final, assert_never

from service.domain import events as ev
from service.domain.budget import is_throttled, is_trouble
from service.domain.effects import (
    Attach,
    AttachAt,
    AwaitFarewell,
    CatchUp,
    DropLink,
    Effect,
    Flush,
    Leave,
    Revoke,
    SendClear,
    StartNew,
)
from service.domain.errors import LinkDeniedError, LinkLostError
from service.domain.ids import LINK
from service.domain.instants import rfc3339
from service.domain.pace import Ask
from service.domain.session import State
from service.domain.timeline import Kind
from service.guest.login import configure_request
from service.guest.outgoing import outgoing_clear
from service.guest.requests import CloseSession, ConfigureSession, Request
from service.ports import Link
from service.usecases.visit.absorbing import set_backlog_aside
from service.usecases.visit.deciding import happen
from service.usecases.visit.desk import Desk, Phase, Reading
from service.usecases.visit.going_on import pause_for_company
from service.usecases.visit.guest_link import GuestLink
from service.usecases.visit.joining import await_farewell
from service.usecases.visit.link_line import end_link
from service.usecases.visit.logging_in import has_good_login, log_out, shows_login
from service.usecases.visit.noting import note, note_sent
from service.usecases.visit.pacing import (
    begin_link,
    pause_for,
    pause_for_configure,
    request_sent,
)
from service.usecases.visit.reading import begin_catch_up, stop_reading
from service.usecases.visit.sending import doubt_in_flight

ANSWER_SECONDS: Final = 15.0
"""How long Genesys may take to answer configure (the official end-to-end tests wait as long)."""
ATTACH_LEAST_SECONDS: Final = 0.5
"""A visit that has to go sooner opens no link: TLS, configure and history take about as long."""
UNTOLD_WAIT_SECONDS: Final = 10.0
"""How long to wait when Genesys counts too many connections and does not say how long."""
_FORBIDDEN: Final = 403
_TWO_STEPS_TRIED: Final = 2


async def perform(desk: Desk, effect: Effect) -> None:
    """Do it. Raises SupersededError when what comes of it shows that the session moved on."""
    match effect:
        case Attach():
            await _attach(desk)
        case DropLink():
            await drop_link(desk)
        case CatchUp():
            await begin_catch_up(desk)
        case AwaitFarewell():
            await_farewell(desk)
        case StartNew() | SendClear() | Revoke():
            await _carry_out(desk, effect)
        case AttachAt() | Flush() | Leave():
            _note(desk, effect)
        case _:
            assert_never(effect)


async def _carry_out(desk: Desk, effect: StartNew | SendClear | Revoke) -> None:
    """What was committed beforehand, because Genesys cannot take it back."""
    match effect:
        case StartNew():
            await _start_new(desk)
        case SendClear():
            await _send_clear(desk)
        case Revoke():
            await log_out(desk)
        case _:
            assert_never(effect)


def _note(desk: Desk, effect: AttachAt | Flush | Leave) -> None:
    """What the visit's loop does when it comes round."""
    match effect:
        case AttachAt(at=at):
            desk.attach_at = at
        case Flush():
            # The loop flushes whenever something happened; this says that now is such a time.
            desk.moved = True
        case Leave():
            desk.leaving = True
        case _:
            assert_never(effect)


async def drop_link(desk: Desk) -> None:
    """Let go of the socket; what was in flight on it is in doubt."""
    link, desk.link = desk.link, None
    desk.phase, desk.phase_until = Phase.NONE, None
    desk.goes_on = desk.as_left = False
    set_backlog_aside(desk)
    await stop_reading(desk)
    desk.reading = Reading()
    if link is not None:
        await end_link(desk, link)
        await doubt_in_flight(desk)


async def configure(desk: Desk, *, start_new: bool = False) -> None:
    """Name the guest session on the open socket; the answer is judged when it comes."""
    token = desk.session.next_client_id or desk.session.client_id
    login = desk.session.sign_in
    tracing_id = desk.ports.ids.uuid()
    desk.login.starts_new = start_new
    request = configure_request(
        token=token,
        deployment_id=desk.deployment.deployment_id,
        jwt=login.jwt if login is not None and shows_login(desk, login) else None,
        start_new=start_new,
        tracing_id=tracing_id,
    )
    if isinstance(request, ConfigureSession):
        # A signed-in guest's configure has no such field in the vendor's schema.
        request = replace(request, journey_context=desk.session.journey_context)
    desk.unanswered = True
    await _ask(desk, request, Phase.CONFIGURING, tracing_id)


async def _attach(desk: Desk) -> None:
    desk.attach_at = desk.login.was_new = None
    if desk.link is not None:
        await drop_link(desk)
    if _left(desk) < ATTACH_LEAST_SECONDS:
        # Nothing would come of it, and nobody would know what Genesys made of it.
        desk.attach_at = desk.now + ATTACH_LEAST_SECONDS
        return
    if not await has_good_login(desk):
        return
    # Not its turn: the visit goes on, without a link, and asks again then.
    desk.attach_at = await _turn(desk)
    if desk.attach_at is not None:
        note(desk, Kind.LINK, "waits", until=rfc3339(desk.attach_at))
        return
    await _open(desk)


def _left(desk: Desk) -> float:
    """Seconds until this visit has to go."""
    until = desk.stay.until
    return inf if until is None else until - desk.ports.clock.monotonic()


async def _open(desk: Desk) -> None:
    admit = desk.tools.admit
    try:
        socket = await desk.ports.sockets.open(desk.deployment)
    except LinkDeniedError as denied:
        note(desk, Kind.LINK, "denied", status=denied.status)
        await _report_denied(desk, denied)
        await happen(desk, _denied(denied))
        return
    except LinkLostError as lost:
        note(desk, Kind.LINK, "failed", code=lost.code, reason=lost.reason or None)
        await admit.failed(desk.deployment, desk.session.id)
        await happen(desk, ev.LinkFailed(code=lost.reason or str(lost.code)))
        return
    _begin(desk, socket)
    await admit.answered(desk.deployment, desk.session.id)
    await configure(desk)


def _begin(desk: Desk, socket: Link) -> None:
    link = GuestLink(desk.ports.ids.ulid(LINK), socket, desk.inbox, desk.now)
    link.on_sent = partial(_sent, desk, link.name)
    begin_link(desk)
    note(desk, Kind.LINK, "opened", link=link.name, incarnation=desk.session.incarnation)
    desk.link = link
    link.start()


async def _turn(desk: Desk) -> float | None:
    """None: connect now. Else when to ask again."""
    if (pause := max(pause_for_configure(desk), await pause_for_company(desk))) > 0:
        return desk.now + pause
    return await desk.tools.admit(desk.deployment, desk.bid)


def _sent(desk: Desk, link: str, request: Request, size: int) -> None:
    request_sent(desk, request)
    note_sent(desk, link, request, size)


async def _report_denied(desk: Desk, denied: LinkDeniedError) -> None:
    """What a refused upgrade means for all who want to connect to this deployment."""
    admit, session_id = desk.tools.admit, desk.session.id
    if is_throttled(denied.status):
        await admit.throttled(desk.deployment, session_id, _wait_of(denied))
    elif is_trouble(denied.status):
        await admit.failed(desk.deployment, session_id)
    else:
        await admit.answered(desk.deployment, session_id)


def _wait_of(denied: LinkDeniedError) -> float:
    # Connections are counted per deployment and minute: a few seconds do not help.
    told = denied.retry_after_seconds
    return UNTOLD_WAIT_SECONDS if told is None else told


def _denied(denied: LinkDeniedError) -> ev.Event:
    if denied.status == _FORBIDDEN:
        return ev.Denied(
            code="denied",
            detail=(
                "Genesys refused the connection (HTTP 403): check the deployment id, "
                "that the deployment is active, its allowed domains and the origin configured here"
            ),
        )
    wait = _wait_of(denied) if is_throttled(denied.status) else denied.retry_after_seconds
    return ev.LinkFailed(code=str(denied.status), retry_after_seconds=wait)


async def _start_new(desk: Desk) -> None:
    """Leave a closed chat in the official two steps; in one where these came to nothing twice."""
    outage = desk.session.outage
    if outage is not None and outage.attempts >= _TWO_STEPS_TRIED:
        await configure(desk, start_new=True)
        return
    tracing_id = desk.ports.ids.uuid()
    request = CloseSession(
        token=desk.session.client_id, close_all_connections=True, tracing_id=tracing_id
    )
    await _ask(desk, request, Phase.CLOSING, tracing_id)


async def _send_clear(desk: Desk) -> None:
    tracing_id = desk.ports.ids.uuid()
    request = outgoing_clear(token=desk.session.client_id, tracing_id=tracing_id)
    await _ask(desk, request, Phase.CLEARING, tracing_id)


async def _ask(desk: Desk, request: Request, phase: Phase, tracing_id: str) -> None:
    desk.phase = phase
    desk.phase_until = desk.now + ANSWER_SECONDS
    desk.phase_tracing = tracing_id
    if desk.link is None:
        await happen(desk, ev.LinkFailed(code="1006"))
        return
    if (pause := _pause(desk, phase)) > 0:
        # The next link has sent nothing yet; by then the session may too.
        await happen(desk, ev.LinkFailed(code="429", retry_after_seconds=pause))
        return
    try:
        await desk.link.send(request)
    except LinkLostError as lost:
        await happen(desk, ev.LinkFailed(code=str(lost.code)))


def _pause(desk: Desk, phase: Phase) -> float:
    if phase is Phase.CONFIGURING:
        return max(pause_for(desk, Ask.RECOVERY), pause_for_configure(desk))
    return pause_for(desk, Ask.RECOVERY)


def is_opening(state: State) -> bool:
    """Whether no guest session was ever opened."""
    return state in {State.OPENING, State.REOPENING}
