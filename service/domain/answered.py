"""The answer that a send carries, as content items of the transcript, and as what is compared."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from service.domain.message import ButtonReply, FormEntry, FormReply, SendBody

_RESPONSE: Final = "ButtonResponse"


def content_of(body: SendBody) -> tuple[Mapping[str, Any], ...]:
    """The content of the guest's own message: what was answered, and the files."""
    pressed = () if body.button is None else (body.button,)
    items: list[Mapping[str, Any]] = [_response(reply) for reply in (*pressed, *body.choices)]
    if body.form is not None:
        items.append(_form(body.form))
    items.extend(
        {"contentType": "Attachment", "attachment": {"id": attachment_id}}
        for attachment_id in body.attachment_ids
    )
    return tuple(items)


def answers_in(content: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """What was chosen and answered in content items: (question or empty, payload), in no order."""
    found: list[tuple[str, str]] = []
    for item in content:
        match item:
            case {"contentType": "ButtonResponse", "buttonResponse": {"payload": str(payload)}}:
                found.append(("", payload))
            case {"contentType": "Form", "form": {"response": list(entries)}}:
                found.extend(_entry(entry) for entry in entries)
            case _:
                pass
    return sorted(found)


def form_entry(entry: FormEntry) -> Mapping[str, Any]:
    """One answer of a form, as it stands on the wire."""
    button = {"type": "Form", "text": entry.text, "payload": entry.payload}
    return {
        "id": entry.id,
        "component": {"contentType": _RESPONSE, "buttonResponse": button},
    }


def _entry(entry: object) -> tuple[str, str]:
    match entry:
        case {"id": str(name), "component": {"buttonResponse": {"payload": str(payload)}}}:
            return name, payload
        case _:
            return "", repr(entry)


def _response(reply: ButtonReply) -> Mapping[str, Any]:
    button = {
        "type": reply.type,
        "text": reply.text,
        "payload": reply.payload,
        "originatingMessageId": reply.originating_message_id,
    }
    return {"contentType": _RESPONSE, "buttonResponse": button}


def _form(form: FormReply) -> Mapping[str, Any]:
    return {"contentType": "Form", "form": form_fields(form)}


def form_fields(form: FormReply) -> dict[str, Any]:
    """The members of a form that is answered; what is not known is left out."""
    known = {
        "originatingMessageId": form.originating_message_id,
        "cannedResponseId": form.canned_response_id,
    }
    present = {name: value for name, value in known.items() if value is not None}
    return {**present, "response": [form_entry(entry) for entry in form.answers]}
