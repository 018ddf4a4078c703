"""What files a deployment takes, as a guest session's configure was told. Pure.

Unknown rules forbid nothing: Genesys judges then.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from service.domain.errors import (
    AttachmentTooLargeError,
    AttachmentTypeNotAllowedError,
    FieldFault,
    InvalidRequestError,
)

NAME_LENGTH_MAX: Final = 1023
"""Guest API: less than 1024 characters (error 4005)."""
TYPE_LENGTH_MAX: Final = 127
BYTES_PER_KB: Final = 1000
"""As the official clients count."""
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRules:
    """What `allowedMedia` and `blockedExtensions` say; empty or None: nothing."""

    file_types: tuple[str, ...] = ()
    max_file_size_kb: int | None = None
    blocked_extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What a caller says of a file; the size is in bytes."""

    name: str
    type: str
    size: int


def check_file(file: FileFacts, rules: MediaRules) -> None:
    """Raises InvalidRequestError, AttachmentTypeNotAllowedError, AttachmentTooLargeError."""
    _check_shape(file)
    extension = f".{file.name.rpartition('.')[2]}".lower()
    blocked = {each.lower() for each in rules.blocked_extensions}
    if extension in blocked:
        raise AttachmentTypeNotAllowedError(
            pointer="/fileName", detail=f"files ending in {extension} are blocked by the deployment"
        )
    kind = file.type.lower()
    allowed = [each.lower() for each in rules.file_types]
    if allowed and not any(fnmatchcase(kind, each) for each in allowed):
        names = ", ".join(rules.file_types[:_SHOWN])
        raise AttachmentTypeNotAllowedError(
            pointer="/fileType", detail=f"the deployment takes {names}, not {file.type}"
        )
    limit = rules.max_file_size_kb
    if limit is not None and file.size > limit * BYTES_PER_KB:
        raise AttachmentTooLargeError(size=file.size, limit=limit * BYTES_PER_KB)


def _check_shape(file: FileFacts) -> None:
    stem, dot, extension = file.name.rpartition(".")
    faults = (
        (len(file.name) > NAME_LENGTH_MAX, "/fileName", _too_long(len(file.name))),
        (not (stem and dot and extension), "/fileName", "needs an extension, as in photo.jpg"),
        (not file.name.isprintable(), "/fileName", "holds characters that do not print"),
        (not _is_media_type(file.type), "/fileType", "is a media type, as in image/jpeg"),
        (file.size <= 0, "/fileSize", f"is {file.size}; a file has at least one byte"),
    )
    found = [FieldFault(pointer=at, detail=detail) for bad, at, detail in faults if bad]
    if found:
        raise InvalidRequestError(*found)


def _too_long(length: int) -> str:
    return f"has {length} characters; the limit is {NAME_LENGTH_MAX}"


_TYPE_SIGNS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789!#$&-^_.+")
"""RFC 6838, 4.2: the names of a media type. It also travels as a header."""


def _is_media_type(text: str) -> bool:
    kind, slash, subtype = text.lower().partition("/")
    parts = bool(slash and kind and subtype) and len(text) <= TYPE_LENGTH_MAX
    return parts and set(kind + subtype) <= _TYPE_SIGNS
