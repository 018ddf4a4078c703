"""Carries out effects: the only place where a decision becomes an act on the wire."""

from typing import Final, assert_never

from service.domain import events as ev
from service.domain.effects import (
    Attach,
    AttachAt,
    AwaitFarewell,
    CatchUp,
    DropLink,
    Effect,
    Flush,
    Leave,
    SendClear,
    StartNew,
)
from service.domain.errors import LinkDeniedError, LinkLostError
from service.domain.ids import LINK
from service.domain.session import State
from service.guest.outgoing import outgoing_clear
from service.guest.requests import CloseSession, ConfigureSession, Request
from service.usecases.visit.absorbing import set_backlog_aside
from service.usecases.visit.deciding import happen
from service.usecases.visit.desk import Desk, Phase, Reading
from service.usecases.visit.guest_link import GuestLink
from service.usecases.visit.joining import await_farewell
from service.usecases.visit.reading import begin_catch_up, stop_reading
from service.usecases.visit.sending import doubt_in_flight

ANSWER_SECONDS: Final = 15.0
"""How long Genesys may take to answer configure (the official end-to-end tests wait as long)."""
_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429


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
        case StartNew():
            await _start_new(desk)
        case SendClear():
            await _send_clear(desk)
        case AttachAt() | Flush() | Leave():
            _note(desk, effect)
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
    set_backlog_aside(desk)
    await stop_reading(desk)
    desk.reading = Reading(recent=desk.reading.recent)
    if link is not None:
        await link.close()
        await doubt_in_flight(desk)


async def configure(desk: Desk, *, start_new: bool = False) -> None:
    """Name the guest session on the open socket; the answer is judged when it comes."""
    token = desk.session.next_client_id or desk.session.client_id
    tracing_id = desk.ports.ids.uuid()
    request = ConfigureSession(
        token=token,
        deployment_id=desk.deployment.deployment_id,
        start_new=start_new,
        tracing_id=tracing_id,
    )
    await _ask(desk, request, Phase.CONFIGURING, tracing_id)


async def _attach(desk: Desk) -> None:
    desk.attach_at = None
    if desk.link is not None:
        await drop_link(desk)
    try:
        socket = await desk.ports.sockets.open(desk.deployment)
    except LinkDeniedError as denied:
        await happen(desk, _denied(denied))
        return
    except LinkLostError as lost:
        await happen(desk, ev.LinkFailed(code=lost.reason or str(lost.code)))
        return
    link = GuestLink(desk.ports.ids.ulid(LINK), socket, desk.inbox, desk.now)
    desk.link = link
    link.start()
    await configure(desk)


def _denied(denied: LinkDeniedError) -> ev.Event:
    if denied.status == _FORBIDDEN:
        return ev.Denied(
            code="denied",
            detail=(
                "Genesys refused the connection (HTTP 403): check the deployment id, "
                "that the deployment is active, its allowed domains and the origin configured here"
            ),
        )
    wait = denied.retry_after_seconds
    if denied.status == _TOO_MANY and wait is None:
        # Connections are counted per deployment and minute: a few seconds do not help.
        wait = 10.0
    return ev.LinkFailed(code=str(denied.status), retry_after_seconds=wait)


async def _start_new(desk: Desk) -> None:
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
    try:
        await desk.link.send(request)
    except LinkLostError as lost:
        await happen(desk, ev.LinkFailed(code=str(lost.code)))


def is_opening(state: State) -> bool:
    """Whether no guest session was ever opened."""
    return state in {State.OPENING, State.REOPENING}
