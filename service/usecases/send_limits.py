"""What may be sent, checked before anything is stored. Pure: values in, errors out."""

import json
from collections.abc import Mapping
from typing import Any, Final

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
    ButtonReply,
    SendBody,
    attribute_bytes,
)

METADATA_BYTES_MAX: Final = 16 * 1024
EXTERNAL_ID_BYTES_MAX: Final = 256


def check_body(body: SendBody, *, at: str = "") -> None:
    """A send body; `at` is the JSON pointer of the body in the request.

    Raises InvalidRequestError, TextTooLongError, AttributesTooLargeError, UnknownAttachmentError.
    """
    if not body.text and body.button is None and not body.attachment_ids:
        raise _fault(at, "needs text, buttonResponse or attachmentIds")
    if body.text is not None and body.button is not None:
        raise _fault(f"{at}/text", "stands beside buttonResponse, which brings its own text")
    _check_text(body.text)
    if body.button is not None:
        _check_button(body.button)
    check_attributes(body.custom_attributes)
    check_metadata(body.metadata, at=at)
    for attachment_id in body.attachment_ids:
        raise UnknownAttachmentError(attachment_id=attachment_id)


def check_attributes(attributes: Mapping[str, str]) -> None:
    """Custom attributes, keys and values together. Raises AttributesTooLargeError."""
    if (size := attribute_bytes(attributes)) > ATTRIBUTE_BYTES_MAX:
        raise AttributesTooLargeError(size=size, limit=ATTRIBUTE_BYTES_MAX)


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


def _check_button(button: ButtonReply) -> None:
    _check_text(button.text)
    _check_text(button.payload)


def _fault(pointer: str, detail: str) -> InvalidRequestError:
    return InvalidRequestError(FieldFault(pointer=pointer, detail=detail))
