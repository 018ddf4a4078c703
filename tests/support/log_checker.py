"""Compares what the contact centre stored with what the broker logged and delivered.

It believes neither: it takes the simulator's records, the broker's events as the pull API gives
them and the bodies that a receiver got, and knows nothing of how the broker works. Every text must
be unique; `Ledger` is what one session's two speakers know of it. Each finding is one sentence.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

Json = Mapping[str, Any]

UNKNOWN: Final = "outcome_unknown"
_SETTLED: Final = ("message.confirmed", "message.failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """One session as its caller and its agent know it.

    `said` are the agent's texts that must have arrived; those in `may_be_lost` may have, because
    their guest session died before anybody could read it.
    """

    session: str
    sent: Sequence[str]
    said: Sequence[str] = ()
    may_be_lost: Sequence[str] = ()
    events: Sequence[Json] = field(default_factory=list)


def findings(
    ledgers: Iterable[Ledger], *, transcript: Sequence[Json], delivered: Sequence[Json] | None
) -> list[str]:
    """Everything that is wrong; nothing if both sides agree.

    `transcript` are the simulator's stored messages, `delivered` the bodies of every POST in order:
    None where nobody asked for any.
    """
    stored = Counter(row["text"] for row in transcript if row["direction"] == "Inbound")
    found: list[str] = []
    expected: set[str] = set()
    for ledger in ledgers:
        expected |= set(ledger.sent)
        wrong = [
            *_log(ledger),
            *_sends(ledger, stored),
            *_heard(ledger),
            *(() if delivered is None else _deliveries(ledger, delivered)),
        ]
        found += [f"{ledger.session}: {each}" for each in wrong]
    ghosts = [text for text in stored if text and text not in expected]
    return found + [f"nobody sent {text!r}" for text in ghosts]


def received_texts(events: Iterable[Json]) -> list[str]:
    """What agent and bot said, in the order of the log."""
    return [_text(event) for event in events if event["type"] == "message.received"]


def settled_texts(events: Iterable[Json]) -> list[str]:
    """Which of the caller's messages came to an end."""
    return [_text(event) for event in events if event["type"] in _SETTLED]


def _log(ledger: Ledger) -> Iterator[str]:
    events = ledger.events
    if [e["data"]["sequence"] for e in events] != list(range(1, len(events) + 1)):
        yield f"the sequence has holes: {[e['data']['sequence'] for e in events]}"
    if len({e["id"] for e in events}) != len(events):
        yield "an event id came twice"
    # A message that failed belongs to the guest session that it was written to, also afterwards.
    numbers = [e["data"]["incarnation"] for e in events if e["type"] != "message.failed"]
    replaced = sum(e["type"] == "session.replaced" for e in events)
    if any(a > b for a, b in pairwise(numbers)):
        yield f"incarnations go back: {numbers}"
    if numbers and numbers[-1] != replaced + 1:
        yield f"{replaced} replacements made incarnation {numbers[-1]}"
    opened = sum(e["type"] == "session.opened" for e in events)
    if opened > 1:
        yield f"opened {opened} times"


def _sends(ledger: Ledger, stored: "Counter[str]") -> Iterator[str]:
    accepted = Counter(_text(e) for e in ledger.events if e["type"] == "message.accepted")
    ends = {text: list[Json]() for text in ledger.sent}
    for event in ledger.events:
        if event["type"] in _SETTLED:
            ends.setdefault(_text(event), []).append(event)
    for text in ledger.sent:
        if accepted[text] != 1:
            yield f"{text!r} was accepted {accepted[text]} times"
        elif len(ends[text]) != 1:
            yield f"{text!r} came to {len(ends[text])} ends"
        else:
            yield from _end(ledger, text, ends[text][0], stored[text])
    for text in set(accepted) - set(ledger.sent):
        yield f"accepted {text!r}, which nobody sent"


def _end(ledger: Ledger, text: str, end: Json, stored: int) -> Iterator[str]:
    if end["type"] == "message.confirmed":
        if stored != 1:
            yield f"{text!r} is confirmed and was stored {stored} times"
        return
    failure = end["data"]["message"]["failure"]
    if not failure or not failure["code"]:
        yield f"{text!r} failed without a reason"
    elif failure["code"] != UNKNOWN:
        if stored:
            yield f"{text!r} failed with {failure['code']} and was stored {stored} times"
    elif stored > 1:
        yield f"{text!r} was stored {stored} times"
    elif not _replaced_before(ledger, text, end):
        yield f"{text!r} is {UNKNOWN} though its guest session lived on"


def _replaced_before(ledger: Ledger, text: str, end: Json) -> bool:
    """Whether the guest session was replaced between accepting and giving up."""
    begun = min(e["data"]["sequence"] for e in ledger.events if _is_accepted(e, text))
    over = end["data"]["sequence"]
    return any(
        e["type"] == "session.replaced" and begun < e["data"]["sequence"] < over
        for e in ledger.events
    )


def _is_accepted(event: Json, text: str) -> bool:
    return event["type"] == "message.accepted" and _text(event) == text


def _heard(ledger: Ledger) -> Iterator[str]:
    heard = Counter(received_texts(ledger.events))
    for text in ledger.said:
        if heard[text] != 1:
            yield f"the agent's {text!r} is in the log {heard[text]} times"
    for text in ledger.may_be_lost:
        if heard[text] > 1:
            yield f"the agent's {text!r} is in the log {heard[text]} times"
    for text in set(heard) - set(ledger.said) - set(ledger.may_be_lost):
        yield f"the log has {text!r}, which no agent said"
    yield from _order(ledger)


def _order(ledger: Ledger) -> Iterator[str]:
    """What is logged after something that was said later must say so."""
    newest: dict[int, str] = {}
    for event in ledger.events:
        if event["type"] != "message.received":
            continue
        message = event["data"]["message"]
        number, at = event["data"]["incarnation"], message["occurredAt"]
        if at < newest.get(number, at) and not message["late"]:
            yield f"{message['text']!r} is out of order and not marked late"
        newest[number] = max(at, newest.get(number, at))


def _deliveries(ledger: Ledger, delivered: Sequence[Json]) -> Iterator[str]:
    mine = [event for event in delivered if event["data"].get("sessionId") == ledger.session]
    first: dict[str, Json] = {}
    for event in mine:
        if first.setdefault(event["id"], event) != event:
            yield f"{event['id']} was delivered with two bodies"
    if list(first.values()) != list(ledger.events):
        got = [event["data"]["sequence"] for event in first.values()]
        yield f"of {len(ledger.events)} events these were delivered: {got}"


def _text(event: Json) -> str:
    return str(event["data"]["message"]["text"])
