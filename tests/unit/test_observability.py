"""A log line is one line, machine-readable, and shows no secret by its field's name."""

import io
import json
import logging
import math
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import pytest

from service.observability import (
    CHATTY,
    METRICS,
    REDACTED,
    HumanFormatter,
    JsonFormatter,
    configure_logging,
)
from tests.support.embedded_metrics import measured


class Colour(StrEnum):
    RED = "red"


class Opaque:
    """Something whose text would tell too much."""

    def __repr__(self) -> str:
        return "hidden-inside"


def record(event: str = "session.transition", **facts: object) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"name": "service.usecases", "levelname": "INFO", "msg": event, "created": 1_933_236_672.25}
    )
    made.__dict__.update(facts)
    return made


def as_json(made: logging.LogRecord) -> dict[str, Any]:
    text = JsonFormatter().format(made)
    assert "\n" not in text
    line: dict[str, Any] = json.loads(text)
    return line


def test_a_line_has_time_level_event_logger_and_facts() -> None:
    line = as_json(record(session_id="ses_1", attempt=2, ratio=0.5, done=True, error=None))

    assert line == {
        "timestamp": "2031-04-06T10:11:12.250Z",
        "level": "INFO",
        "event": "session.transition",
        "logger": "service.usecases",
        "session_id": "ses_1",
        "attempt": 2,
        "ratio": 0.5,
        "done": True,
        "error": None,
    }


@pytest.mark.parametrize(
    "name",
    ["token", "clientId", "client_id", "Client-Id", "jwt", "Authorization", "apiKey", "secret"],
)
def test_a_field_with_the_name_of_a_secret_is_blanked(name: str) -> None:
    line = as_json(record(**{name: "s3cr3t"}))

    assert line[name] == REDACTED


def test_secrets_inside_are_blanked_too() -> None:
    line = as_json(record(request={"headers": [{"Authorization": "s3cr3t", "host": "h"}]}))

    assert line["request"] == {"headers": [{"Authorization": REDACTED, "host": "h"}]}


def test_names_that_only_resemble_are_kept() -> None:
    line = as_json(record(keys=3, token_count=4, context="c"))

    assert (line["keys"], line["token_count"], line["context"]) == (3, 4, "c")


def test_unknown_objects_show_their_type_only() -> None:
    line = as_json(record(thing=Opaque(), many=[Opaque()]))

    assert (line["thing"], line["many"]) == ("<Opaque>", ["<Opaque>"])


def test_values_json_does_not_know_are_spelled() -> None:
    line = as_json(
        record(colour=Colour.RED, endless=float("inf"), failure=ValueError("x"), pair=(1, 2))
    )

    assert line["colour"] == "red"
    assert line["endless"] == "inf"
    assert line["failure"] == "ValueError: x"
    assert line["pair"] == [1, 2]


def test_an_endless_nesting_ends() -> None:
    ring: dict[str, object] = {}
    ring["ring"] = ring

    assert "ring" in as_json(record(ring=ring))


def test_a_fact_does_not_take_the_place_of_the_event() -> None:
    line = as_json(record(level=7, timestamp=1, broker="other"))

    assert (line["level"], line["level_"], line["timestamp_"]) == ("INFO", 7, 1)
    assert line["broker_"] == "other"


@pytest.mark.parametrize(
    ("level", "spelled"),
    [(10, "DEBUG"), (20, "INFO"), (30, "WARN"), (40, "ERROR"), (50, "FATAL"), (25, "Level 25")],
)
def test_levels_are_spelled_as_lambda_reads_them(level: int, spelled: str) -> None:
    line = as_json(record(levelname=logging.getLevelName(level)))

    assert line["level"] == spelled


def test_a_line_break_stays_inside_its_line() -> None:
    line = as_json(record("two\nlines", detail="a\u2028b\nc\ud800"))

    assert line["event"] == "two\nlines"


def failing_record() -> logging.LogRecord:
    made = record("door.failed")
    try:
        dict[str, str]()["nowhere"]
    except LookupError as failure:
        made.exc_info = (type(failure), failure, failure.__traceback__)
    return made


def test_a_failure_brings_its_traceback_in_one_line() -> None:
    line = as_json(failing_record())

    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("KeyError: 'nowhere'")


def test_a_person_reads_time_level_event_and_facts() -> None:
    text = HumanFormatter().format(record(session_id="ses_1", note="two words", token="s3cr3t"))

    assert text == (
        "10:11:12.250 INFO    session.transition "
        f'session_id=ses_1 note="two words" token={REDACTED}'
    )


def test_a_person_sees_a_traceback() -> None:
    text = HumanFormatter().format(failing_record())

    assert text.splitlines()[0].endswith("door.failed")
    assert text.splitlines()[-1] == "KeyError: 'nowhere'"


def test_a_person_is_not_fooled_by_line_breaks() -> None:
    text = HumanFormatter().format(record("a\nb", fact="c\nd"))

    assert text.splitlines() == [r'10:11:12.250 INFO    "a\nb" fact="c\nd"']


