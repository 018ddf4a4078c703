"""Lets one event of a caller happen to a session: load, judge, decide, commit.

Again after a lost race. Only facts and intents are committed here. What must be done about them on
the wire is the next visit's work.
"""

from dataclasses import dataclass, replace
from typing import Final

from service.domain.errors import (
    IllegalTransitionError,
    SessionEndedError,
    SessionFailedError,
    SupersededError,
    UnavailableError,
)
from service.domain.events import Event
from service.domain.given import Given
from service.domain.ids import SessionId
from service.domain.judgement import judged
from service.domain.lifecycle import Decision, decide
from service.domain.receipt import Tally
from service.domain.session import FINAL_STATES, Session, State
from service.domain.trace import Trace
from service.ports import Ports
from service.usecases.facts import Facts
from service.usecases.log_writer import open_writer
from service.usecases.wake_lanes import WakeLanes

TRIES: Final = 8
MARK_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSession:
    """Commits what a caller asked of a session."""

    ports: Ports
    facts: Facts
    wake_lanes: WakeLanes

    async def __call__(
        self, session_id: SessionId, event: Event, *, trace: Trace | None = None
    ) -> Session:
        """The session as the event left it.

        Raises NotFoundError, SessionEndedError, SessionFailedError, UnavailableError (too many
        races).
        """
        for _ in range(TRIES):
            session = await self.ports.sessions.load(session_id)
            try:
                return await self._once(session, event, trace)
            except SupersededError:
                continue
            except IllegalTransitionError as illegal:
                raise _refusal(session) or illegal from illegal
        raise UnavailableError(what="the session (it changes too quickly)")

    async def _once(self, session: Session, event: Event, trace: Trace | None) -> Session:
        ports = self.ports
        decision = await self._decide(replace(session, trace=trace or session.trace), event)
        if decision.session.state is session.state and not decision.drafts:
            kept = replace(decision.session, trace=session.trace)
            if kept != session:
                # What is under way goes on the sooner; whoever asked first is told of its end.
                kept = replace(kept, trace=session.trace or trace)
            # What changes nothing is no reason to write the session.
            decision = replace(decision, session=kept)
        await ports.sessions.mark_work(session.id, ports.clock.now() + MARK_SECONDS)
        writer = await open_writer(ports, session)
        events, _ = await writer.commit(decision, authority=None)
        if events:
            await self.wake_lanes(session.tenant, session.id)
        await ports.hints.session(session.id, session.shard)
        return replace(decision.session, version=writer.session.version)

    async def _decide(self, session: Session, event: Event) -> Decision:
        ports = self.ports
        given = Given(
            now=ports.clock.now(),
            deployment=await self.facts.deployment(session.tenant, session.deployment),
            fresh=self.facts.fresh(),
            jitter=ports.ids.jitter(),
            sends=tuple(await ports.sessions.open_sends(session.id)),
            tally=Tally(),
        )
        return decide(session, judged(session, event, given), given)


def _refusal(session: Session) -> Exception | None:
    if session.state in FINAL_STATES:
        return SessionEndedError(session_id=session.id)
    if session.state is State.FAILED:
        detail = session.failure.detail if session.failure else "unknown"
        return SessionFailedError(session_id=session.id, detail=detail)
    return None
