"""Links of the broker's own to files, in the content of messages. Pure.

Genesys's address of a file is a bearer secret and dead within minutes; a log is kept for months and
goes to webhooks. So content has our link in its place, which asks for a fresh address each time.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from service.domain.ids import SessionId


def content_link(session_id: SessionId, attachment_id: str) -> str:
    """The path at which the file of that id is found, ours or Genesys's."""
    # What Genesys calls a file might hold anything; our link leads nowhere else.
    return f"/v1/sessions/{session_id}/attachments/{quote(attachment_id, safe='')}/content"


def with_links(
    session_id: SessionId, content: Sequence[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], ...]:
    """The content with our `href` where Genesys has its `url`; what has no id keeps its own."""
    return tuple(_linked(session_id, item) for item in content)


def _linked(session_id: SessionId, item: Mapping[str, Any]) -> Mapping[str, Any]:
    file = item.get("attachment")
    if not isinstance(file, Mapping) or not isinstance(file.get("id"), str):
        return item
    kept = {name: value for name, value in file.items() if name != "url"}
    return {**item, "attachment": {**kept, "href": content_link(session_id, file["id"])}}


def file_in(content: Sequence[Mapping[str, Any]], attachment_id: str) -> Mapping[str, Any] | None:
    """The file of that id in the content of a message."""
    files = [item.get("attachment") for item in content]
    found = [file for file in files if isinstance(file, Mapping)]
    return next((file for file in found if file.get("id") == attachment_id), None)
