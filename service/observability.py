"""How log lines look: one JSON object per record, or a readable line for a person at a terminal.

Called by entry points only. An event's name is the message (`session.transition`), its facts are
the `extra` fields. Nothing secret is meant to be logged; in case something slips in, fields with
the name of a secret are blanked.
"""

import json
import logging
import math
from collections.abc import Mapping
from typing import Final, TextIO

from service.domain.instants import rfc3339

REDACTED: Final = "[redacted]"
_SECRET_NAMES: Final = frozenset(
    {
        "accesstoken",
        "adminkey",
        "apikey",
        "authorization",
        "clientid",
        "clientsecret",
        "cookie",
        "credentials",
        "idempotencykey",
        "jwt",
        "key",
        "password",
        "proxyauthorization",
        "secret",
        "secrets",
        "setcookie",
        "signature",
        "signingsecret",
        "text",
        "token",
        "webhooksignature",
    }
)
"""Names without their punctuation and case: `clientId`, `client_id` and `Client-Id` are one."""
CHATTY: Final = (
    "asyncio",
    "botocore",
    "boto3",
    "httpcore2",
    "httpx2",
    "mangum",
    "urllib3",
    "websockets",
)
"""Libraries that tell addresses, headers or frames below WARNING."""
_DEEPEST: Final = 6
_OWN_FIELDS: Final = frozenset(
    {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName", "color_message"}
)


class JsonFormatter(logging.Formatter):
    """One JSON object on one line: ts, level, event, logger, the facts, a traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Spell one record."""
        line: dict[str, object] = {
            "ts": rfc3339(record.created),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        # A fact never takes the place of one of the four.
        line.update({f"{n}_" if n in line else n: value for n, value in _facts(record).items()})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, separators=(",", ":"), allow_nan=False)


class HumanFormatter(logging.Formatter):
    """One readable line: time, level, event, facts as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Spell one record."""
        clock = rfc3339(record.created)[11:23]
        facts = "".join(f" {name}={_shown(value)}" for name, value in _facts(record).items())
        line = f"{clock} {record.levelname:<7} {_one_line(record.getMessage())}{facts}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return line


def configure_logging(level: str, stream: TextIO, *, human: bool) -> None:
    """Send every log line to `stream` in one form; replaces handlers that were there before.

    Raises ValueError for an unknown level.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(HumanFormatter() if human else JsonFormatter())
    root = logging.getLogger()
    # Lambda installs a handler of its own, which would write each line a second time.
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _facts(record: logging.LogRecord) -> dict[str, object]:
    """What was given as `extra`, with secrets blanked and everything else made fit for JSON."""
    given = {name: value for name, value in record.__dict__.items() if name not in _OWN_FIELDS}
    return {name: _fact(name, value, 0) for name, value in given.items()}


def _fact(name: str, value: object, depth: int) -> object:
    plain = "".join(character for character in name.lower() if character.isalnum())
    return REDACTED if plain in _SECRET_NAMES else _plain(value, depth)


def _plain(value: object, depth: int) -> object:
    plain: object
    match value:
        case float() if not math.isfinite(value):
            plain = str(value)  # JSON has no such number
        case None | bool() | int() | float() | str():
            plain = value
        case BaseException():
            plain = f"{type(value).__name__}: {value}"
        case Mapping() if depth < _DEEPEST:
            plain = {str(n): _fact(str(n), inner, depth + 1) for n, inner in value.items()}
        case list() | tuple() | set() | frozenset() if depth < _DEEPEST:
            plain = [_plain(inner, depth + 1) for inner in value]
        case _:
            # The text of an unknown object may show a secret that it holds.
            plain = f"<{type(value).__name__}>"
    return plain


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() and " " not in text else json.dumps(text)


def _one_line(text: str) -> str:
    return text if text.isprintable() else json.dumps(text)
