"""Messages stored and passed on, whoever wrote them, and the agent's side of a conversation.

It must not judge whether a guest may write: that is `inbound`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.simulator.deployments import Disconnect
from service.simulator.faults import FaultKind, Moment
from service.simulator.frames import push
from service.simulator.journal import Entry
from service.simulator.outbox import deliver
from service.simulator.session import Connection, Conversation, Session, SessionState, Stored
from service.simulator.sessions import extend
from service.simulator.shapes import JsonObject, iso, object_at, objects_at, strings_at, text_at
from service.simulator.state import WorldState


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What an agent or bot says."""

    text: str | None = None
    content: tuple[JsonObject, ...] = ()
    nickname: str = ""
    entity: str = "Human"
    metadata: Mapping[str, str] = field(default_factory=dict)


def conversation_of(state: WorldState, session: Session) -> Conversation:
    """Return the conversation that a message of now belongs to: threaded, reopened or new."""
    current = session.conversation
    if current is not None and _threads(state, current):
        current.ended_at = 0.0
        return current
    fresh = Conversation(
        id=state.ids.uuid(),
        deployment=session.deployment,
        started_at=state.now,
        customer_id=state.ids.uuid(),
        bot_id=state.ids.uuid(),
        agent_id=state.ids.uuid(),
    )
    session.conversation = fresh
    state.conversations[fresh.id] = fresh
    return fresh


def _threads(state: WorldState, conversation: Conversation) -> bool:
    since_end = state.now - conversation.ended_at
    return not conversation.ended_at or since_end <= state.knobs.threading_seconds


def message_time(state: WorldState, session: Session) -> float:
    """Return the time a message of now gets, in whole milliseconds."""
    now = round(state.now, 3)
    if state.knobs.rising_times and session.messages:
        return max(now, round(session.messages[-1].at + 0.001, 3))
    return now


def store(
    state: WorldState, session: Session, body: JsonObject, *, at: float, tracing_id: str | None
) -> Stored:
    """Keep a message: in the session, its conversation, the index and the journal."""
    conversation = conversation_of(state, session)
    stored = Stored(body=body, at=at, tracing_id=tracing_id, conversation=conversation)
    session.messages.append(stored)
    conversation.messages.append(stored)
    state.messages[stored.id] = stored
    extend(state, session)
    _enter(state, session, stored)
    return stored


def _enter(state: WorldState, session: Session, stored: Stored) -> None:
    body = stored.body
    entry = Entry(
        seq=len(state.journal.entries) + 1,
        deployment=session.deployment,
        token=session.token,
        session=session.id,
        conversation_id=stored.conversation.id,
        message_id=stored.id,
        tracing_id=stored.tracing_id,
        direction=text_at(body, "direction") or "",
        type=text_at(body, "type") or "",
        text=text_at(body, "text"),
        events=objects_at(body, "events"),
        metadata=strings_at(body, "metadata"),
        attributes=strings_at(_channel_metadata(body), "customAttributes"),
        time=iso(stored.at),
        at=stored.at,
    )
    state.journal.entries.append(entry)


def _channel_metadata(body: JsonObject) -> JsonObject:
    return object_at(object_at(body, "channel"), "metadata")


def fan_out(
    state: WorldState, session: Session, stored: Stored, asker: Connection | None = None
) -> int:
    """Send a stored message to every connection of the session; return to how many."""
    frame = push("StructuredMessage", stored.body, stored.tracing_id)
    reached = deliver(state, session, frame, asker=asker)
    stored.delivered_to += reached
    return reached


def echo_swallowed(state: WorldState, session: Session, asker: Connection) -> bool:
    """Tell whether a fault keeps the echo of a stored message from everyone."""
    moment = Moment(
        deployment=session.deployment,
        token=session.token,
        connection=asker.id,
        action=state.action,
    )
    return state.strike(FaultKind.SWALLOW_ECHO, moment) is not None


def say(state: WorldState, session: Session, words: Words) -> Stored:
    """Store a message of an agent or bot, and send it to whoever is attached."""
    human = words.entity == "Human"
    at = message_time(state, session)
    channel: JsonObject = {"time": iso(at), "type": "Private"}
    if words.nickname:
        channel["from"] = {"nickname": words.nickname}
    if human and state.knobs.human_messages_have_message_id:
        channel["messageId"] = state.ids.uuid()
    body: JsonObject = {
        "id": state.ids.hexadecimal(),
        "direction": "Outbound",
        "type": _type_of(words.content),
        "channel": channel,
        "originatingEntity": words.entity,
        "metadata": {**words.metadata, "correlationId": state.ids.uuid()},
    }
    if words.text is not None:
        body["text"] = words.text
    if words.content:
        body["content"] = list(words.content)
    stored = store(state, session, body, at=at, tracing_id=None)
    if human:
        stored.conversation.agent_name = words.nickname or "Agent"
    _pass_on(state, session, stored)
    return stored


def _type_of(content: tuple[JsonObject, ...]) -> str:
    attachments_only = all(text_at(item, "contentType") == "Attachment" for item in content)
    return "Text" if attachments_only else "Structured"


def _pass_on(state: WorldState, session: Session, stored: Stored) -> None:
    if fan_out(state, session, stored):
        return
    state.journal.undelivered.append(
        {
            "conversationId": stored.conversation.id,
            "deploymentId": session.deployment,
            "participantId": stored.conversation.customer_id,
            "sessionExpiry": int(session.expires_at),
            "messages": [{"id": stored.id, "eventTimeMs": round(stored.at * 1000)}],
            "eventTimeMs": round(stored.at * 1000),
        }
    )


def type_to_guest(state: WorldState, session: Session, milliseconds: int) -> int:
    """Show the guest that somebody is typing. Never stored."""
    typing = {"type": "On", state.knobs.typing_duration_field.value: milliseconds}
    body = {
        "id": state.ids.hexadecimal(),
        "direction": "Outbound",
        "type": "Event",
        "channel": {"time": iso(state.now), "type": "Private"},
        "events": [{"eventType": "Typing", "typing": typing}],
        "originatingEntity": "Human",
    }
    return deliver(state, session, push("StructuredMessage", body))


def end_conversation(state: WorldState, session: Session, nickname: str) -> Stored | None:
    """End the conversation as the deployment is configured; return the event when there is one."""
    conversation = conversation_of(state, session)
    conversation.ended_at = state.now
    mode = state.deployments[session.deployment].disconnect
    if mode is Disconnect.OFF:
        return None
    read_only = mode is Disconnect.READ_ONLY
    stored = _store_disconnect(state, session, nickname, read_only=read_only)
    conversation.ended_at = state.now
    if read_only:
        session.state = SessionState.READ_ONLY
    _pass_on(state, session, stored)
    return stored


def _store_disconnect(
    state: WorldState, session: Session, nickname: str, *, read_only: bool
) -> Stored:
    at = message_time(state, session)
    channel: JsonObject = {"time": iso(at), "type": "Private"}
    if nickname:
        channel["from"] = {"nickname": nickname}
    body: JsonObject = {
        "id": state.ids.hexadecimal(),
        "direction": "Outbound",
        "type": "Event",
        "channel": channel,
        "events": [{"eventType": "Presence", "presence": {"type": "Disconnect"}}],
        "metadata": {
            "readOnly": "true" if read_only else "false",
            "correlationId": state.ids.uuid(),
        },
        "originatingEntity": "Human" if nickname else "Bot",
    }
    return store(state, session, body, at=at, tracing_id=None)
