"""How log lines look: one JSON object per record, or a readable line for a person at a terminal.

Called by entry points only. An event's name is the message (`session.transition`), its facts are
the `extra` fields. Nothing secret is meant to be logged; in case something slips in, fields with
the name of a secret are blanked.

Metrics are made from these lines and from nothing else: `METRICS` says which. A line of JSON then
is a document of CloudWatch's embedded metric format too, so that no second line is written
(CloudWatch user guide, "Specification: Embedded metric format").
"""

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TextIO

from service.domain.instants import rfc3339
from service.domain.log import EventType

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
LEVELS: Final[Mapping[str, str]] = {"WARNING": "WARN", "CRITICAL": "FATAL"}
"""Of Python's names those that Lambda spells otherwise (TRACE, DEBUG, INFO, WARN, ERROR, FATAL)."""
_DEEPEST: Final = 6
_OWN_FIELDS: Final = frozenset(
    {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName", "color_message"}
)


NAMESPACE: Final = "Broker"
DIMENSION: Final = "broker"
"""The only one: each further value of a dimension is a metric more to be paid for."""
_LATER: Final = (DIMENSION, "_aws", "exception")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What is counted or measured of an event, and of which of its lines."""

    name: str
    unit: str = "Count"
    fact: str | None = None
    """Whose value it has, where that is a number; None: each line counts one."""
    where: Mapping[str, object] = field(default_factory=dict)
    """Facts that a line must have."""
    above: Mapping[str, float] = field(default_factory=dict)
    """Facts that must be numbers greater than that."""

    def fits(self, line: Mapping[str, object]) -> bool:
        """Whether the line is one that this is made from."""
        return all(line.get(name) == value for name, value in self.where.items()) and all(
            (value := _number(line.get(name))) is not None and value > least
            for name, least in self.above.items()
        )

    def value_of(self, line: Mapping[str, object]) -> float | None:
        """What CloudWatch is to take of that line; None where there is no such number."""
        return 1 if self.fact is None else _number(line.get(self.fact))


def _seconds(name: str, fact: str, **where: object) -> Metric:
    return Metric(name=name, unit="Seconds", fact=fact, where=where)


def _gauge(name: str, fact: str) -> Metric:
    return Metric(name=name, fact=fact)


def _count(name: str, **where: object) -> Metric:
    return Metric(name=name, where=where)


RECEIVED: Final = {"event_type": EventType.MESSAGE_RECEIVED.value}
REPLACED: Final = {"event_type": EventType.SESSION_REPLACED.value}

# fmt: off
METRICS: Final[Mapping[str, Sequence[Metric]]] = {
    # The wire to Genesys.
    "deployment.closed_to_us":   [Metric(name="breaker-open", above={"trips": 0})],
    "deployment.budget_spent":   [_count("connections-spent"),
                                  _gauge("connections-waiting", "waiting")],
    "link.ended":                [_count("links-ended"), _count("links-lost", outcome="lost")],
    "event.logged":              [_count("sessions-replaced", **REPLACED),
                                  _seconds("heard-seconds", "seconds_behind", **RECEIVED)],
    "message.written":           [_seconds("written-seconds", "seconds")],
    # Listeners.
    "listener.deaf":             [_count("listener-deaf")],
    "listener.overfull":         [_count("listener-overfull")],
    "listener.links_limited":    [_count("listener-overfull")],
    "listener.leases_unsure":    [_count("listener-unsure")],
    "listener.shards_lost":      [_count("listener-unsure")],
    "listener.start_failed":     [_count("listener-not-started")],
    "listeners.unknown":         [_count("listener-not-started")],
    # Webhooks.
    "delivery.attempted":        [_count("deliveries-done", outcome="delivered"),
                                  _count("deliveries-failed", outcome="failed"),
                                  _seconds("delivery-first-seconds", "seconds_to_first"),
                                  _seconds("receiver-seconds", "seconds")],
    "delivery.skipped":          [_count("deliveries-skipped")],
    "endpoint.disabled":         [_count("webhooks-disabled")],
    "endpoint.down":             [_count("webhooks-down")],
    "events.undelivered":        [_seconds("oldest-undelivered", "seconds")],
    "courier.failed":            [_count("courier-failed")],
    "courier.cut":               [_count("courier-failed")],
    "clock.skewed":              [_count("clock-skewed")],
    "hints.refused":             [_count("hints-refused")],
    # The sweeper, which sees the whole.
    "sweeper.swept":             [_count("sweep-failed", outcome="failed"),
                                  _seconds("oldest-undelivered", "late_seconds"),
                                  _gauge("shards-unowned", "shards_unowned"),
                                  _gauge("listeners-at-work", "listeners"),
                                  _gauge("links-held", "links")],
    "sweep.behind":              [_count("sweep-behind")],
    "sweep.visit_failed":        [_count("sweep-failed")],
    "sweep.notices_failed":      [_count("sweep-failed")],
}
# fmt: on
"""By event. A test looks for each in the code, and for each alarm here.

Each name has a dash, so that it never meets a fact.
"""
MOST: Final = 2.0**360
LEAST: Final = 2.0**-360
"""CloudWatch refuses values beyond (CloudWatch API reference, "MetricDatum"); zero is none."""


class JsonFormatter(logging.Formatter):
    """One JSON object on one line: timestamp, level, event, logger, facts, a traceback if any.

    Time and level are spelled as Lambda's own filter of levels wants them, which lets no line by
    without (developer guide, "Using structured JSON logs with ... log-level filtering").
    With the name of a broker its metrics stand in the line as well.
    """

    def __init__(self, metrics_of: str | None = None) -> None:
        super().__init__()
        self._metrics_of = metrics_of

    def format(self, record: logging.LogRecord) -> str:
        """Spell one record."""
        line: dict[str, object] = {
            "timestamp": rfc3339(record.created),
            "level": LEVELS.get(record.levelname, record.levelname),
            "event": record.getMessage(),
            "logger": record.name,
        }
        # A fact never takes the place of one of the four, or of what is put there later.
        taken = {*line, *_LATER}
        line.update({f"{n}_" if n in taken else n: value for n, value in _facts(record).items()})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if self._metrics_of is not None:
            line = _measured(line, self._metrics_of, at=record.created)
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


def configure_logging(
    level: str, stream: TextIO, *, human: bool, metrics_of: str | None = None
) -> None:
    """Send every log line to `stream` in one form; replaces handlers that were there before.

    `metrics_of`: the broker whose metrics lines of JSON carry; None for none. Raises ValueError for
    an unknown level.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(HumanFormatter() if human else JsonFormatter(metrics_of))
    root = logging.getLogger()
    # Lambda installs a handler of its own, which would write each line a second time.
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _measured(line: dict[str, object], broker: str, *, at: float) -> dict[str, object]:
    """The line with the metrics that are made from it, if any; none of its own facts is changed."""
    values = [
        (metric, value)
        for metric in METRICS.get(str(line["event"]), ())
        if metric.fits(line) and (value := metric.value_of(line)) is not None
    ]
    if not values:
        return line
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [[DIMENSION]],
        "Metrics": [{"Name": metric.name, "Unit": metric.unit} for metric, _ in values],
    }
    return {
        "_aws": {"Timestamp": int(at * 1000), "CloudWatchMetrics": [directive]},
        **line,
        DIMENSION: broker,
        **{metric.name: value for metric, value in values},
    }


def _number(value: object) -> float | None:
    """The value, if it is one that CloudWatch takes."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return value if value == 0 or LEAST <= abs(value) <= MOST else None


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
