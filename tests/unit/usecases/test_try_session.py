"""One test session: opened, looked at, closed, and nothing of it left."""

from asyncio import create_task, gather
from typing import Any

import pytest

from service.domain.budget import MINUTE_LIMIT, TROUBLE_COUNT, allowance
from service.domain.errors import LinkDeniedError, LinkLostError, UnavailableError
from service.domain.ids import SessionId
from service.guest.check_words import found
from service.simulator.faults import FaultKind
from service.usecases.admit import Bid
from service.usecases.try_session import (
    ANSWER_SECONDS,
    CLOSE_SECONDS,
    THROTTLED_SECONDS,
    Trial,
)
from service.usecases.visit import performing
from tests.support.store_builders import TENANT
from tests.support.visit_stage import NAME, Stage, on_virtual_time, staged


async def _tried(stage: Stage, *, seconds: float = 8.0) -> Trial:
    trial = Trial(findings=[])
    deployment = await stage.ports.tenants.deployment(TENANT, NAME)
    until = stage.now + seconds
    trying = stage.assembly.broker.check_deployment.examine.try_session
    await trying(deployment, trial, until=until)
    return trial


def _codes(trial: Trial) -> list[str]:
    return [each.code for each in trial.findings]


async def _left(stage: Stage) -> int:
    deployment = await stage.ports.tenants.deployment(TENANT, NAME)
    return (await stage.assembly.admit.standing(deployment)).left


@on_virtual_time
async def test_it_opens_and_closes_and_leaves_nothing() -> None:
    async with staged(simulated={"auto_start": True}) as stage:
        before = await _left(stage)

        trial = await _tried(stage)

        assert _codes(trial) == [
            "session_opened",
            "media_allowed",
            "limits_told",
            "session_closed",
        ]
        assert (trial.opened, trial.closed, trial.connections) == (True, True, 1)
        assert before - await _left(stage) == 1
        assert [frame["action"] for _, frame in stage.wires.sent] == [
            "configureSession",
            "getConfiguration",
            "closeSession",
        ]
        assert stage.frames("closeSession")[0]["closeAllConnections"] is True
        assert stage.control.transcript() == []
        assert stage.control.connections() == []
        assert stage.sessions.calls.total() == 0


@on_virtual_time
async def test_strange_frames_before_the_answer_are_passed_over() -> None:
    async with staged() as stage:
        stage.control.fault(FaultKind.UNKNOWN_CLASS)
        stage.control.fault(FaultKind.MALFORMED)
        stage.control.fault(FaultKind.MALFORMED, text='{"action":"echo","message":{"type":"Text"}}')

        assert "session_opened" in _codes(await _tried(stage))
        shop = await stage.ports.tenants.deployment(TENANT, NAME)
        page = await stage.ports.drifts.list(shop, at=stage.now, cursor=None, limit=9)
        assert "class:SomethingNewEvent" in {drift.kind for drift in page.items}


@pytest.mark.parametrize(
    ("error", "code", "seconds"),
    [
        (LinkDeniedError(status=403), "session_denied", None),
        (LinkDeniedError(status=429), "session_throttled", THROTTLED_SECONDS),
        (LinkDeniedError(status=429, retry_after_seconds=3), "session_throttled", 3),
        (LinkDeniedError(status=503), "session_failed", None),
        (LinkLostError(code=1006), "session_unanswered", None),
    ],
)
def test_a_link_that_is_not_given(error: Exception, code: str, *, seconds: float | None) -> None:
    @on_virtual_time
    async def story() -> None:
        async with staged() as stage:
            stage.wires.denied.append(error)

            trial = await _tried(stage)

            assert _codes(trial) == [code]
            assert (trial.opened, trial.connections) == (False, 1)
            assert await _retry_at(stage) == (None if seconds is None else stage.now + seconds)

    story()


@pytest.mark.parametrize("failure", [LinkDeniedError(status=503), LinkLostError(code=1006)])
def test_failures_in_a_row_are_told_to_everybody_and_so_is_their_end(failure: Exception) -> None:
    @on_virtual_time
    async def story() -> None:
        async with staged() as stage:
            for _ in range(TROUBLE_COUNT - 1):
                await _failed(stage, failure)
            assert await _retry_at(stage) is None
            await _failed(stage, failure)
            retry_at = await _retry_at(stage)
            assert retry_at is not None

            trial = await _tried(stage)

            assert trial.opened
            assert stage.now >= retry_at
            assert await _retry_at(stage) is None

    story()


