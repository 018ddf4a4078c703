"""Change what a caller keeps with a session: custom attributes and metadata.

Attributes go out with the next message. Nothing is said about it in the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from service.domain.access import ApiKey
from service.domain.errors import UnavailableError, VersionConflictError
from service.domain.ids import SessionId
from service.domain.merge_patch import patched
from service.domain.session import Session
from service.ports.sessions import SessionStore
from service.ports.system import Clock, Hints
from service.usecases.idempotency import Answer
from service.usecases.read_session import owned, refuse_if_over, shown
from service.usecases.send_limits import check_attributes, check_metadata

TRIES: Final = 8
DONE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsRequest:
    """A merge patch (RFC 7396) of each; what is not in `given` stays."""

    key: ApiKey
    session_id: SessionId
    given: Mapping[str, Any] = field(default_factory=dict)
    """`custom_attributes` and `metadata`, as far as the caller named them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDetails:
    """Changes sessions that are not over."""

    sessions: SessionStore
    hints: Hints
    clock: Clock

    async def __call__(self, request: DetailsRequest) -> Answer:
        """The Session.

        Raises NotFoundError, SessionEndedError, SessionFailedError, AttributesTooLargeError,
        InvalidRequestError, UnavailableError (too many races).
        """
        for _ in range(TRIES):
            session = await owned(self.sessions, request.key.tenant, request.session_id)
            refuse_if_over(session)
            after = _changed(session, request.given)
            if after != session:
                try:
                    after = await self.sessions.commit(
                        session, replace(after, updated_at=self.clock.now())
                    )
                except VersionConflictError:
                    continue
                if after.held_by is not None:
                    # Whoever holds the link takes it over at once, and not as a change of hands.
                    await self.hints.session(after.id, after.shard)
            return Answer(status=DONE, body=await shown(self.sessions, after, request.key))
        raise UnavailableError(what="the session (it changes too quickly)")


def _changed(session: Session, given: Mapping[str, Any]) -> Session:
    if "metadata" in given:
        metadata = patched(session.metadata, given["metadata"])
        check_metadata(metadata)
        session = replace(session, metadata=metadata)
    if "custom_attributes" in given:
        attributes = patched(session.custom_attributes, given["custom_attributes"]) or {}
        check_attributes(attributes, limit=session.attribute_limit)
        if attributes != session.custom_attributes:
            session = replace(
                session,
                custom_attributes=attributes,
                attributes_version=session.attributes_version + 1,
            )
    return session
