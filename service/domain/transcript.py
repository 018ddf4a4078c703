"""The transcript: what the log says of each message by now. A fold, no state of its own."""

from collections.abc import Iterable, Mapping
from typing import Any

from service.domain.log import EventType, LogEvent

_STARTS = frozenset({EventType.MESSAGE_ACCEPTED, EventType.MESSAGE_RECEIVED})
_ENDS = frozenset({EventType.MESSAGE_CONFIRMED, EventType.MESSAGE_FAILED})


def fold(events: Iterable[LogEvent]) -> list[Mapping[str, Any]]:
    """The messages these events begin, each as the last of these events tells it, by sequence.

    A message whose end is not among the events stays `accepted`.
    """
    messages: dict[int, Mapping[str, Any]] = {}
    for event in events:
        if event.type in _STARTS:
            messages[event.sequence] = event.data["message"]
        elif event.type in _ENDS:
            told: Mapping[str, Any] = event.data["message"]
            if told["sequence"] in messages:
                messages[told["sequence"]] = told
    return [messages[sequence] for sequence in sorted(messages)]


def unsettled(messages: Iterable[Mapping[str, Any]]) -> frozenset[int]:
    """The sequences whose end these messages do not tell."""
    return frozenset(m["sequence"] for m in messages if m["status"] == "accepted")


def is_start(event: LogEvent) -> bool:
    """Whether a message of the transcript begins here."""
    return event.type in _STARTS
