"""What is shown of a replay."""

from dataclasses import replace

import pytest

from service.domain.endpoint import EndpointState
from service.domain.errors import NotFoundError
from service.domain.ids import EndpointId, EventId, ReplayId, SessionId
from service.domain.instants import rfc3339
from service.domain.log import EventType
from service.domain.replay import (
    OVERDUE,
    Range,
    ReplayState,
    Skipped,
    Strand,
    Tally,
    first_strands,
)
from service.usecases.read_replays import replay_view
from tests.support.api_bench import open_bench
from tests.support.store_builders import NOW, a_replay, an_endpoint


def strands(*, parked: bool = False, done: bool = False) -> list[Strand]:
    made = first_strands(a_replay(), due_at=NOW)
    return [replace(one, parked=parked, done=done) for one in made]


def test_a_replay_is_shown_whole() -> None:
    wanted = Range(
        session_id=SessionId("ses_1"), from_sequence=4, since=NOW - 9, until=NOW, types=("*",)
    )
    job = a_replay(range=wanted).over(ReplayState.FAILED, at=NOW + 5, failure=OVERDUE)
    skipped = Skipped(
        session_id=SessionId("ses_1"),
        sequence=5,
        event_id=EventId("evt_1"),
        event_type=EventType.MESSAGE_RECEIVED,
        at=NOW + 2,
        attempts=6,
        error="timeout",
    )
    first, second = strands()
    first = replace(first, tally=Tally(found=2, done=1, delivered=7, skipped=1), named=(skipped,))
    earlier = replace(skipped, sequence=4, at=NOW + 1, status=500, error=None)
    second = replace(
        second, tally=Tally(found=1, delivered=2), named=(earlier,), updated_at=NOW + 7
    )

    view = replay_view(job, [first, second], an_endpoint())

    assert view == {
        "id": job.id,
        "webhookId": job.endpoint_id,
        "state": "failed",
        "sessionId": "ses_1",
        "fromSequence": 4,
        "since": rfc3339(NOW - 9),
        "until": rfc3339(NOW),
        "types": ["*"],
        "progress": {"sessionsFound": 3, "sessionsDone": 1, "delivered": 9, "skipped": 1},
        "skippedEvents": [
            {
                "sessionId": "ses_1",
                "sequence": 4,
                "eventId": "evt_1",
                "eventType": "message.received",
                "at": rfc3339(NOW + 1),
                "attempts": 6,
                "status": 500,
                "error": None,
            },
            {
                "sessionId": "ses_1",
                "sequence": 5,
                "eventId": "evt_1",
                "eventType": "message.received",
                "at": rfc3339(NOW + 2),
                "attempts": 6,
                "status": None,
                "error": "timeout",
            },
        ],
        "failure": {"code": "overdue", "detail": OVERDUE.detail},
        "createdAt": rfc3339(NOW),
        "updatedAt": rfc3339(NOW + 7),
        "finishedAt": rfc3339(NOW + 5),
    }


@pytest.mark.parametrize(
    ("state", "parked", "word"),
    [
        (EndpointState.ACTIVE, False, "running"),
        (EndpointState.ACTIVE, True, "waiting"),
        (EndpointState.PAUSED, False, "waiting"),
        (EndpointState.DISABLED, True, "waiting"),
    ],
)
def test_a_replay_runs_or_waits_for_its_webhook(
    state: EndpointState, word: str, *, parked: bool
) -> None:
    view = replay_view(a_replay(), strands(parked=parked), an_endpoint(state=state))

    assert view["state"] == word
    assert [view[name] for name in ("since", "types", "failure", "finishedAt")] == [None] * 4


def test_one_strand_at_work_is_enough_and_what_is_done_waits_for_nothing() -> None:
    (waits, done), (works, _) = strands(parked=True), strands()
    done = replace(done, parked=False, done=True)

    assert replay_view(a_replay(), [waits, works], an_endpoint())["state"] == "running"
    assert replay_view(a_replay(), [waits, done], an_endpoint())["state"] == "waiting"


@pytest.mark.parametrize("name", ["rpl_x", "x" * 65, "rpl_\n", "rpl_1#STRAND"])
async def test_what_is_no_replay_of_the_webhook_is_not_found(name: str) -> None:
    async with open_bench(serving=False) as bench:
        wanted = {"url": "https://example.com/hook", "event_types": ["*"]}
        key = await bench.caller()
        made = await bench.broker.webhooks.create(key, wanted, ticket=None)
        assert made.body is not None

        with pytest.raises(NotFoundError, match="replay"):
            await bench.broker.replays(key, EndpointId(made.body["id"]), ReplayId(name))