@pytest.mark.parametrize("answer", [None, LinkDeniedError(status=403)])
def test_an_answer_between_them_ends_the_row(answer: Exception | None) -> None:
    @on_virtual_time
    async def story() -> None:
        async with staged() as stage:
            for between in ([] if answer is None else [answer], []):
                for _ in range(TROUBLE_COUNT - 1):
                    await _failed(stage, LinkDeniedError(status=503))
                assert await _retry_at(stage) is None
                await _failed(stage, *between)

    story()


async def _failed(stage: Stage, *failures: Exception) -> None:
    stage.wires.denied.extend(failures)
    await _tried(stage)


async def _retry_at(stage: Stage) -> float | None:
    """Until when everybody stays away."""
    deployment = await stage.ports.tenants.deployment(TENANT, NAME)
    return (await stage.assembly.admit.standing(deployment)).retry_at


@on_virtual_time
async def test_a_table_that_is_ill_keeps_nobody_from_finding_out() -> None:
    async with staged() as stage:
        ill = UnavailableError(what="the budget")
        stage.budgets.fail("breaker", ill)
        stage.wires.denied.append(LinkLostError(code=1006))
        lost = await _tried(stage)
        stage.budgets.fail("change_breaker", ill)
        stage.wires.denied.append(LinkDeniedError(status=429))
        throttled = await _tried(stage)
        for _ in range(TROUBLE_COUNT):
            await _failed(stage, LinkDeniedError(status=503))

        async def fail() -> None:
            raise ill

        # The first is the probe's own.
        stage.budgets.before("change_breaker", fail, nth=2)
        probe = await _tried(stage)

        assert _codes(lost) == ["session_unanswered"]
        assert _codes(throttled) == ["session_throttled"]
        assert probe.opened
        assert _codes(probe)[-1] == "session_closed"


@on_virtual_time
async def test_it_stands_behind_everybody_and_leaves_what_is_kept_for_callers() -> None:
    async with staged() as stage:
        deployment = await stage.ports.tenants.deployment(TENANT, NAME)
        await stage.use_up(most=allowance(MINUTE_LIMIT).most(urgent=False))
        left = await _left(stage)
        task = create_task(_tried(stage))
        await stage.clock.sleep(0.1)
        [line] = stage.assembly.admit.lines.values()
        quiet = Bid(session_id=SessionId("ses_quiet"), last_active=1.0)

        assert left > 0
        assert stage.wires.opened == 0
        assert len(line.waiting.turns) == 1
        assert line.waiting.before(quiet) == 0
        assert (await stage.assembly.admit.standing(deployment)).left == left
        assert (await task).opened


@on_virtual_time
async def test_one_at_a_time() -> None:
    async with staged() as stage:
        trials = await gather(*(_tried(stage) for _ in range(80)))
        again = await _tried(stage)

        assert [trial.opened for trial in trials] == [True] + 79 * [False]
        assert {(*_codes(trial),) for trial in trials[1:]} == {("session_not_tried",)}
        assert "Another test session" in trials[1].findings[0].detail
        assert again.opened
        assert stage.wires.opened == 2


@on_virtual_time
async def test_why_no_turn_came_is_told() -> None:
    async with staged() as stage:
        await stage.use_up(most=70, slots=4)
        spent = await _tried(stage)
        await stage.clock.sleep(20)
        await _failed(stage, LinkDeniedError(status=429))
        shut = await _tried(stage)

        assert await _left(stage) > 0
        assert _codes(spent) == _codes(shut) == ["session_not_tried"]
        assert "No connection was left" in spent.findings[0].detail
        assert "Genesys lets nobody in" in shut.findings[0].detail


@pytest.mark.parametrize(
    ("trial", "codes"),
    [
        (Trial(findings=[]), ["session_not_tried"]),
        (Trial(findings=[], connections=1), ["session_unanswered"]),
        (Trial(findings=[], connections=1, linked=True), ["session_failed"]),
        (Trial(findings=[found("session_denied", "")], connections=1), ["session_denied"]),
        (
            Trial(findings=[found("session_opened", "")], connections=1, linked=True, opened=True),
            ["session_opened", "session_left"],
        ),
        (
            Trial(findings=[found("session_left", "")], connections=1, linked=True, opened=True),
            ["session_left"],
        ),
        (
            Trial(findings=[found("session_closed", "")], connections=1, linked=True, opened=True),
            ["session_closed"],
        ),
    ],
)
def test_when_time_runs_out_what_is_known_is_told(trial: Trial, codes: list[str]) -> None:
    trial.cut_short()

    assert _codes(trial) == codes


