"""Tell the agent that the guest is typing: at most one frame each five seconds, never stored."""

from dataclasses import dataclass
from typing import Final

from service.domain.access import ApiKey
from service.domain.ids import SessionId
from service.domain.session import PublicState
from service.ports.sessions import SessionStore
from service.ports.system import Clock
from service.usecases.idempotency import Answer
from service.usecases.read_session import owned, refuse_if_over
from service.usecases.waiting import Attending, Patience

ACCEPTED: Final = 202


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTyping:
    """Sends typing."""

    sessions: SessionStore
    clock: Clock
    attend: Attending

    async def __call__(self, key: ApiKey, session_id: SessionId, *, patience: Patience) -> Answer:
        """202 and whether a frame went out.

        Raises NotFoundError, SessionEndedError, SessionFailedError.
        """
        session = await owned(self.sessions, key.tenant, session_id)
        refuse_if_over(session)
        sent = False
        if session.public is not PublicState.READ_ONLY:
            sent = await self.attend.typing(session_id, until=patience.until(self.clock))
        return Answer(status=ACCEPTED, body={"sent": sent})
