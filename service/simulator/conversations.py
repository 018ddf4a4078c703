"""The platform API that integrators use with their own credentials: OAuth and conversations."""

from base64 import b64decode
from binascii import Error as Base64Error
from urllib.parse import parse_qs

from service.simulator.answers import Answer, bearer_of, error_answer, json_answer
from service.simulator.events import HttpRequested
from service.simulator.session import Conversation, Stored
from service.simulator.shapes import JsonObject, iso, object_at, text_at
from service.simulator.state import WorldState


def oauth_token(state: WorldState, request: HttpRequested) -> Answer:
    """Answer the client-credentials grant."""
    form = parse_qs(request.body.decode("utf-8", "replace"))
    client, secret = _basic(request)
    if form.get("grant_type") != ["client_credentials"]:
        return json_answer({"error": "unsupported_grant_type"}, 400)
    if not secret or state.config.oauth_clients.get(client) != secret:
        return json_answer({"error": "invalid_client"}, 401)
    bearer = state.ids.hexadecimal()
    seconds = state.knobs.platform_token_seconds
    state.platform_tokens[bearer] = state.now + seconds
    body = {"access_token": bearer, "token_type": "bearer", "expires_in": int(seconds)}
    return json_answer(body)


def _basic(request: HttpRequested) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        plain = b64decode(encoded, validate=True).decode()
    except (Base64Error, UnicodeDecodeError):
        return "", ""
    client, _, secret = plain.partition(":")
    return client, secret


def _denied(state: WorldState, request: HttpRequested) -> Answer | None:
    expires_at = state.platform_tokens.get(bearer_of(request.headers), 0.0)
    if expires_at > state.now:
        return None
    return error_answer(state, 401, "bad.credentials", "Invalid login credentials.")


def message_details(state: WorldState, request: HttpRequested, message_id: str) -> Answer:
    """Tell what a platform message id is, and in which conversation."""
    if denied := _denied(state, request):
        return denied
    stored = state.messages.get(message_id)
    lag = state.knobs.details_lag_seconds
    if stored is None or (lag and stored.at > state.now - lag):
        return error_answer(state, 404, "not.found", "The requested resource was not found.")
    return json_answer(_details(stored))


def _details(stored: Stored) -> JsonObject:
    body = stored.body
    channel = object_at(body, "channel")
    inbound = body.get("direction") == "Inbound"
    normalized = {**body, "channel": {"platform": "WebMessaging", **channel}}
    normalized.pop("metadata", None)
    return {
        "id": stored.id,
        "providerMessageId": text_at(channel, "messageId"),
        "timestamp": iso(stored.at),
        "fromAddress": stored.conversation.customer_id if inbound else stored.conversation.id,
        "toAddress": stored.conversation.id if inbound else stored.conversation.customer_id,
        "direction": "inbound" if inbound else "outbound",
        "messengerType": "webmessaging",
        "status": "received" if inbound else "sent",
        "conversationId": stored.conversation.id,
        "normalizedMessage": normalized,
        "selfUri": f"/api/v2/conversations/messages/{stored.id}/details",
    }


def conversation(state: WorldState, request: HttpRequested, conversation_id: str) -> Answer:
    """Describe a conversation with its participants."""
    if denied := _denied(state, request):
        return denied
    found = state.conversations.get(conversation_id)
    if found is None:
        return error_answer(state, 404, "not.found", "The requested resource was not found.")
    return json_answer(describe(found))


def describe(found: Conversation) -> JsonObject:
    """Write a conversation as the platform does."""
    participants = [_participant(found, found.customer_id, "customer", "Guest")]
    participants.append(_participant(found, found.bot_id, "workflow", "Flow"))
    if found.agent_name:
        participants.append(_participant(found, found.agent_id, "agent", found.agent_name))
    return {
        "id": found.id,
        "startTime": iso(found.started_at),
        "participants": participants,
        "selfUri": f"/api/v2/conversations/messages/{found.id}",
    }


def _participant(found: Conversation, ident: str, purpose: str, name: str) -> JsonObject:
    customer = purpose == "customer"
    wanted = "Inbound" if customer else "Outbound"
    body: JsonObject = {
        "id": ident,
        "name": name,
        "purpose": purpose,
        "state": "disconnected" if found.ended_at else "connected",
        "direction": "inbound" if customer else "outbound",
        "startTime": iso(found.started_at),
        "type": "webmessaging",
        "attributes": dict(found.attributes) if customer else {},
        "messages": [
            {"messageId": each.id, "messageTime": iso(each.at), "messageStatus": "sent"}
            for each in found.messages
            if each.body.get("direction") == wanted
        ],
    }
    if found.ended_at:
        body["endTime"] = iso(found.ended_at)
        body["disconnectType"] = "peer" if customer else "client"
    return body
