"""Keeps a signed-in guest's login good enough to be shown, and takes it back when they leave."""

from contextlib import suppress
from dataclasses import replace
from typing import Final

from service.domain import events as ev
from service.domain.errors import (
    AuthenticationFailedError,
    LockHeldError,
    LoginUnavailableError,
    SupersededError,
    UnavailableError,
    VersionConflictError,
)
from service.domain.instants import rfc3339
from service.domain.session import Lock
from service.domain.sign_in import TRIES, SignIn, Tokens, refused, signed_in
from service.domain.timeline import Kind
from service.guest.login import name_of_guest
from service.guest.messages import ServerFrame
from service.usecases.to_the_end import to_the_end
from service.usecases.visit.deciding import happen
from service.usecases.visit.desk import Desk, Login
from service.usecases.visit.noting import note

NOBODY: Final = "this session needs another login of the guest"
_LAPSED: Final = f"Genesys does not renew the guest's login any more: {NOBODY}"
_NO_REFRESH: Final = f"the guest's login has lapsed, and it came without a refresh token: {NOBODY}"
_NOTHING_LEFT: Final = f"nothing is left of the guest's login before: {NOBODY}"
_NO_LOGIN: Final = SignIn(jwt="", issued_at=0.0)
RENEWAL_SECONDS: Final = 20.0
"""How long a renewal may take: Genesys has 10 s to answer, and the table is waited for."""
LOOK_SECONDS: Final = 0.5
"""How soon one looks again who found another one renewing the login."""
RACES: Final = 8
PAUSE_SECONDS: Final = 1.0
"""Between the tries to keep what cannot be had again while the table does not answer."""


async def has_good_login(desk: Desk) -> bool:
    """Whether an attach may go on: the guest is anonymous, or a JWT is there that may be shown.

    One that is too old is refreshed first. Otherwise what follows has happened to the session, or
    the attach is put off.
    Raises SupersededError.
    """
    return desk.session.sign_in is None or await _good_login(desk) is not None


async def _good_login(desk: Desk) -> SignIn | None:
    known = desk.session.sign_in or _NO_LOGIN
    if known.is_good(desk.now):
        return known
    if known.refresh_token is None:
        await needs_login(desk, _NO_REFRESH if known.jwt else _NOTHING_LEFT)
        return None
    # A refresh token may be good once: whoever ends this visit now would throw the next one away.
    return await to_the_end(_renewed(desk, known, known.refresh_token))


async def _renewed(desk: Desk, known: SignIn, refresh_token: str) -> SignIn | None:
    if not await _claimed(desk):
        return None
    try:
        tokens = await desk.ports.login.refresh(desk.deployment, refresh_token=refresh_token)
    except AuthenticationFailedError as refusal:
        note(desk, Kind.LINK, "loginRefused", status=refusal.status)
        await needs_login(desk, _LAPSED)
        return None
    except LoginUnavailableError as failure:
        await _give_back(desk)
        await _unavailable(desk, failure)
        return None
    return await _kept(desk, known, tokens)


async def _claimed(desk: Desk) -> bool:
    """Whether it is on us to renew the login; where another one is at it, we look again soon.

    A refresh token may be good once. Of two who show it at one time the loser would be told that
    the guest must log in again. Raises SupersededError.
    """
    now = desk.now
    claim = Lock(token=desk.stay.writer, until=now + RENEWAL_SECONDS)
    try:
        await desk.ports.sessions.claim_renewal(desk.writer.session, claim, now=now)
    except LockHeldError as held:
        desk.attach_at = min(max(held.until, now), now + LOOK_SECONDS)
        note(desk, Kind.LINK, "waits", until=rfc3339(desk.attach_at))
        return False
    except VersionConflictError as conflict:
        raise SupersededError(session_id=desk.session.id) from conflict
    return True


async def _give_back(desk: Desk) -> None:
    """Let whoever comes next try at once. Where the table is silent the claim lapses by itself."""
    with suppress(UnavailableError):
        await desk.ports.sessions.release_renewal(desk.session.id, desk.stay.writer)


