"""`onMessage`: the rules a guest's message must pass, in their order, and what it then causes.

The order of the checks is part of the imitation: a message that breaks two rules is refused for
the first of them.
"""

from service.simulator.bot import hear
from service.simulator.deployments import Deployment
from service.simulator.files import refusal_of_attachments, resolved_content
from service.simulator.frames import Code, push
from service.simulator.knobs import AttributeMeasure, Dedupe
from service.simulator.outbox import deliver, send
from service.simulator.requests import Request, refuse, session_of, throttle
from service.simulator.session import Session, Stored
from service.simulator.sessions import extend, forget, turn_out
from service.simulator.shapes import (
    JsonObject,
    byte_length,
    compact,
    iso,
    object_at,
    objects_at,
    strings_at,
    text_at,
)
from service.simulator.state import WorldState
from service.simulator.talk import conversation_of, echo_swallowed, fan_out, message_time, store


def on_message(state: WorldState, request: Request) -> None:
    """Take in what the guest sends: content or an event."""
    message = object_at(request.fields, "message")
    session = session_of(state, request)
    if session is None:
        return
    if not message:
        refuse(state, request, Code.MISSING_PARAMETER, "Missing parameter: message")
    elif text_at(message, "type") == "Event":
        _on_event(state, request, session)
    elif _passes(state, request, session):
        _take_in(state, request, session, bot=True)


def _on_event(state: WorldState, request: Request, session: Session) -> None:
    events = objects_at(object_at(request.fields, "message"), "events")
    event = events[0] if events else {}
    kind = text_at(event, "eventType")
    presence = text_at(object_at(event, "presence"), "type")
    deployment = state.deployments[session.deployment]
    if kind == "Presence" and presence == "Clear":
        _clear(state, request, session, deployment)
    elif session.read_only:
        refuse(state, request, Code.READ_ONLY, READ_ONLY_TEXT)
    elif kind == "Typing":
        _typing(state, request, session, deployment)
    elif kind == "Presence" and presence == "Join":
        _join(state, request, session, deployment)
    elif _in_rate(state, request, session):
        _take_in(state, request, session, bot=False)


READ_ONLY_TEXT = "Session is read-only, no new messages allowed"
FEATURE_TEXT = "Turn on the Feature Toggle or fix the configuration."
CLEAR_TEXT = "Presence events Conversation Clear are not supported"


def _typing(state: WorldState, request: Request, session: Session, deployment: Deployment) -> None:
    if not deployment.user_typing and state.knobs.typing_refused_when_disabled:
        refuse(state, request, Code.FORBIDDEN, FEATURE_TEXT)
        return
    if request.wait:
        throttle(state, request, request.wait, "Request")
        return
    if state.knobs.typing_extends:
        extend(state, session)
    if state.knobs.typing_echoed:
        body = _body(state, request, iso(state.now))
        deliver(state, session, push("StructuredMessage", body, request.tracing_id))


def _join(state: WorldState, request: Request, session: Session, deployment: Deployment) -> None:
    if not deployment.auto_start and state.knobs.join_refused_when_disabled:
        refuse(state, request, Code.FORBIDDEN, FEATURE_TEXT)
    elif _in_rate(state, request, session):
        _take_in(state, request, session, bot=True)


def _clear(state: WorldState, request: Request, session: Session, deployment: Deployment) -> None:
    if not deployment.clear:
        refuse(state, request, Code.FORBIDDEN, CLEAR_TEXT)
        return
    if request.wait:
        throttle(state, request, request.wait, "Request")
        return
    _take_in(state, request, session, bot=False)
    conversation_of(state, session).ended_at = state.now
    for conn in tuple(session.connections):
        send(state, conn, push("SessionClearedEvent", {}))
    turn_out(state, session)
    forget(state, (session.deployment, session.token))


def _passes(state: WorldState, request: Request, session: Session) -> bool:
    refusal = _refusal(state, request, session)
    if refusal is not None:
        refuse(state, request, *refusal)
        return False
    return _in_rate(state, request, session)


