"""What a broker costs on AWS, from what was counted and from list prices.

`python -m tests.support.prices` prints the tables of docs/cost.md; a test compares them with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from service.adapters.sqs.queues import POLL_SECONDS
from service.observability import METRICS
from tests.support.message_costs import COUNTED, SHARDS, Bill
from tests.support.terraform_files import FUNCTIONS, Module

MILLION: Final = 1_000_000
MONTH_HOURS: Final = 730
HOUR_SECONDS: Final = 3600

# List prices of us-east-1 in dollars, as docs/cost.md says with dates and sources.
WRITE_UNIT: Final = 0.625 / MILLION
READ_UNIT: Final = 0.125 / MILLION
SQS_REQUEST: Final = 0.40 / MILLION
INVOCATION: Final = 0.20 / MILLION
GB_SECOND: Final = 0.0000133334
API_REQUEST: Final = 1.00 / MILLION
CLOCK_TICK: Final = 1.00 / MILLION
LOG_GB: Final = 0.50
FARGATE_CPU_HOUR: Final = 0.03238
FARGATE_GB_HOUR: Final = 0.00356
ADDRESS_HOUR: Final = 0.005
TRACE: Final = 5.00 / MILLION
KEY_MONTH: Final = 1.00
ALARM_METRIC_MONTH: Final = 0.10
METRIC_MONTH: Final = 0.30
DASHBOARD_MONTH: Final = 3.00

# The workload.
CONVERSATIONS: Final = 1000
SAID_EACH_WAY: Final = 30
"""Messages an hour of each conversation, from the caller, and as many from the agent."""
SESSIONS: Final = 3
"""How many are opened and ended an hour for each conversation that goes on: twenty minutes each."""
LINKS: Final = 250
LIFE_MINUTES: Final = 14
OVERLAP: Final = 1.06
"""Listeners wait for their successors and idle a little."""

# What was assumed and not measured on AWS: seconds of a warm invocation, memory in GB.
API: Final = (0.3, 1.0)
COURIER: Final = (0.2, 0.5)
SWEEPER: Final = (1.5, 0.5)
LISTENER_GB: Final = 0.5
LAMBDA_LOG_BYTES: Final = 750
"""Of an invocation: Lambda's own three lines."""
COURIER_LOG_BYTES: Final = 260
"""Of `courier.served`, which the door writes and the counts leave out; a test spells one."""
ACCESS_LOG_BYTES: Final = 350
"""Of a request: what API Gateway writes in the format that Terraform gives it."""
SAMPLED_ALWAYS: Final = 3600
SAMPLED_BESIDES: Final = 0.05
"""Traces of a function an hour: one a second and a twentieth of the rest (Lambda developer guide,
"Visualize Lambda function invocations using AWS X-Ray").
"""
OF_EACH_FUNCTION: Final = 2
"""Alarms: errors and throttles."""
READS_AND_WRITES: Final = 2
"""Throttles of the table and of each index are two metrics each, of one alarm."""
QUEUE_MESSAGE: Final = 3
"""Requests: sent, received, deleted."""
TRIGGER_POLLS: Final = 5 * 3 * 60
"""Of Lambda's trigger of an empty queue an hour: five pollers, twenty seconds each."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row: what, how many an hour, dollars an hour."""

    what: str
    count: float
    dollars: float


def units(bill: Bill) -> float:
    """Dollars of a bill's table units."""
    return bill.read_units * READ_UNIT + bill.write_units * WRITE_UNIT


def compute(invocations: float, seconds: float, gigabytes: float) -> float:
    """Dollars of invocations, with what Lambda itself logs."""
    each = INVOCATION + seconds * gigabytes * GB_SECOND + logged(LAMBDA_LOG_BYTES)
    return invocations * each


def logged(size: float) -> float:
    """Dollars of so many bytes of a log."""
    return size / 1e9 * LOG_GB


def traces(invocations: float) -> float:
    """How many of an hour's invocations X-Ray gets, if they come evenly."""
    always = min(invocations, SAMPLED_ALWAYS)
    return always + (invocations - always) * SAMPLED_BESIDES


