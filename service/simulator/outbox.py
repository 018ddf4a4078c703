"""The way of a frame out of the world: faults, delay, fan-out.

It must not decide what is said, only whether, when and how often it gets to a connection.
"""

from typing import Final

from service.simulator.events import SendFrame
from service.simulator.faults import FaultKind, Moment
from service.simulator.frames import Frame, push
from service.simulator.session import Connection, Session
from service.simulator.shapes import compact, object_at, text_at
from service.simulator.state import WorldState

BROKEN_JSON: Final = '{"type":"message","class":'


def send(state: WorldState, conn: Connection, frame: Frame) -> None:
    """Send a frame to one connection, as far as the ordered faults let it."""
    body = object_at(frame, "body")
    moment = Moment(
        deployment=conn.deployment,
        token=conn.token,
        connection=conn.id,
        action=state.action,
        frame_class=text_at(frame, "class") or "",
        direction=text_at(body, "direction") or "",
    )
    if state.strike(FaultKind.SWALLOW_FRAME, moment):
        state.journal.token(conn.token).swallowed += 1
        return
    seconds = _delay(state, moment)
    for text in _texts(state, moment, frame):
        send_text(state, conn, text, seconds)


def send_text(state: WorldState, conn: Connection, text: str, seconds: float = 0.0) -> None:
    """Send a text as it is, now or in `seconds`."""
    if seconds > 0:
        state.after(seconds, lambda: _emit(state, conn, text))
    else:
        _emit(state, conn, text)


def deliver(
    state: WorldState, session: Session, frame: Frame, *, asker: Connection | None = None
) -> int:
    """Fan a frame out to every connection of the session; return to how many."""
    bare = {key: value for key, value in frame.items() if key != "tracingId"}
    traced = state.knobs.tracing_id_to_others
    for conn in tuple(session.connections):
        send(state, conn, frame if traced or conn is asker else bare)
    return len(session.connections)


def _delay(state: WorldState, moment: Moment) -> float:
    seconds = state.knobs.answer_delay_seconds
    if late := state.strike(FaultKind.DELAY, moment):
        seconds += late.seconds
    if shuffled := state.strike(FaultKind.REORDER, moment):
        seconds += shuffled.seconds * state.chance.random()
    return seconds


def _texts(state: WorldState, moment: Moment, frame: Frame) -> list[str]:
    text = compact(frame)
    texts = [text]
    if again := state.strike(FaultKind.DUPLICATE, moment):
        texts += [text] * again.times
    if strange := state.strike(FaultKind.UNKNOWN_CLASS, moment):
        name = strange.text or "SomethingNewEvent"
        texts.insert(0, compact(push(name, {"surprise": True})))
    if broken := state.strike(FaultKind.MALFORMED, moment):
        texts.insert(0, broken.text or BROKEN_JSON)
    return texts


def _emit(state: WorldState, conn: Connection, text: str) -> None:
    if state.connections.get(conn.id) is not conn or conn.silent:
        return
    conn.last_frame_at = state.now
    state.journal.deployment(conn.deployment).frames_out += 1
    if conn.token:
        state.journal.token(conn.token).frames_out += 1
    state.emit(SendFrame(conn=conn.id, text=text))