@on_virtual_time
async def test_an_answer_is_waited_for_as_long_as_a_visit_does() -> None:
    async with staged() as stage:
        stage.control.fault(
            FaultKind.DELAY, frame_class="SessionResponse", seconds=ANSWER_SECONDS - 1, count=1
        )

        assert (await _tried(stage)).opened
        assert ANSWER_SECONDS == performing.ANSWER_SECONDS


@on_virtual_time
async def test_a_session_that_is_refused_is_not_closed() -> None:
    async with staged() as stage:
        stage.control.fault(FaultKind.REFUSE, action="configureSession", code=404)

        trial = await _tried(stage)

        assert _codes(trial) == ["session_refused"]
        assert stage.frames("closeSession") == []
        assert stage.control.connections() == []


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        ({"kind": FaultKind.SWALLOW_WRITE, "action": "configureSession"}, ["session_unanswered"]),
        (
            {"kind": FaultKind.DROP, "action": "configureSession", "when": "before"},
            ["session_unanswered"],
        ),
        (
            {"kind": FaultKind.SWALLOW_WRITE, "action": "closeSession"},
            ["session_opened", "media_allowed", "limits_told", "session_left"],
        ),
        (
            {"kind": FaultKind.DROP, "action": "closeSession", "when": "before"},
            ["session_opened", "media_allowed", "limits_told", "session_left"],
        ),
    ],
)
def test_silence_and_loss_are_findings(fault: dict[str, Any], codes: list[str]) -> None:
    @on_virtual_time
    async def story() -> None:
        async with staged() as stage:
            stage.control.fault(**fault)
            began = stage.now

            trial = await _tried(stage)

            assert _codes(trial) == codes
            assert not trial.closed
            assert stage.now - began <= (CLOSE_SECONDS if trial.opened else ANSWER_SECONDS)
            assert stage.control.connections() == []

    story()


@pytest.mark.parametrize(
    ("fault", "closed"),
    [
        ({"kind": FaultKind.SWALLOW_WRITE}, True),
        ({"kind": FaultKind.REFUSE, "code": 403}, True),
        ({"kind": FaultKind.THROTTLE}, True),
        ({"kind": FaultKind.DROP, "when": "before"}, False),
    ],
)
def test_limits_that_are_not_told_are_no_trouble(fault: dict[str, Any], *, closed: bool) -> None:
    @on_virtual_time
    async def story() -> None:
        async with staged() as stage:
            stage.control.fault(action="getConfiguration", **fault)
            began = stage.now

            trial = await _tried(stage)

            assert _codes(trial)[2] == "limits_untold"
            assert trial.opened
            assert trial.closed is closed
            assert stage.now - began <= 2
            assert stage.control.connections() == []

    story()


@on_virtual_time
async def test_it_waits_for_its_turn_but_not_for_long() -> None:
    async with staged() as stage:
        await stage.use_up(most=70, slots=1)
        patient = await _tried(stage)
        await stage.clock.sleep(5)
        await stage.use_up(most=70, slots=4)
        impatient = await _tried(stage)

        assert "session_opened" in _codes(patient)
        assert _codes(impatient) == ["session_not_tried"]
        assert impatient.connections == 0
        deployment = await stage.ports.tenants.deployment(TENANT, NAME)
        assert (await stage.assembly.admit.standing(deployment)).waiting == 0


@on_virtual_time
async def test_who_gives_up_leaves_no_link_and_no_place_in_the_line() -> None:
    async with staged() as stage:
        stage.control.fault(FaultKind.SWALLOW_WRITE, action="configureSession")
        task = create_task(_tried(stage))
        await stage.clock.sleep(1)
        task.cancel()
        await stage.clock.sleep(1)

        deployment = await stage.ports.tenants.deployment(TENANT, NAME)
        assert task.cancelled()
        assert stage.control.connections() == []
        assert (await stage.assembly.admit.standing(deployment)).waiting == 0


@on_virtual_time
async def test_a_late_answer_about_limits_is_none_to_the_close() -> None:
    async with staged() as stage:
        stage.control.fault(FaultKind.REFUSE, action="getConfiguration", code=400)
        for sort in ("string", "SessionResponse", "SessionResponse"):
            stage.control.fault(FaultKind.DELAY, frame_class=sort, seconds=3.0)

        trial = await _tried(stage)

        assert _codes(trial)[-2:] == ["limits_untold", "session_closed"]
        assert trial.closed
        assert "400" in "".join(stage.wires.heard)
