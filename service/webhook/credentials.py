"""Headers of a webhook that hold a credential: shown redacted, and kept when that comes back. Pure.

A caller who reads a webhook, changes one header and writes all of them back must not overwrite a
token with its redaction.
"""

from collections.abc import Mapping
from typing import Final

REDACTED: Final = "[redacted]"

_TELLING: Final = ("auth", "cred", "jwt", "key", "pass", "secret", "sign", "token")
"""Parts of names that hold credentials: Authorization, X-Api-Key, X-Auth-Token, X-Signature."""


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers as answers show them."""
    return {name: REDACTED if _holds_credential(name) else value for name, value in headers.items()}


def restored_headers(wanted: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """The headers a caller wants, with what was redacted put back from those of before."""
    known = {name.lower(): value for name, value in before.items()}
    return {
        name: known.get(name.lower(), value) if is_redaction(name, value) else value
        for name, value in wanted.items()
    }


def credentials_of(headers: Mapping[str, str]) -> list[str]:
    """The values that answers do not show."""
    return [value for name, value in headers.items() if _holds_credential(name)]


def is_redaction(name: str, value: str) -> bool:
    """Whether a value is what an answer shows in place of a credential."""
    return value == REDACTED and _holds_credential(name)


def _holds_credential(name: str) -> bool:
    plain = name.lower()
    return any(part in plain for part in _TELLING)
