"""What a receiver said, as it may be kept and shown: without our credentials, printable, short.

Pure. Some receivers send back what they were sent, headers included.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from service.webhook.credentials import REDACTED, credentials_of

FAILED_BYTES: Final = 2048
DELIVERED_BYTES: Final = 256
"""Nobody looks for a fault in these, and each is kept: so it costs one write unit of 1 KB."""
CREDENTIAL_LENGTH_LEAST: Final = 4
"""What is shorter stands in every text, and guards nothing."""
CUT: Final = "…"
_HOLE: Final = "\0"
"""Stands for what was taken out; no header's value has it."""
_CHARACTER: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r'|\\u[0-9a-fA-F]{4}|\\["\\/]|.',
    re.DOTALL,
)
"""One character of a text, in whatever way JSON spells it."""


def shown_answer(body: bytes, headers: Mapping[str, str], *, limit: int) -> str:
    """At most `limit` bytes of UTF-8 of an answer to a request with those headers of the caller's.

    What cannot be printed is spelled as Python's `unicode_escape` has it.
    """
    text = body.decode("utf-8", "replace")
    # The longest first: one may be a part of another.
    secrets = sorted(_bare(credentials_of(headers)), key=len, reverse=True)
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    if "\\" in text:
        text = _without_spelled(text, secrets)
    return _cut("".join(map(_printable, text)), limit)


def _bare(credentials: Iterable[str]) -> set[str]:
    """Each as it is, and without its scheme (`Bearer x`)."""
    bare = {part for value in credentials for part in (value, value.rpartition(" ")[2])}
    return {value for value in bare if len(value) >= CREDENTIAL_LENGTH_LEAST}


def _without_spelled(text: str, secrets: Iterable[str]) -> str:
    r"""The text without secrets in any of the spellings that JSON has for them (RFC 8259, 7).

    PHP writes `/` as `\/`; Go, Rails and .NET spell what HTML knows; Python what is not ASCII.
    Not a pattern for each secret: one of many backslashes could be matched in endless ways.
    """
    spelled = _CHARACTER.findall(text)
    plain = "".join(json.loads(f'"{one}"') if len(one) > 1 else one for one in spelled)
    for secret in secrets:
        while (at := plain.find(secret)) >= 0:
            end = at + len(secret)
            spelled[at:end] = [REDACTED]
            plain = plain[:at] + _HOLE + plain[end:]
    return "".join(spelled)


def _printable(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode("ascii")


def _cut(text: str, limit: int) -> str:
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    return encoded[: limit - len(CUT.encode())].decode("utf-8", "ignore") + CUT
