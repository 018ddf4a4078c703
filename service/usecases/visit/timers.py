"""What a visit waits for, and what it does when a time has come."""

from typing import Final

from service.domain import events as ev
from service.domain.effects import Attach
from service.domain.errors import LinkLostError
from service.domain.lifecycle import is_legal
from service.domain.pace import Ask
from service.domain.session import Session, State
from service.guest.outgoing import outgoing_echo
from service.usecases.visit.absorbing import release
from service.usecases.visit.auto_start import auto_start_due, look_for_auto_start
from service.usecases.visit.clearing import link_failed
from service.usecases.visit.conversation import ask_again, conversation_due
from service.usecases.visit.deciding import happen
from service.usecases.visit.desk import Desk, Phase
from service.usecases.visit.file_asking import files_due, files_on_time
from service.usecases.visit.joining import farewell_due, look_for_farewell
from service.usecases.visit.looking import look_due, look_for_sends
from service.usecases.visit.performing import perform
from service.usecases.visit.quiet import quiet_due
from service.usecases.visit.sending import doubt_due, doubt_silent, next_send_at

WARN_SHARE: Final = 0.1
WARN_LEAST: Final = 300.0
WARN_MOST: Final = 3600.0
PROBE_AFTER_SECONDS: Final = 2.0
"""How long after the expected expiry an echo asks whether it is true (as the official client does).
"""
SATISFIED_SECONDS: Final = 0.25
"""How often a visit on demand asks its caller, who may wait for silence and not for an event."""


def warn_at(session: Session) -> float | None:
    """When to warn of the coming expiry; None when it is unknown or was warned of."""
    expires, duration = session.expires_at, session.duration_seconds
    if expires is None or duration is None or session.warned_expiry_at == expires:
        return None
    return expires - max(WARN_LEAST, min(WARN_MOST, WARN_SHARE * duration))


def next_due(desk: Desk) -> float | None:
    """When something is due next, in seconds since the epoch."""
    times = (
        desk.attach_at,
        desk.phase_until,
        desk.hold.next_due(),
        _read_due(desk),
        next_send_at(desk),
        doubt_due(desk) if _is_known(desk) else None,
        _warning_due(desk),
        _probe_due(desk),
        farewell_due(desk),
        quiet_due(desk),
        auto_start_due(desk),
        conversation_due(desk),
        files_due(desk),
        look_due(desk),
    )
    return min((time for time in times if time is not None), default=None)


def patience(desk: Desk) -> float | None:
    """Seconds until something is due or the visitor's time is up; None when neither is ahead."""
    clock = desk.ports.clock
    due = next_due(desk)
    waits = [] if due is None else [due - clock.now()]
    if desk.stay.until is not None:
        waits.append(desk.stay.until - clock.monotonic())
    if desk.stay.satisfied is not None:
        waits.append(SATISFIED_SECONDS)
    return max(0.0, min(waits)) if waits else None


def hurry(desk: Desk) -> None:
    """Who waits for its turn to attach asks again: somebody has just spoken in it."""
    outage = desk.session.outage
    backs_off = outage is not None and outage.retry_at is not None and outage.retry_at > desk.now
    if desk.attach_at is not None and not backs_off:
        desk.attach_at = desk.now


async def on_time(desk: Desk) -> None:
    """Do whatever is due by now. Raises SupersededError."""
    now = desk.now
    if desk.attach_at is not None and desk.attach_at <= now:
        desk.attach_at = None
        if is_legal(desk.session.state, ev.VisitBegan):
            await happen(desk, ev.VisitBegan())
        else:
            await perform(desk, Attach())
    if desk.phase_until is not None and desk.phase_until <= now:
        desk.phase_until = None
        await link_failed(desk, "timeout")
    files_on_time(desk)
    await look_for_sends(desk)
    await release(desk)
    await look_for_farewell(desk)
    await look_for_auto_start(desk)
    ask_again(desk)
    if _is_known(desk):
        await doubt_silent(desk)
    await _watch_expiry(desk, now)
    quiet = quiet_due(desk)
    if quiet is not None and quiet <= now:
        await happen(desk, ev.FellQuiet())


def _is_known(desk: Desk) -> bool:
    """Whether what is in flight went out on this link, or is in doubt already."""
    return desk.phase is Phase.READY and desk.session.state is not State.OVERLAPPING


async def _watch_expiry(desk: Desk, now: float) -> None:
    due = _warning_due(desk)
    if due is not None and due <= now and desk.session.expires_at is not None:
        await happen(desk, ev.ExpiryNear(expires_at=desk.session.expires_at))
    probe = _probe_due(desk)
    if probe is not None and probe <= now and desk.link is not None:
        desk.echo_sent_for = desk.session.expires_at
        try:
            await desk.link.send(
                outgoing_echo(token=desk.session.client_id, tracing_id=desk.ports.ids.uuid())
            )
        except LinkLostError:
            # The reader reports the close; the next attach tells what is true.
            return


def _read_due(desk: Desk) -> float | None:
    # One that is under way ends by an event: to wake for the next before would be to spin.
    ready = desk.link is not None and desk.phase is Phase.READY and not desk.reading.under_way
    return desk.reading.due if ready else None


def _warning_due(desk: Desk) -> float | None:
    if not is_legal(desk.session.state, ev.ExpiryNear):
        return None
    due = warn_at(desk.session)
    past = desk.session.expires_at is not None and desk.session.expires_at <= desk.now
    return None if past else due


def _probe_due(desk: Desk) -> float | None:
    expires = desk.session.expires_at
    if desk.phase is not Phase.READY or expires is None or desk.echo_sent_for == expires:
        return None
    # As of then and not of now: a time that moves on with the clock is never reached.
    return desk.pace.next_at(Ask.ECHO, expires + PROBE_AFTER_SECONDS)
