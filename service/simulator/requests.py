"""One request of a guest, and the answers that most requests share.

It must not carry out any action.
"""

from dataclasses import dataclass

from service.simulator.faults import DropWhen, Moment
from service.simulator.frames import (
    Code,
    Frame,
    not_found,
    push,
    refusal,
    refusal_object,
    response,
    too_many,
)
from service.simulator.knobs import EnvelopeType, ExpiredAnswer, NotFoundSpelling, RefusalClass
from service.simulator.lines import detach
from service.simulator.outbox import send
from service.simulator.session import Connection, Session
from service.simulator.shapes import JsonObject, text_at
from service.simulator.state import WorldState, whole_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A parsed frame. `wait` is how long it came too soon for its connection, in seconds."""

    conn: Connection
    action: str
    fields: JsonObject
    wait: float = 0.0

    @property
    def token(self) -> str:
        """The session token, empty when absent."""
        return text_at(self.fields, "token") or ""

    @property
    def tracing_id(self) -> str | None:
        """The client's correlation id."""
        return text_at(self.fields, "tracingId")

    def moment(self, when: DropWhen | None = None) -> Moment:
        """Describe where we are to the fault book."""
        return Moment(
            deployment=self.conn.deployment,
            token=self.token or self.conn.token,
            connection=self.conn.id,
            action=self.action,
            when=when,
        )


def answer(state: WorldState, request: Request, frame: Frame) -> None:
    """Send a frame to the one who asked."""
    send(state, request.conn, frame)


def reply(state: WorldState, request: Request, name: str, body: object) -> None:
    """Answer with a `response` of a class."""
    answer(state, request, response(name, body, request.tracing_id))


def refuse(state: WorldState, request: Request, code: int, text: str) -> None:
    """Answer with an error."""
    if code == Code.SESSION_NOT_FOUND:
        refuse_not_found(state, request, state.knobs.not_found_spelling, text)
    elif state.knobs.refusal_class is not RefusalClass.STRING:
        name = state.knobs.refusal_class
        answer(state, request, refusal_object(name, code, text, request.tracing_id))
    else:
        answer(state, request, refusal(code, text, request.tracing_id))


def refuse_not_found(
    state: WorldState, request: Request, spelling: NotFoundSpelling, text: str
) -> None:
    """Answer "session not found" in the given spelling."""
    answer(state, request, not_found(spelling, text, request.tracing_id))


def throttle(state: WorldState, request: Request, wait: float, what: str) -> None:
    """Answer that the request came too soon. It has no other effect."""
    text = f"{what} rate too high for this session"
    answer(state, request, too_many(whole_seconds(wait), request.tracing_id, text))


def session_of(state: WorldState, request: Request, *, by_event: bool = False) -> Session | None:
    """Return the live session of the request, or answer why there is none and return None."""
    # The schema asks for it everywhere; of an echo it is known that the service bears its absence.
    if not request.token and request.action != "echo":
        refuse(state, request, Code.MISSING_PARAMETER, "Missing parameter: token")
        return None
    session = request.conn.session
    if session is None or session.gone or session.token != (request.token or session.token):
        refuse(state, request, Code.SESSION_NOT_FOUND, state.knobs.not_found_text)
        return None
    if session.expired(state.now) and not session.read_only:
        _refuse_expired(state, request, by_event=by_event)
        detach(request.conn)
        return None
    return session


def _refuse_expired(state: WorldState, request: Request, *, by_event: bool) -> None:
    if by_event or state.knobs.expired_answer is ExpiredAnswer.EVENT:
        answer(state, request, expired_event(state, request.tracing_id))
    else:
        refuse(state, request, Code.SESSION_EXPIRED, state.knobs.expired_text)


def expired_event(state: WorldState, tracing_id: str | None = None) -> Frame:
    """Build a SessionExpiredEvent with the envelope type that the knob says."""
    if state.knobs.expired_event_type is EnvelopeType.RESPONSE:
        return response("SessionExpiredEvent", {}, tracing_id)
    return push("SessionExpiredEvent", {})
