"""What is kept of a message's content and raw body: nothing secret, and no more than fits.

The one place where both are made from what somebody said.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.domain.attachment_links import with_links
from service.domain.ids import ClientId, SessionId
from service.domain.said import Said

RAW_BYTES_MAX: Final = 64 * 1024
CONTENT_BYTES_MAX: Final = 128 * 1024
"""Both as JSON. An event lies in one item of DynamoDB, which takes 400 KB, and is the body of each
webhook request.
"""
REDACTED: Final = "[redacted]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """As a message keeps them. `omitted`: `rawBytes` and `contentItems` that did not fit."""

    content: Sequence[Mapping[str, Any]] = ()
    raw: Mapping[str, Any] | None = None
    omitted: Mapping[str, int] | None = None


def contents_of(said: Said, *, client_id: ClientId, session_id: SessionId) -> Contents:
    """The content and the raw body of what was said, without the client id and signed addresses.

    A file has our link in the place of its address, which is a secret for some minutes.
    """
    if not said.content and said.raw is None:
        return Contents()
    content = [*with_links(session_id, [_without(client_id, item) for item in said.content])]
    raw = None if said.raw is None else _linked(session_id, _without(client_id, said.raw))
    kept = _first_that_fit(content)
    raw_bytes = 0 if raw is None else _size(raw)
    omitted = {
        "rawBytes": raw_bytes if raw_bytes > RAW_BYTES_MAX else 0,
        "contentItems": len(content) - len(kept),
    }
    return Contents(
        content=kept,
        raw=None if omitted["rawBytes"] else raw,
        omitted=omitted if any(omitted.values()) else None,
    )


def _linked(session_id: SessionId, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    items = raw.get("content")
    if not isinstance(items, list):
        return raw
    linked = [
        with_links(session_id, [item])[0] if isinstance(item, Mapping) else item for item in items
    ]
    return {**raw, "content": linked}


def _first_that_fit(items: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    left = CONTENT_BYTES_MAX
    for place, item in enumerate(items):
        left -= _size(item)
        if left < 0:
            return items[:place]
    return items


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _without(secret: str, value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The same value with that text masked, wherever it stands."""
    if isinstance(value, str):
        return value.replace(secret, REDACTED)
    if isinstance(value, Mapping):
        return {_without(secret, name): _without(secret, each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without(secret, each) for each in value]
    return value
