"""The public JSON of sessions and messages: one shape for the REST API, the log and webhooks.

Fields named here are always present, null when unknown. Nothing secret passes unless it is asked
for by name.
"""

from collections.abc import Mapping
from typing import Any

from service.domain.ids import masked
from service.domain.instants import maybe_rfc3339, rfc3339
from service.domain.message import Author, Failure, Message
from service.domain.session import Session


def session_view(
    session: Session, *, last_sequence: int, updated_at: float, reveal: bool = False
) -> dict[str, Any]:
    """The Session of the REST API. `reveal` shows the whole client id (scope sessions:secrets)."""
    ended = session.ended
    return {
        "id": session.id,
        "deployment": session.deployment,
        "externalId": session.external_id,
        "state": session.public.value,
        "incarnation": session.incarnation,
        "clientId": session.client_id if reveal else masked(session.client_id),
        "conversationId": session.conversation_id,
        "participantId": session.participant_id,
        "authenticated": session.authenticated,
        "guestName": session.sign_in.name if session.sign_in else None,
        "endedBy": ended.by.value if ended else None,
        "endedAt": maybe_rfc3339(ended.at if ended else None),
        "resumable": ended.resumable if ended else None,
        "onReadOnly": session.on_read_only.value if session.on_read_only else None,
        "failure": _session_failure(session),
        "expiresAt": maybe_rfc3339(session.expires_at),
        "lastSequence": last_sequence,
        "customAttributes": dict(session.custom_attributes),
        "metadata": session.metadata,
        "journeyContext": session.journey_context,
        "createdAt": rfc3339(session.created_at),
        "updatedAt": rfc3339(updated_at),
    }


def message_view(message: Message) -> dict[str, Any]:
    """The Message of the REST API, in the transcript and inside events.

    `omitted` is there only where something was left out.
    """
    omitted = {} if message.omitted is None else {"omitted": dict(message.omitted)}
    return {
        "id": message.id,
        "sessionId": message.session_id,
        "sequence": message.sequence,
        "incarnation": message.incarnation,
        "author": author_view(message.author),
        "text": message.text,
        "content": [dict(item) for item in message.content],
        "raw": message.raw,
        **omitted,
        "status": message.status.value,
        "failure": failure_view(message.failure),
        "customAttributes": _maybe_dict(message.custom_attributes),
        "metadata": message.metadata,
        "recovered": message.recovered,
        "late": message.late,
        "occurredAt": rfc3339(message.occurred_at),
        "createdAt": rfc3339(message.created_at),
    }


def author_view(author: Author) -> dict[str, Any]:
    """Who wrote it."""
    return {"kind": author.kind.value, "name": author.name, "image": author.image}


def failure_view(failure: Failure | None) -> dict[str, Any] | None:
    """Why it failed."""
    if failure is None:
        return None
    return {
        "code": failure.code,
        "detail": failure.detail,
        "providerCode": failure.provider_code,
    }


def _session_failure(session: Session) -> dict[str, Any] | None:
    reason = session.failure
    return None if reason is None else {"code": reason.code, "detail": reason.detail}


def _maybe_dict(value: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if value is None else dict(value)
