"""Whether what was said is what was sent, where no id tells: words, choices and files alike."""

from collections.abc import Iterable, Mapping
from typing import Any

from service.domain.answered import answers_in, content_of
from service.domain.message import SendBody
from service.domain.said import Said


def same_words(said: Said, body: SendBody) -> bool:
    """Whether a message of the guest has the words, the answers and the files of this send."""
    # A button's label travels in its content item, and some clients send it as text as well.
    texts = {body.text or "", body.button.text if body.button else body.text or ""}
    if (said.text or "") not in texts:
        return False
    if answers_in(said.content) != answers_in(content_of(body)):
        return False
    return _same_files(_files(said.content), sorted(body.attachment_ids))


def _files(content: Iterable[Mapping[str, Any]]) -> list[str | None]:
    files = [item.get("attachment") for item in content if item.get("contentType") == "Attachment"]
    return [file.get("id") if isinstance(file, Mapping) else None for file in files]


def _same_files(told: list[str | None], sent: list[str]) -> bool:
    # The id of a file need not be told: then only their number can be compared.
    if None in told:
        return len(told) == len(sent)
    return sorted(str(each) for each in told) == sent
