"""The doctor asks Genesys for the limits of a deployment, over real sockets."""

from pathlib import Path
from typing import Any

import pytest

from service.simulator.deployments import Bot, Deployment
from tests.support.machine import DEPLOYMENT, Machine, running
from tests.support.wire_story import tells


async def _checked(machine: Machine) -> dict[str, dict[str, Any]]:
    body = await machine.call("GET", f"/v1/deployments/{DEPLOYMENT}/check", session="true")
    assert body["session"] == {"opened": True, "closed": True, "connections": 1}
    return {each["code"]: each for each in body["findings"]}


@tells("getConfiguration", "GetConfigurationResponse", "closeSession")
async def test_the_limits_of_a_session_are_told(tmp_path: Path) -> None:
    simulated = Deployment(
        bot=Bot.SILENT, file_types=("image/png",), max_file_kb=500, session_seconds=7200
    )
    async with running(tmp_path, listener=False, simulated=simulated) as machine:
        found = await _checked(machine)

        assert found["limits_told"]["detail"] == (
            "As Genesys says: it lasts 7200 seconds, custom attributes have 2048 bytes. "
            "Files of at most 500 KB: image/png."
        )
        assert found["headless_off"]["severity"] == "ok"


@tells("getConfiguration", "GetConfigurationResponse")
async def test_a_deployment_that_routes_no_messages_is_named(tmp_path: Path) -> None:
    simulated = Deployment(bot=Bot.SILENT, messaging=False)
    async with running(tmp_path, listener=False, simulated=simulated) as machine:
        found = await _checked(machine)

        assert found["routing_off"]["severity"] == "warning"
        assert "flow" in found["routing_off"]["fix"]


@tells("getConfiguration")
@pytest.mark.parametrize("fault", ["swallow_write", "refuse"])
async def test_silence_and_refusal_are_said(tmp_path: Path, fault: str) -> None:
    async with running(tmp_path, listener=False) as machine:
        machine.control.fault(fault, action="getConfiguration", **_code(fault))
        found = await _checked(machine)

        assert found["limits_untold"]["severity"] == "info"
        assert "limits_told" not in found


def _code(fault: str) -> dict[str, int]:
    return {"code": 403} if fault == "refuse" else {}
