"""Opens one guest session of a deployment, looks at it, and closes it. Keeps nothing of it.

No message and no Join is sent, so no conversation begins and no agent sees it. The table never
hears of it, but for the one connection that it takes of the deployment's budget.
"""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

from service.domain.budget import is_throttled, is_trouble, line_of
from service.domain.deployment import Deployment
from service.domain.errors import (
    GuestProtocolError,
    LinkDeniedError,
    LinkLostError,
    UnavailableError,
)
from service.domain.finding import Finding
from service.domain.ids import SESSION, SessionId
from service.guest.check_session import (
    check_attached,
    check_denied,
    check_told,
    is_attach_answer,
    is_configuration_answer,
)
from service.guest.check_words import found
from service.guest.codec import decode, encode
from service.guest.messages import ServerFrame, SessionResponse
from service.guest.requests import CloseSession, ConfigureSession, GetConfiguration, Request
from service.guest.unknowns import malformed, unknowns
from service.ports import Clock, GuestSockets, Ids, Link
from service.usecases.admit import Bid

ANSWER_SECONDS: Final = 15.0
"""A visit waits as long for an answer to configure."""
CLOSE_SECONDS: Final = 5.0
LIMITS_SECONDS: Final = 2.0
"""How long an answer to getConfiguration is waited for; no official client asks for it."""
THROTTLED_SECONDS: Final = 60.0
"""Connections are counted per minute: so long others stay away where Genesys names no time."""


class Turns(Protocol):
    """Who may open a connection now, and what came of it: as `Admit` does."""

    async def __call__(self, deployment: Deployment, bid: Bid, /) -> float | None:
        """None: now; else when to ask again, seconds since the epoch. Raises UnavailableError."""
        ...

    def leave(self, deployment: Deployment, session_id: SessionId, /) -> None:
        """It wants no turn any more."""
        ...

    def is_shut(self, deployment: Deployment, /) -> bool:
        """Whether Genesys is known to let nobody in for the moment."""
        ...

    async def answered(self, deployment: Deployment, session_id: SessionId, /) -> None:
        """Genesys answered."""
        ...

    async def throttled(
        self, deployment: Deployment, session_id: SessionId, seconds: float, /
    ) -> None:
        """Genesys lets nobody in for so long."""
        ...

    async def failed(self, deployment: Deployment, session_id: SessionId, /) -> None:
        """Nothing came of it."""
        ...


class Strangeness(Protocol):
    """Where labels go of what no table knows: as `NoteDrift` takes them."""

    def __call__(self, deployment: Deployment, labels: Iterable[str], text: str, /) -> None:
        """Take those of a frame. Neither fails nor waits."""
        ...

    async def settle(self) -> None:
        """Write down what waits. Never fails."""
        ...


@dataclass(slots=True, kw_only=True)
class Trial:
    """What came of it so far; whoever runs out of time takes it as it is."""

    findings: "list[Finding]"
    connections: int = 0
    linked: bool = False
    opened: bool = False
    closed: bool = False

    def cut_short(self) -> None:
        """Say what is known now that time has run out."""
        told = {each.code for each in self.findings}
        if self.opened:
            missing = [] if told & {"session_closed", "session_left"} else [_ending(closed=False)]
        elif told:
            missing = []
        elif self.linked:
            missing = [found("session_failed", "Little time was left to wait for an answer.")]
        elif self.connections:
            missing = [found("session_unanswered", "No connection came about in time.")]
        else:
            missing = [found("session_not_tried", "Its turn did not come in time.")]
        self.findings += missing


