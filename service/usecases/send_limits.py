"""What may be sent, checked before anything is stored. Pure: values in, errors out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from service.domain.choice import ButtonChoice, Choice, FormChoice, ListChoice
from service.domain.errors import (
    AttributesTooLargeError,
    FieldFault,
    InvalidRequestError,
    TextTooLongError,
    UnknownAttachmentError,
)
from service.domain.message import (
    ATTRIBUTE_BYTES_MAX,
    TEXT_BYTES_MAX,
    SendBody,
    attribute_bytes,
)

METADATA_BYTES_MAX: Final = 16 * 1024
EXTERNAL_ID_BYTES_MAX: Final = 256
ANSWERS_MAX: Final = 100
FORM_BYTES_MAX: Final = 16 * 1024
"""Ours: Genesys tells no limit but that of a frame, which is unknown."""
ANSWERS: Final = ("buttonResponse", "listPicker", "datePicker", "form")
ATTACHMENTS_MAX: Final = 1
"""Guest API: only one item of type Attachment in a message."""


def check_body(body: SendBody, choices: Sequence[Choice] = (), *, at: str = "") -> None:
    """A send body with what it answers, but for its attributes; `at` is its JSON pointer.

    Raises InvalidRequestError, TextTooLongError.
    """
    if not body.text and not choices and not body.attachment_ids:
        raise _fault(at, f"needs one of text, attachmentIds, {', '.join(ANSWERS)}")
    _check_alone(body, choices, at=at)
    _check_text(body.text)
    for choice in choices:
        check_choice(choice, at=f"{at}/{choice.field}")
    check_metadata(body.metadata, at=at)
    if len(body.attachment_ids) > ATTACHMENTS_MAX:
        raise _fault(f"{at}/attachmentIds", f"a message takes {ATTACHMENTS_MAX} attachment")


def check_first_body(body: SendBody, choices: Sequence[Choice] = (), *, at: str) -> None:
    """The same for a message that comes with its session, which has no files yet.

    Raises what `check_body` raises, and UnknownAttachmentError.
    """
    check_body(body, choices, at=at)
    for attachment_id in body.attachment_ids:
        raise UnknownAttachmentError(attachment_id=attachment_id)


def _check_alone(body: SendBody, choices: Sequence[Choice], *, at: str) -> None:
    if not choices:
        return
    one = choices[0].field
    if body.text is not None:
        raise _fault(f"{at}/text", f"stands beside {one}, which brings its own text")
    if body.attachment_ids:
        raise _fault(f"{at}/attachmentIds", f"stands beside {one}, which takes no files")
    if len(choices) > 1:
        raise _fault(f"{at}/{choices[1].field}", f"stands beside {one}: answer one at a time")


def check_choice(choice: Choice, *, at: str) -> None:
    """An answer, before it is looked up. Raises InvalidRequestError, TextTooLongError."""
    if not choice.is_named and not isinstance(choice, ButtonChoice):
        raise _fault(at, "needs messageId or originatingMessageId: which message it answers")
    match choice:
        case ButtonChoice(button=button):
            _check_text(button.text)
            _check_text(button.payload)
        case ListChoice(item_ids=ids) if len(ids) > ANSWERS_MAX:
            raise _fault(f"{at}/itemIds", f"has {len(ids)} entries; the limit is {ANSWERS_MAX}")
        case FormChoice(answers=answers):
            _check_answers(answers, at=f"{at}/answers")
        case _:
            pass


def _check_answers(answers: Mapping[str, str | Sequence[str]], *, at: str) -> None:
    size = len(json.dumps(answers, ensure_ascii=False).encode())
    if len(answers) > ANSWERS_MAX or size > FORM_BYTES_MAX:
        limits = f"{ANSWERS_MAX} answers and {FORM_BYTES_MAX} bytes"
        raise _fault(at, f"are {len(answers)} answers in {size} bytes as JSON; at most {limits}")


def check_attributes(attributes: Mapping[str, str], *, limit: int = ATTRIBUTE_BYTES_MAX) -> None:
    """Custom attributes, keys and values together. Raises AttributesTooLargeError."""
    if (size := attribute_bytes(attributes)) > limit:
        raise AttributesTooLargeError(size=size, limit=limit)


def check_metadata(metadata: Mapping[str, Any] | None, *, at: str = "") -> None:
    """The caller's own notes, as JSON. Raises InvalidRequestError."""
    if metadata is None:
        return
    size = len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode())
    if size > METADATA_BYTES_MAX:
        message = f"is {size} bytes as JSON; the limit is {METADATA_BYTES_MAX}"
        raise _fault(f"{at}/metadata", message)


def check_external_id(external_id: str | None) -> None:
    """The caller's own name for a session. Raises InvalidRequestError."""
    if external_id is None:
        return
    size = len(external_id.encode())
    if not 1 <= size <= EXTERNAL_ID_BYTES_MAX:
        raise _fault("/externalId", f"is {size} bytes; 1 to {EXTERNAL_ID_BYTES_MAX} are allowed")
    if "#" in external_id or not external_id.isprintable():
        raise _fault("/externalId", "may hold neither # nor characters that do not print")


def _check_text(text: str | None) -> None:
    size = len((text or "").encode())
    if size > TEXT_BYTES_MAX:
        raise TextTooLongError(size=size, limit=TEXT_BYTES_MAX)


def _fault(pointer: str, detail: str) -> InvalidRequestError:
    return InvalidRequestError(FieldFault(pointer=pointer, detail=detail))
