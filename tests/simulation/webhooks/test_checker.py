"""The checker of deliveries finds what it is there for: a faultless run, spoilt in one place."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from service.ports import WebhookAnswer
from tests.support.delivery_checker import Attempt, Case, Endpoint, Lane, Standing, findings
from tests.support.delivery_yard import Reply, scripted, yard
from tests.support.lane_world import OK
from tests.support.virtual_time import run_virtual

LANE = ("whk_1", "ses_1")
ASKED = WebhookAnswer(status=500, retry_after="20")


def faultless() -> Case:
    """Three events, the second of which is taken at its second attempt."""

    async def story() -> Case:
        stage = yard()
        await stage.endpoint("whk_1", scripted(OK, ASKED, then=Reply(takes=0.5)), within=60.0)
        await stage.session("ses_1", events=3)
        async with stage.at_work():
            await stage.finish(within=600)
        return await stage.case(alone=True)

    return run_virtual(story())


def attempt(case: Case, number: int, **changes: Any) -> Case:  # noqa: ANN401 - fields of Attempt
    """One of the attempts is another."""
    attempts = list(case.attempts)
    attempts[number] = replace(attempts[number], **changes)
    return replace(case, attempts=attempts)


def headers(case: Case, number: int, **changes: str) -> Case:
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    return attempt(case, number, headers={**case.attempts[number].headers, **named})


def spoilt_body(case: Case, number: int) -> Case:
    return attempt(case, number, body=case.attempts[number].body + b" ")


def without(case: Case, *numbers: int) -> Case:
    kept: list[Attempt] = [a for n, a in enumerate(case.attempts) if n not in numbers]
    return replace(case, attempts=kept)


def lane(case: Case, **changes: Any) -> Case:  # noqa: ANN401 - fields of Lane
    now: Lane = replace(case.lanes[LANE], **changes)
    return replace(case, lanes={LANE: now})


def promised(case: Case, **changes: Any) -> Case:  # noqa: ANN401 - fields of Endpoint
    now: Endpoint = replace(case.endpoints["whk_1"], **changes)
    return replace(case, endpoints={"whk_1": now})


def earlier(case: Case, number: int, seconds: float) -> Case:
    """One of the attempts came so much earlier, its time and signature as they were."""
    was = case.attempts[number]
    return attempt(case, number, at=was.at - seconds, ended=was.ended - seconds)


def test_a_faultless_run_is_found_so() -> None:
    case = faultless()

    assert [each.status for each in case.attempts] == [200, 500, 200, 200]
    assert findings(case) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda case: without(case, 3), "3 is passed and was neither taken nor told"),
        (lambda case: lane(case, standing=Standing(cursor=2)), "3 is not delivered"),
        (
            lambda case: replace(lane(case, standing=Standing(cursor=2)), over=False),
            "3 waits and nobody will come",
        ),
        (lambda case: without(case, 0), "2 was tried before 1 was done"),
        (lambda case: attempt(case, 2, status=500), "3 was tried before 2 was done"),
        (lambda case: replace(case, attempts=case.attempts[::-1]), "was tried after"),
        (lambda case: attempt(case, 1, ended=case.attempts[2].at + 1), "while 2 was under way"),
        (lambda case: headers(case, 1, webhook_id="evt_0"), "2 came as something else"),
        (lambda case: spoilt_body(case, 1), "came as something else"),
        (lambda case: headers(case, 3, broker_lane_sequence="4"), "3 came as 4, not 3"),
        (lambda case: headers(case, 2, webhook_timestamp="1900000000"), "came with the time"),
        (lambda case: headers(case, 2, webhook_signature="v1,x"), "a signature of something else"),
        (lambda case: earlier(case, 2, 1.0), "2 was tried again after"),
        (lambda case: attempt(case, 1, retry_after=30.0), "asked 30.0"),
        (lambda case: headers(case, 3, broker_gap="1-1"), "1 is told to be skipped and was taken"),
        (lambda case: promised(case, within=10.0), "s late"),
        (lambda case: promised(case, rate=1), "requests in the second"),
        (lambda case: promised(case, places=0), "requests at a time"),
        (lambda case: attempt(case, 3, session="ses_2"), "was never asked for"),
        (lambda case: lane(case, events=case.lanes[LANE].events[:2]), "3 was not asked for"),
    ],
)
def test_a_spoilt_one_is_found_out(spoil: Callable[[Case], Case], said: str) -> None:
    found = findings(spoil(faultless()))

    assert any(said in each for each in found), found


@pytest.mark.parametrize(
    ("allowed", "spoilt"),
    [
        (
            lambda case: lane(case, deaths=(case.attempts[1].ended,)),
            lambda case: attempt(case, 1, retry_after=30.0),
        ),
        (
            lambda case: promised(case, changed=(case.attempts[1].ended,)),
            lambda case: attempt(case, 1, retry_after=30.0),
        ),
        (
            lambda case: replace(lane(case, standing=Standing(cursor=2, due_at=1.0)), over=False),
            lambda case: without(case, 3),
        ),
        (
            lambda case: lane(case, standing=Standing(cursor=2, reason="its owner's wish")),
            lambda case: without(case, 3),
        ),
        (
            lambda case: lane(case, standing=Standing(cursor=3, gap=(3, 3))),
            lambda case: without(case, 3),
        ),
    ],
    ids=["a death", "its owner's change", "a next time", "a reason", "a gap to tell"],
)
def test_what_has_its_reason_is_no_fault(
    allowed: Callable[[Case], Case], spoilt: Callable[[Case], Case]
) -> None:
    case = spoilt(faultless())

    assert findings(case) != []
    assert findings(allowed(case)) == []