@dataclass(frozen=True, slots=True, kw_only=True)
class TrySession:
    """One test session."""

    clock: Clock
    ids: Ids
    sockets: GuestSockets
    admit: Turns
    drift: Strangeness
    trying: set[str] = field(default_factory=set)
    """The lines on which a test is under way."""

    async def __call__(self, deployment: Deployment, trial: Trial, *, until: float) -> None:
        """Fill in the trial. `until`: when to stop waiting for a turn, seconds since the epoch.

        One at a time for a deployment. Raises UnavailableError: the table cannot say whether there
        is a turn, and none was taken.
        """
        line = line_of(deployment)
        if line in self.trying:
            trial.findings.append(found("session_not_tried", "Another test session is under way."))
            return
        self.trying.add(line)
        try:
            await self._try(deployment, trial, until)
        finally:
            self.trying.discard(line)

    async def _try(self, deployment: Deployment, trial: Trial, until: float) -> None:
        # Behind everybody who waits for a link, and never out of what is kept for callers.
        bid = Bid(session_id=SessionId(self.ids.ulid(SESSION)), last_active=0.0)
        try:
            if not await self._turn(deployment, bid, until):
                why = _SHUT if self.admit.is_shut(deployment) else _SPENT
                trial.findings.append(found("session_not_tried", why))
                return
            trial.connections = 1
            link = await self._open(deployment, bid.session_id, trial)
        finally:
            self.admit.leave(deployment, bid.session_id)
        if link is None:
            return
        trial.linked = True
        try:
            await _told(self.admit.answered(deployment, bid.session_id))
            await self._look(deployment, link, trial)
        finally:
            await link.close()
        await self.drift.settle()

    async def _turn(self, deployment: Deployment, bid: Bid, until: float) -> bool:
        clock = self.clock
        while (at := await self.admit(deployment, bid)) is not None:
            if at > until:
                return False
            await clock.sleep(max(0.0, at - clock.now()))
        return True

    async def _open(self, deployment: Deployment, name: SessionId, trial: Trial) -> Link | None:
        """Open; a failure is told to everybody, as every visit does."""
        try:
            return await self.sockets.open(deployment)
        except LinkDeniedError as denied:
            trial.findings.append(check_denied(denied.status))
            if is_throttled(denied.status):
                wait = denied.retry_after_seconds
                seconds = THROTTLED_SECONDS if wait is None else wait
                await _told(self.admit.throttled(deployment, name, seconds))
            elif is_trouble(denied.status):
                await _told(self.admit.failed(deployment, name))
            else:
                await _told(self.admit.answered(deployment, name))
        except LinkLostError as lost:
            trial.findings.append(found("session_unanswered", _lost(lost)))
            await _told(self.admit.failed(deployment, name))
        return None

    async def _look(self, deployment: Deployment, link: Link, trial: Trial) -> None:
        token = self.ids.uuid()
        configure = ConfigureSession(
            token=token,
            deployment_id=deployment.deployment_id,
            start_new=False,
            tracing_id=self.ids.uuid(),
        )
        try:
            frame = await self._ask(deployment, link, configure)
        except LinkLostError as lost:
            trial.findings.append(found("session_unanswered", _lost(lost)))
            return
        except TimeoutError:
            trial.findings.append(found("session_unanswered", "No answer to configure came."))
            return
        trial.findings += check_attached(frame)
        trial.opened = isinstance(frame, SessionResponse) and frame.connected
        if trial.opened:
            asked = self.ids.uuid()
            trial.findings.append(check_told(await self._limits(deployment, link, token, asked)))
            trial.closed = await self._close(deployment, link, token, asked)
            trial.findings.append(_ending(closed=trial.closed))

    async def _limits(
        self, deployment: Deployment, link: Link, token: str, tracing_id: str
    ) -> ServerFrame | None:
        """What Genesys says of the deployment's limits; None where it says nothing."""
        request = GetConfiguration(
            token=token,
            deployment_id=deployment.deployment_id,
            tracing_id=tracing_id,
        )
        try:
            async with self.clock.timeout(LIMITS_SECONDS):
                return await self._ask(deployment, link, request, is_configuration_answer)
        except (LinkLostError, TimeoutError):
            return None

    async def _close(
        self, deployment: Deployment, link: Link, token: str, asked_before: str
    ) -> bool:
        """Close the session itself, not only the link; whether Genesys said so.

        The answer to what was asked before may still come.
        """

        def is_answer(frame: ServerFrame) -> bool:
            return is_attach_answer(frame) and frame.tracing_id != asked_before

        close = CloseSession(token=token, close_all_connections=True, tracing_id=self.ids.uuid())
        try:
            async with self.clock.timeout(CLOSE_SECONDS):
                frame = await self._ask(deployment, link, close, is_answer)
        except (LinkLostError, TimeoutError):
            return False
        return isinstance(frame, SessionResponse) and not frame.connected

    async def _ask(
        self,
        deployment: Deployment,
        link: Link,
        request: Request,
        is_answer: Callable[[ServerFrame], bool] = is_attach_answer,
    ) -> ServerFrame:
        """The answer to a request; what comes besides is passed over.

        Raises LinkLostError, TimeoutError.
        """
        async with self.clock.timeout(ANSWER_SECONDS):
            await link.send(encode(request))
            while True:
                frame = self._decoded(deployment, await link.receive())
                if frame is not None and is_answer(frame):
                    return frame

    def _decoded(self, deployment: Deployment, text: str) -> ServerFrame | None:
        try:
            frame = decode(text)
            strange = unknowns(frame)
        except GuestProtocolError as fault:
            frame, strange = None, (malformed(fault),)
        self.drift(deployment, strange, text)
        return None if isinstance(frame, Request) else frame


_SPENT: Final = "No connection was left that no caller might need."
_SHUT: Final = "Genesys lets nobody in for the moment, and the broker waits."


async def _told(telling: Awaitable[None]) -> None:
    """Tell everybody what came of it; where the table is ill, the next who connects does."""
    with suppress(UnavailableError):
        await telling


def _lost(lost: LinkLostError) -> str:
    return f"The connection was lost (code {lost.code})."


def _ending(*, closed: bool) -> Finding:
    if closed:
        return found("session_closed", "No conversation began, and the broker keeps nothing of it.")
    return found(
        "session_left",
        "The connection is closed. No conversation began; the empty session expires by itself.",
    )
