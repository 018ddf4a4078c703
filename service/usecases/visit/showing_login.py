"""What Genesys answers to the login that configure shows, and to what comes before a step-up."""

from dataclasses import replace
from typing import Final

from service.domain.sign_in import TRIES, SignIn, refused
from service.guest.login import LoginRefusal, is_signed_in_already, login_refusal
from service.guest.messages import ServerFrame, SessionResponse
from service.usecases.visit.desk import Desk
from service.usecases.visit.logging_in import NOBODY, has_good_login, needs_login, shows_login
from service.usecases.visit.performing import configure

_FAILED: Final = f"Genesys refused the guest's login: {NOBODY}"


async def was_about_login(desk: Desk, frame: ServerFrame) -> bool:
    """Whether the answer to configure was one about the login; what follows has happened then.

    Raises SupersededError.
    """
    known = desk.session.sign_in
    if known is None:
        return False
    if not shows_login(desk, known):
        return await _steps_up(desk, frame)
    refusal = login_refusal(frame, stepping_up=known.stepping_up)
    if refusal is not None:
        await _refused(desk, known, refusal)
    return refusal is not None


def as_first_answered(desk: Desk, frame: ServerFrame) -> ServerFrame:
    """A guest session that the first half of a step-up made is new, whatever the second says."""
    if isinstance(frame, SessionResponse) and desk.login.was_new:
        return replace(frame, new_session=True)
    return frame


async def _steps_up(desk: Desk, frame: ServerFrame) -> bool:
    """Whether the anonymous attach was answered: then the login is shown on the same socket.

    A guest session that is no anonymous one any more was stepped up by a visit that did not live to
    say so.
    """
    attached = isinstance(frame, SessionResponse) and frame.connected
    if not attached and not is_signed_in_already(frame):
        return False
    desk.login.was_new = isinstance(frame, SessionResponse) and frame.new_session
    await configure(desk)
    return True


async def _refused(desk: Desk, known: SignIn, refusal: LoginRefusal) -> None:
    """A stale JWT is refreshed and shown on the same socket, three times at most."""
    desk.login.tries += 1
    if refusal is LoginRefusal.FAILED or desk.login.tries > TRIES:
        await needs_login(desk, _FAILED)
        return
    desk.session = replace(desk.session, sign_in=refused(known))
    if await has_good_login(desk):
        await configure(desk, start_new=desk.login.starts_new)
