"""One test session: opened, looked at, closed, and nothing of it left."""

from asyncio import create_task
from typing import Any

import pytest

from service.domain.errors import LinkDeniedError, LinkLostError
from service.simulator.faults import FaultKind
from service.usecases.try_session import Trial
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


@pytest.mark.parametrize(
    ("error", "code", "open_after"),
    [
        (LinkDeniedError(status=403), "session_denied", True),
        (LinkDeniedError(status=429), "session_throttled", False),
        (LinkDeniedError(status=429, retry_after_seconds=3), "session_throttled", False),
        (LinkDeniedError(status=503), "session_unanswered", True),
        (LinkLostError(code=1006), "session_unanswered", True),
    ],
)
def test_a_link_that_is_not_given_is_told_to_everybody(
    error: Exception, code: str, *, open_after: bool
) -> None:
    @on_virtual_time
    async def story() -> None:
        async with staged() as stage:
            stage.wires.denied.append(error)

            trial = await _tried(stage)

            deployment = await stage.ports.tenants.deployment(TENANT, NAME)
            standing = await stage.assembly.admit.standing(deployment)
            assert _codes(trial) == [code]
            assert (trial.opened, trial.connections) == (False, 1)
            assert (standing.retry_at is None) is open_after

    story()


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

            trial = await _tried(stage)

            assert _codes(trial) == codes
            assert not trial.closed
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