def shows_login(desk: Desk, known: SignIn) -> bool:
    """Whether configure shows the login.

    Who steps up attaches anonymously first: the vendor's own client asks on a socket that is
    attached already, and only there the guest's `SignIn` is heard.
    """
    return not known.stepping_up or desk.login.was_new is not None


def login_was_taken(desk: Desk) -> None:
    """Genesys attached the link: who stepped up is signed in. Kept with the decision on that."""
    known = desk.session.sign_in
    desk.login = Login()
    if known is not None:
        taken = replace(known, stepping_up=False, unproven=False)
        desk.session = replace(desk.session, sign_in=taken)


def learn_name(desk: Desk, frame: ServerFrame) -> None:
    """The `SignIn` of the guest names them, before or after the answer to configure.

    Kept with the next decision; until then a repeat says the same.
    """
    known = desk.session.sign_in
    name = None if known is None else name_of_guest(frame)
    if known is not None and name:
        desk.session = replace(desk.session, sign_in=replace(known, name=name))


async def log_out(desk: Desk) -> None:
    """Have Genesys take the login back; a JWT that it refuses is refreshed, three times at most.

    Raises SupersededError.
    """
    refusals = 0
    while (login := await _good_login(desk)) is not None:
        try:
            done = await desk.ports.login.revoke(desk.deployment, jwt=login.jwt)
        except LoginUnavailableError as failure:
            await _unavailable(desk, failure)
            return
        refusals += 1
        if done or refusals > TRIES:
            await happen(desk, ev.LoggedOut(verified=done))
            return
        await happen(desk, ev.LoginRefreshed(sign_in=refused(login)))


async def needs_login(desk: Desk, detail: str) -> None:
    """Only another login of the guest helps; who has just brought one goes on anonymous.

    Not so who signs out: there is nothing to go on with.
    """
    known = desk.session.sign_in
    goes_on = known is not None and known.stepping_up and not known.leaving
    await happen(desk, ev.StepUpRefused() if goes_on else ev.LoginRequired(detail=detail))


async def _unavailable(desk: Desk, failure: LoginUnavailableError) -> None:
    note(desk, Kind.LINK, "loginUnavailable", status=failure.status)
    wait = failure.retry_after_seconds
    await happen(desk, ev.LinkFailed(code="login", retry_after_seconds=wait))


async def _kept(desk: Desk, known: SignIn, tokens: Tokens) -> SignIn:
    """Store what a refresh brought before it is used: the refresh token may be another one now.

    Raises SupersededError, also then without losing it.
    """
    fresh = signed_in(tokens, at=desk.now, before=known)
    note(desk, Kind.LINK, "loginRefreshed")
    try:
        await happen(desk, ev.LoginRefreshed(sign_in=fresh))
    except (SupersededError, UnavailableError):
        await _keep_anyhow(desk, known, fresh)
        raise
    return fresh


async def _keep_anyhow(desk: Desk, known: SignIn, fresh: SignIn) -> None:
    """The session changed, or the table did not answer: put the tokens into what is there now.

    Unless it has others by then.
    """
    for _ in range(RACES):
        try:
            await _keep_in_place(desk, known, fresh)
        except VersionConflictError:
            continue
        except UnavailableError:
            await desk.ports.clock.sleep(PAUSE_SECONDS)
        else:
            return


async def _keep_in_place(desk: Desk, known: SignIn, fresh: SignIn) -> None:
    """Raises VersionConflictError, UnavailableError."""
    stored = await desk.ports.sessions.load(desk.session.id)
    there = stored.sign_in
    if there is not None and there.refresh_token == known.refresh_token:
        tokens = Tokens(jwt=fresh.jwt, refresh_token=fresh.refresh_token)
        kept = signed_in(tokens, at=fresh.issued_at, before=there)
        await desk.ports.sessions.commit(stored, replace(stored, sign_in=kept))