def _conversation_hour() -> Sequence[tuple[str, float, Bill]]:
    """What a conversation has of each in an hour."""
    return (
        ("caller's messages", SAID_EACH_WAY, COUNTED["the same, told to one endpoint"]),
        ("agent's messages", SAID_EACH_WAY, COUNTED["the same, delivered to one endpoint"]),
        ("work marks and notes", 2 * SAID_EACH_WAY, COUNTED["a busy half-minute of a session"]),
        ("sessions opened", SESSIONS, COUNTED["a session opened through a listener, told"]),
        ("sessions ended", SESSIONS, COUNTED["a session ended, told"]),
        ("hand-overs", 60 / LIFE_MINUTES, COUNTED["a session handed over"]),
    )


def _events() -> tuple[float, float, float]:
    """Requests to the API, hints and couriers of an hour of all conversations."""
    found = _conversation_hour()
    hints = sum(count * bill.hints for _, count, bill in found)
    couriers = sum(count * bill.couriers for _, count, bill in found)
    requests = SAID_EACH_WAY + 2 * SESSIONS
    return CONVERSATIONS * requests, CONVERSATIONS * hints, CONVERSATIONS * couriers


def talk() -> Sequence[Line]:
    """What a thousand conversations cost an hour, listeners left out."""
    lines = [
        Line(f"table: {what}", CONVERSATIONS * count, CONVERSATIONS * count * units(bill))
        for what, count, bill in _conversation_hour()
    ]
    requests, hints, couriers = _events()
    ours = CONVERSATIONS * sum(count * bill.log_bytes for _, count, bill in _conversation_hour())
    size = ours + couriers * COURIER_LOG_BYTES + requests * ACCESS_LOG_BYTES
    traced = traces(requests) + traces(couriers)
    return (
        *lines,
        Line("queues: hints, three requests each", hints, hints * QUEUE_MESSAGE * SQS_REQUEST),
        Line("API: requests through API Gateway", requests, requests * API_REQUEST),
        Line("API: invocations", requests, compute(requests, *API)),
        Line("couriers: invocations", couriers, compute(couriers, *COURIER)),
        Line("logs: our lines and API Gateway's, KB", size / 1000, logged(size)),
        Line("X-Ray: traces", traced, traced * TRACE),
    )


def standing() -> Sequence[Line]:
    """What goes on every hour, whether anybody talks or not."""
    sweep = COUNTED["a sweep while there are none"]
    return (
        Line("sweeps: table", 60, 60 * units(sweep)),
        Line("sweeps: invocations and their clock", 60, compute(60, *SWEEPER) + 60 * CLOCK_TICK),
        Line("sweeps: our lines, KB", 60 * sweep.log_bytes / 1000, logged(60 * sweep.log_bytes)),
        Line("X-Ray: traces of sweeps", 60, 60 * TRACE),
        Line("couriers: the trigger's polls", TRIGGER_POLLS, TRIGGER_POLLS * SQS_REQUEST),
    )


def alarm_metrics() -> tuple[int, int]:
    """How many alarms the module makes, and how many metrics they look at: each is paid for."""
    alarms = Module("alarms")
    single = len(alarms.locals["alarms"]) + OF_EACH_FUNCTION * len(FUNCTIONS)
    indexes = len(Module("broker").resource("aws_dynamodb_table")["global_secondary_index"])
    return single + 1, single + READS_AND_WRITES * (1 + indexes)


def fixed() -> Sequence[Line]:
    """What a month costs before anybody talks; Line.dollars are those of a month."""
    alarms, metrics = alarm_metrics()
    own = len({metric.name for each in METRICS.values() for metric in each})
    return (
        Line("the broker's key in KMS", 1, KEY_MONTH),
        Line(f"metrics that {alarms} alarms look at", metrics, metrics * ALARM_METRIC_MONTH),
        Line("metrics from our log, all of them written to all month", own, own * METRIC_MONTH),
        Line("the dashboard", 1, DASHBOARD_MONTH),
    )


