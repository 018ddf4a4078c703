"""The checker of the stories finds what is wrong: each way to tamper with two equal logs."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.support.log_checker import Ledger, findings

SESSION: Final = "ses_1"

Story = dict[str, list[dict[str, Any]]]


def event(sequence: int, event_type: str, *, number: int = 1, **message: object) -> dict[str, Any]:
    data = {"sessionId": SESSION, "sequence": sequence, "incarnation": number}
    told = {"occurredAt": f"T{sequence}", "late": False, "failure": None, **message}
    return {"id": f"evt_{sequence}", "type": event_type, "data": {**data, "message": told}}


def in_order() -> Story:
    events = [
        event(1, "session.opened"),
        event(2, "message.accepted", text="hello"),
        event(3, "message.confirmed", text="hello"),
        event(4, "message.received", text="hi"),
        event(5, "message.received", text="bye"),
    ]
    return {
        "events": events,
        "delivered": [*events[:3], *events[2:]],
        "transcript": [{"direction": "Inbound", "text": "hello"}],
    }


def check(story: Story) -> list[str]:
    ledger = Ledger(
        session=SESSION,
        sent=["hello"],
        said=["hi"],
        may_be_lost=["bye"],
        events=story["events"],
    )
    return findings([ledger], transcript=story["transcript"], delivered=story["delivered"])


def test_equal_logs_are_fine_also_with_a_repeated_delivery() -> None:
    assert check(in_order()) == []


def fails(code: str, *, stored: bool) -> Callable[[Story], None]:
    def tamper(story: Story) -> None:
        end = event(3, "message.failed", text="hello", failure={"code": code})
        story["events"][2] = end
        story["delivered"] = story["events"]
        if not stored:
            story["transcript"] = []

    return tamper


def put(place: int, changed: dict[str, Any]) -> Callable[[Story], None]:
    def tamper(story: Story) -> None:
        story["events"][place] = changed
        story["delivered"] = story["events"]

    return tamper


TAMPERED: Final[dict[str, Callable[[Story], object]]] = {
    "holes": lambda story: story["events"].pop(1),
    "nobody sent 'ghost'": lambda story: story["transcript"].append(
        {"direction": "Inbound", "text": "ghost"}
    ),
    "stored 0 times": lambda story: story["transcript"].clear(),
    "stored 2 times": lambda story: story["transcript"].append(story["transcript"][0]),
    "came to 0 ends": put(2, event(3, "message.received", text="bye")),
    "accepted 0 times": put(1, event(2, "message.received", text="bye")),
    "though its guest session lived on": fails("outcome_unknown", stored=True),
    "failed with rejected": fails("rejected", stored=True),
    "failed without a reason": fails("", stored=False),
    "the agent's 'hi' is in the log 0 times": put(3, event(4, "message.received", text="bye")),
    "the agent's 'hi' is in the log 2 times": put(4, event(5, "message.received", text="hi")),
    "which no agent said": put(4, event(5, "message.received", text="what")),
    "not marked late": put(4, event(5, "message.received", text="bye", occurredAt="T0")),
    "incarnations go back": put(0, event(1, "session.opened", number=2)),
    "replacements made incarnation": put(4, event(5, "message.received", text="bye", number=2)),
    "opened 2 times": put(4, event(5, "session.opened")),
    "an event id came twice": put(4, {**event(5, "message.received", text="bye"), "id": "evt_4"}),
    "these were delivered": lambda story: story["delivered"].reverse(),
    "with two bodies": lambda story: story["delivered"].append(event(3, "message.received")),
}


@pytest.mark.parametrize("finding", TAMPERED)
def test_each_tampering_is_found(finding: str) -> None:
    story = in_order()

    TAMPERED[finding](story)

    assert any(finding in found for found in check(story)), check(story)
