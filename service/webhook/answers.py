"""What a receiver said, as it may be kept and shown: without our credentials, printable, short.

Pure. Some receivers send back what they were sent, headers included.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from service.webhook.credentials import REDACTED, credentials_of

FAILED_BYTES: Final = 2048
DELIVERED_BYTES: Final = 256
"""Nobody looks for a fault in these, and each is kept: so it costs one write unit of 1 KB."""
CREDENTIAL_LENGTH_LEAST: Final = 4
"""What is shorter stands in every text, and guards nothing."""
CUT: Final = "…"


def shown_answer(body: bytes, headers: Mapping[str, str], *, limit: int) -> str:
    """At most `limit` bytes of UTF-8 of an answer to a request with those headers of the caller's.

    What cannot be printed is spelled as Python's `unicode_escape` has it.
    """
    text = body.decode("utf-8", "replace")
    # The longest first: one may be a part of another.
    for secret in sorted(_spellings(credentials_of(headers)), key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return _cut("".join(map(_printable, text)), limit)


def _spellings(credentials: Iterable[str]) -> set[str]:
    """Each as it is, without its scheme (`Bearer x`), and as JSON spells it."""
    bare = {part for value in credentials for part in (value, value.rpartition(" ")[2])}
    spelled = bare | {json.dumps(value)[1:-1] for value in bare}
    return {value for value in spelled if len(value) >= CREDENTIAL_LENGTH_LEAST}


def _printable(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode("ascii")


def _cut(text: str, limit: int) -> str:
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    return encoded[: limit - len(CUT.encode())].decode("utf-8", "ignore") + CUT
