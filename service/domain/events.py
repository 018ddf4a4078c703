"""What can happen to a session: the inputs of the transition table. Facts only, no wire, no policy.

Where a policy or a fact decides between two futures, `judgement` picks between two of these events,
so that the table alone says what follows.
"""

from dataclasses import dataclass

from service.domain.session import Cause, EndedBy, EndMode
from service.domain.sign_in import SignIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitBegan(Event):
    """Somebody has come to bring the session to where it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderDied(Event):
    """Somebody has come, and whoever held the link is gone without letting go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverBegan(Event):
    """Somebody has come, and whoever held the link gave it away and still takes in what arrives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredecessorDrained(Event):
    """The predecessor logged all that its link ever brought, and closed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredecessorSilent(Event):
    """The predecessor did not say that it logged everything: overlap alone proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FellQuiet(Event):
    """Nothing was said for so long that a link is not worth keeping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roused(Event):
    """Somebody has come to a dormant session because something is wanted, or was said, there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitEnded(Event):
    """The visitor lets go of the link on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldBegan(Event):
    """A listener keeps the link from now on."""

    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attached(Event):
    """What a SessionResponse tells besides its verdict.

    Seconds and bytes; `expires_at` since the epoch.
    """

    duration_seconds: float | None = None
    expires_at: float | None = None
    max_custom_data_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSessionOpened(_Attached):
    """`newSession:true`: Genesys made a guest session just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSessionResumed(_Attached):
    """`newSession:false`: Genesys knew the client id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSessionReadOnly(_Attached):
    """`readOnly:true`: the contact centre ended the chat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSessionGone(Event):
    """4006, 4007 or SessionExpiredEvent on anything: not found, or expired."""

    cause: Cause
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSessionLostForGood(Event):
    """The guest session is gone and the deployment wants its sessions to fail then."""

    cause: Cause
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSessionLapsed(Event):
    """The guest session is gone, its known expiry has passed, and nothing waits to be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientIdDead(Event):
    """4017, LogoutEvent or `signedIn`: no guest may use this client id any more."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied(Event):
    """403 on the upgrade or on configure: a matter of configuration, never retried in a loop."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFailed(Event):
    """The link broke, or an attach failed for a reason that may pass."""

    code: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evicted(Event):
    """ConnectionClosedEvent that nobody here asked for: a fourth connection pushed ours out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared(Event):
    """SessionClearedEvent: the guest's history at Genesys is erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearRefused(Event):
    """The deployment does not allow Presence Clear."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearRefusedAsClosed(Event):
    """The chat that was to be cleared is closed, and Genesys does not clear it."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatClosed(Event):
    """Presence Disconnect with `readOnly`: the contact centre ended the chat while we listened."""

    by: EndedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryAgrees(Event):
    """History shows this very guest session, or there is nothing yet that it could show."""

    shows_join: bool
    complete: bool
    spoken: bool = False
    """The guest said something in it."""
    closed_by: EndedBy | None = None
    """Who ended the chat for good, where it shows that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryStrange(Event):
    """History, read twice, shows nothing of what this incarnation said: it was replaced unseen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoStartKnown(Event):
    """The public configuration can be read at last: whether conversations start by themselves.

    `spoken`: something of the guest's went out meanwhile, which started this one.
    """

    spoken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationFound(Event):
    """The Platform API named the conversation of this incarnation."""

    conversation_id: str
    participant_id: str | None
    as_of: int = 0
    """The place in the log up to which it is so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryNear(Event):
    """The guest session will expire soon unless somebody speaks."""

    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StartNewWanted(Event):
    """A message waits on a read-only session whose deployment starts anew then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveRequested(Event):
    """The caller ends the session without clearing anything at Genesys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearAndEndRequested(Event):
    """The caller ends the session and has the guest's history erased at Genesys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearRequested(Event):
    """The caller has the guest's history erased at Genesys and goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequested(Event):
    """The caller wants a visit now, also after a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenRequested(Event):
    """The caller wants another try of a session that failed before it was ever opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInWanted(Event):
    """The caller brings a login of the guest: for the first time, or another one."""

    sign_in: SignIn


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInToReopen(Event):
    """The same for a session that failed before it was ever opened."""

    sign_in: SignIn


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRefreshed(Event):
    """Genesys gave a new JWT for the refresh token, or refused the JWT that there was."""

    sign_in: SignIn


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequired(Event):
    """Nothing that is kept proves the guest's login to Genesys any more."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUpRefused(Event):
    """Genesys does not let this anonymous guest session become a signed-in one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequested(Event):
    """The caller signs the guest out, which ends the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutDue(Event):
    """Somebody has come, and Genesys is to be told that the guest signs out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedOut(Event):
    """Genesys was told; `verified` where it said that it took the login back."""

    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInEnded(Event):
    """The guest of a signed-in session signed out elsewhere, or signed in elsewhere."""

    by: EndedBy


def end_requested(mode: EndMode) -> Event:
    """The event of ending in that mode."""
    return LeaveRequested() if mode is EndMode.LEAVE else ClearAndEndRequested()