@pytest.fixture(name="logs")
def _logs() -> Iterator[io.StringIO]:
    """A stream to log to; how logging was set up before comes back afterwards."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    levels = {logger: logger.level for logger in (root, *map(logging.getLogger, CHATTY))}
    yield io.StringIO()
    root.handlers[:] = handlers
    for logger, level in levels.items():
        logger.setLevel(level)


def test_after_configuring_each_line_is_written_once(logs: io.StringIO) -> None:
    configure_logging("info", logs, human=False)
    configure_logging("info", logs, human=False)

    logging.getLogger("service.test").info("door.opened", extra={"port": 8080})
    logging.getLogger("service.test").debug("door.detail")

    lines = [json.loads(line) for line in logs.getvalue().splitlines()]
    assert [(line["event"], line["port"]) for line in lines] == [("door.opened", 8080)]


def test_a_person_may_be_asked_for(logs: io.StringIO) -> None:
    configure_logging("INFO", logs, human=True)

    logging.getLogger("service.test").warning("door.stuck")

    assert logs.getvalue().endswith("WARNING door.stuck\n")


@pytest.mark.parametrize("library", ["websockets.client", "httpx2", "botocore.endpoint"])
def test_libraries_that_tell_frames_and_addresses_are_quiet(
    logs: io.StringIO, library: str
) -> None:
    configure_logging("debug", logs, human=False)

    logging.getLogger(library).info("GET /secret")

    assert logs.getvalue() == ""


def test_an_unknown_level_is_refused(logs: io.StringIO) -> None:
    with pytest.raises(ValueError, match="LOUD"):
        configure_logging("loud", logs, human=False)


def measured_of(event: str, **facts: object) -> dict[str, float]:
    line: dict[str, Any] = json.loads(JsonFormatter("shop").format(record(event, **facts)))
    return measured(line)


def test_a_line_that_is_measured_is_a_document_of_cloudwatch_as_well() -> None:
    line: dict[str, Any] = json.loads(
        JsonFormatter("shop").format(record("sweep.behind", visited=3, found=9))
    )

    assert measured(line) == {"sweep-behind": 1}
    assert line["_aws"] == {
        "Timestamp": 1_933_236_672_250,
        "CloudWatchMetrics": [
            {
                "Namespace": "Broker",
                "Dimensions": [["broker"]],
                "Metrics": [{"Name": "sweep-behind", "Unit": "Count"}],
            }
        ],
    }
    assert (line["broker"], line["visited"], line["event"]) == ("shop", 3, "sweep.behind")


def test_without_a_name_and_without_a_metric_a_line_is_a_line() -> None:
    assert "_aws" not in as_json(record("sweep.behind"))
    assert measured_of("listener.began") == {}


@pytest.mark.parametrize("event", sorted(METRICS))
def test_what_is_written_of_each_event_is_what_cloudwatch_reads(event: str) -> None:
    for metric in METRICS[event]:
        facts = {**metric.where} | ({metric.fact: 0.25} if metric.fact else {})
        facts |= {name: least + 1 for name, least in metric.above.items()}

        found = measured_of(event, **facts)

        assert found[metric.name] == (0.25 if metric.fact else 1)


def test_a_metric_has_one_unit_wherever_it_comes_from() -> None:
    units = {(metric.name, metric.unit) for each in METRICS.values() for metric in each}

    assert len(units) == len({name for name, _ in units})


def test_what_a_line_must_have_and_what_is_no_number_is_not_counted() -> None:
    assert measured_of("session.transition", to="renewing") == {}
    assert measured_of("event.logged", event_type="session.replaced") == {"sessions-replaced": 1}
    assert measured_of("event.logged", event_type="session.recovered") == {}
    assert measured_of("delivery.attempted", outcome="failed", seconds=1.5) == {
        "deliveries-failed": 1,
        "receiver-seconds": 1.5,
    }
    assert measured_of("message.written", seconds=None) == {}
    assert measured_of("message.written", seconds=True) == {}
    assert measured_of("message.written", seconds=math.inf) == {}


def test_no_fact_is_lost_to_a_metric() -> None:
    """Facts are words with underscores, and metrics have dashes."""
    names = {metric.name for each in METRICS.values() for metric in each}

    assert all("-" in name and "_" not in name for name in names)


def test_one_refusal_opens_no_breaker() -> None:
    """After 429 the answer's own time is waited for; only failures in a row are trips."""
    assert measured_of("deployment.closed_to_us", trips=0) == {}
    assert measured_of("deployment.closed_to_us", trips=1) == {"breaker-open": 1}
    assert measured_of("deployment.closed_to_us") == {}


@pytest.mark.parametrize("value", [1e300, 10**400, -1e300, 1e-320, 2.0**361])
def test_what_cloudwatch_would_refuse_is_a_fact_and_no_metric(value: float) -> None:
    assert measured_of("message.written", seconds=value) == {}


@pytest.mark.parametrize("value", [0, -5.0, 2.0**360, 2.0**-360])
def test_what_cloudwatch_takes_is_a_metric(value: float) -> None:
    assert measured_of("message.written", seconds=value) == {"written-seconds": value}


def test_configured_lines_carry_the_metrics_of_a_broker() -> None:
    stream = io.StringIO()
    before = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        configure_logging("INFO", stream, human=False, metrics_of="shop")
        logging.getLogger("service").warning("clock.skewed")
    finally:
        logging.getLogger().handlers[:], level = before
        logging.getLogger().setLevel(level)

    assert measured(json.loads(stream.getvalue())) == {"clock-skewed": 1}