def leasing(listeners: float, shards: int = SHARDS) -> Sequence[Line]:
    """What it costs an hour that so many listeners share the shards."""
    counted = COUNTED["an hour of listeners, 64 shards"]
    renewals = counted.write_units * shards / SHARDS
    looks = listeners * counted.read_units * shards / SHARDS
    polls = shards * HOUR_SECONDS / POLL_SECONDS
    return (
        Line("leases: renewals, of every shard", renewals, renewals * WRITE_UNIT),
        Line("leases: looks, of each listener", looks, looks * READ_UNIT),
        Line("mailboxes: polls, of every shard", polls, polls * SQS_REQUEST),
    )


def holding(listeners: float = CONVERSATIONS / LINKS, shards: int = SHARDS) -> Sequence[Line]:
    """What listeners cost an hour as functions; four hold a thousand links."""
    gigabyte_seconds = listeners * HOUR_SECONDS * OVERLAP * LISTENER_GB
    own = Line("listeners of 512 MB", listeners, gigabyte_seconds * GB_SECOND)
    return (*leasing(listeners, shards), own)


def fargate() -> float:
    """Two tasks of 0.25 vCPU and 0.5 GB on ARM with an address each, dollars an hour."""
    return 2 * (0.25 * FARGATE_CPU_HOUR + 0.5 * FARGATE_GB_HOUR + ADDRESS_HOUR)


def naive() -> Mapping[str, float]:
    """Other ways to hear what agents say to a thousand conversations, dollars an hour."""
    polls = CONVERSATIONS * HOUR_SECONDS / 5
    poll = compute(1, 0.3, 0.25) + 3 * SQS_REQUEST + WRITE_UNIT + READ_UNIT
    seconds = CONVERSATIONS * HOUR_SECONDS
    linger = CONVERSATIONS * SAID_EACH_WAY * 25 * 0.5 * GB_SECOND
    return {
        "shared listeners as functions (this broker)": total(holding()),
        "shared listeners in two Fargate tasks (this broker)": total(leasing(2)) + fargate(),
        "a function of 256 MB for each conversation": seconds * 0.25 * GB_SECOND,
        "a look at each conversation every 5 s": polls * poll,
        "the socket kept for 25 s after each send, 512 MB": linger,
    }


def total(lines: Sequence[Line]) -> float:
    """Dollars an hour."""
    return sum(line.dollars for line in lines)


def tables() -> Mapping[str, str]:
    """The tables of the document, by name."""
    counted = [
        f"| {name} | {bill.read_units:g} | {bill.write_units:g} | {bill.calls:g} |"
        f" {bill.hints:g} | {bill.couriers:g} | {bill.log_bytes:,.0f} |"
        f" {MILLION * units(bill):.2f} |"
        for name, bill in COUNTED.items()
    ]
    ways = [f"| {name} | {dollars:.3f} |" for name, dollars in naive().items()]
    return {
        "counted": "\n".join(counted),
        "talk": _priced(talk()),
        "holding": _priced(holding()),
        "standing": _priced(standing()),
        "naive": "\n".join(ways),
        "month": _month(),
        "fixed": _priced(fixed(), places=2),
    }


def _priced(lines: Sequence[Line], *, places: int = 4) -> str:
    rows = [f"| {line.what} | {line.count:,.0f} | {line.dollars:.{places}f} |" for line in lines]
    return "\n".join([*rows, f"| together | | {total(lines):.{places}f} |"])


def _month() -> str:
    rows = {
        "nobody talks, ever": total(standing()),
        "somebody always talks, one listener, 4 shards": total(standing()) + total(holding(1, 4)),
        "the same, 16 shards": total(standing()) + total(holding(1, 16)),
        "the same, 64 shards": total(standing()) + total(holding(1)),
        "1,000 conversations at any time, functions": total(
            (*standing(), *holding(), *talk()),
        ),
        "the same, listeners in two Fargate tasks": total((*standing(), *leasing(2), *talk()))
        + fargate(),
    }
    return "\n".join(
        f"| {name} | {hourly:.3f} | {hourly * MONTH_HOURS:,.2f} |" for name, hourly in rows.items()
    )


if __name__ == "__main__":
    for title, text in tables().items():
        print(f"{title}\n{text}\n")