def _refusal(state: WorldState, request: Request, session: Session) -> tuple[int, str] | None:
    message = object_at(request.fields, "message")
    text = text_at(message, "text") or ""
    size = byte_length(text)
    limit = state.knobs.max_text_bytes
    if session.read_only:
        return Code.READ_ONLY, READ_ONLY_TEXT
    if limit and size > limit:
        return Code.MESSAGE_TOO_LONG, f"Message length {size} is larger than {limit}"
    allowed = state.knobs.max_attribute_bytes
    if allowed and _attribute_bytes(state, request) > allowed:
        told = f"Custom Attributes in channel metadata is larger than {allowed} bytes"
        return Code.ATTRIBUTES_TOO_LARGE, told
    empty = not text and not objects_at(message, "content")
    if empty and state.knobs.empty_text_refused:
        return Code.BAD_REQUEST, "Request failed."
    return refusal_of_attachments(state, session, request.fields)


def _attribute_bytes(state: WorldState, request: Request) -> int:
    attributes = _attributes(request)
    if state.knobs.attribute_measure is AttributeMeasure.JSON:
        return byte_length(compact(attributes)) if attributes else 0
    return sum(byte_length(key) + byte_length(value) for key, value in attributes.items())


def _attributes(request: Request) -> dict[str, str]:
    nested = object_at(object_at(request.fields, "message"), "channel")
    for channel in (nested, object_at(request.fields, "channel")):
        attributes = strings_at(object_at(channel, "metadata"), "customAttributes")
        if attributes:
            return attributes
    return {}


def _in_rate(state: WorldState, request: Request, session: Session) -> bool:
    limit = state.knobs.messages_per_second
    wait = request.wait or session.writes.admit(state.now, limit)
    if wait:
        throttle(state, request, wait, "Message")
    return not wait


def _take_in(state: WorldState, request: Request, session: Session, *, bot: bool) -> None:
    repeated = _repeated(state, request, session)
    stored = repeated or _keep(state, request, session)
    if not echo_swallowed(state, session, request.conn):
        fan_out(state, session, stored, request.conn)
    if bot and repeated is None:
        hear(state, session, stored)


def _keep(state: WorldState, request: Request, session: Session) -> Stored:
    at = message_time(state, session)
    body = _body(state, request, iso(at))
    if content := resolved_content(state, request.fields):
        body["content"] = content
    stored = store(state, session, body, at=at, tracing_id=request.tracing_id)
    stored.conversation.attributes.update(_attributes(request))
    if text := text_at(body, "text"):
        state.journal.arrival(session.deployment, session.token, text).stored += 1
    return stored


def _body(state: WorldState, request: Request, time: str) -> JsonObject:
    message = object_at(request.fields, "message")
    channel: JsonObject = {"time": time, "messageId": state.ids.uuid()}
    if attributes := _attributes(request):
        channel["metadata"] = {"customAttributes": attributes}
    metadata = {**strings_at(message, "metadata"), "correlationId": state.ids.uuid()}
    session = request.conn.session
    if session is not None and session.user:
        metadata["authenticated"] = "true"
    body: JsonObject = {
        "id": state.ids.hexadecimal(),
        "direction": "Inbound",
        "type": text_at(message, "type") or "Text",
        "channel": channel,
        "originatingEntity": "",
        "metadata": metadata,
    }
    body |= {key: message[key] for key in ("text", "events") if key in message}
    return body


def _repeated(state: WorldState, request: Request, session: Session) -> Stored | None:
    match state.knobs.dedupe:
        case Dedupe.NOTHING:
            return None
        case Dedupe.TRACING_ID:
            wanted = request.tracing_id
            return _first(session, wanted, [each.tracing_id for each in session.messages])
        case Dedupe.METADATA_ID:
            message = object_at(request.fields, "message")
            ids = [_metadata_id(each.body) for each in session.messages]
            return _first(session, _metadata_id(message), ids)


def _metadata_id(body: JsonObject) -> str | None:
    return strings_at(body, "metadata").get("id")


def _first(session: Session, wanted: str | None, ids: list[str | None]) -> Stored | None:
    return session.messages[ids.index(wanted)] if wanted and wanted in ids else None
