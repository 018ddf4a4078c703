"""What the doctor finds: whatever goes wrong is a finding."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.access import ApiKey
from service.domain.deployment import PLATFORM_LOGIN, Deployment, PlatformCredentials
from service.domain.errors import PlatformUnavailableError, UnavailableError
from service.ports import Link
from service.simulator.deployments import Disconnect
from service.simulator.faults import FaultKind
from tests.support.store_builders import TENANT, an_api_key
from tests.support.visit_stage import NAME, Stage, on_virtual_time, staged

CREDENTIALS = PlatformCredentials(client_id="c", client_secret="hidden")


async def _checked(stage: Stage, *, session: bool = False) -> dict[str, Any]:
    answer = await stage.assembly.broker.check_deployment(_key(), NAME, session=session)
    assert answer.status == 200
    body: dict[str, Any] = dict(answer.body or {})
    return body


def _key() -> ApiKey:
    return an_api_key(tenant=TENANT)


def _codes(body: dict[str, Any]) -> list[str]:
    return [each["code"] for each in body["findings"]]


@on_virtual_time
async def test_a_deployment_in_order() -> None:
    async with staged(platform=CREDENTIALS, organization_id="org", locale="en-US") as stage:
        body = await _checked(stage)

        assert body["deployment"] == NAME
        assert body["organizationId"] == "org"
        assert (body["worst"], body["healthy"], body["notWorking"]) == ("info", True, [])
        assert {"disconnect_read_only", "origins_all", "platform_works", "locale_listed"} <= {
            *_codes(body)
        }
        assert body["session"] is None
        assert stage.wires.opened == 0
        assert len(stage.platform.asked) == 1
        assert body["findings"][0] == {
            "code": "configuration_read",
            "severity": "ok",
            "title": "The public configuration could be read",
            "detail": "It is of version 1.",
            "feature": "configuration",
            "fix": None,
        }


@on_virtual_time
async def test_what_does_not_work_is_named_with_its_fix() -> None:
    simulated = {
        "disconnect": Disconnect.OFF,
        "clear": False,
        "messaging": False,
        "languages": ("fr",),
    }
    async with staged(simulated=simulated, locale="de") as stage:
        body = await _checked(stage)

        assert (body["worst"], body["healthy"]) == ("error", False)
        assert body["notWorking"] == ["connection", "ending", "clear", "conversationIds"]
        assert all(
            each["fix"] for each in body["findings"] if each["severity"] in {"warning", "error"}
        )


@on_virtual_time
async def test_with_a_session() -> None:
    async with staged() as stage:
        body = await _checked(stage, session=True)

        assert body["session"] == {"opened": True, "closed": True, "connections": 1}
        assert _codes(body)[-4:] == [
            "session_opened",
            "media_allowed",
            "limits_told",
            "session_closed",
        ]


@on_virtual_time
async def test_nothing_answers() -> None:
    async with staged(platform=CREDENTIALS) as stage:
        nothing = PlatformUnavailableError(what="x", status=None, failure="dns")
        stage.history.fail("configuration", nothing)
        stage.history.fail("domains", nothing)
        stage.platform.answers.append(nothing)

        body = await _checked(stage)

        assert _codes(body) == [
            "configuration_host_unknown",
            "origins_unreadable",
            "platform_unreachable",
        ]


@on_virtual_time
async def test_whoever_hangs_is_waited_for_within_the_budget() -> None:
    async with staged(platform=CREDENTIALS) as stage:

        async def hang() -> None:
            await stage.clock.sleep(3600)

        stage.history.before("configuration", hang)
        stage.history.before("domains", hang)
        stage.platform.hangs = True
        stage.control.fault(FaultKind.HANG_HANDSHAKE)
        began = stage.now

        body = await _checked(stage, session=True)

        assert stage.now - began <= 20
        assert _codes(body) == [
            "configuration_unreachable",
            "origins_unreadable",
            "platform_unreachable",
            "session_unanswered",
        ]
        assert body["session"] == {"opened": False, "closed": False, "connections": 1}


@pytest.mark.parametrize(
    ("simulated", "codes"),
    [
        ({"files_status": 403}, {"configuration_not_found", "origins_unreadable"}),
        ({"files_status": 503}, {"configuration_unreachable", "origins_unreadable"}),
        ({"files_broken": True}, {"configuration_malformed", "origins_malformed"}),
        (
            {"allow_all_domains": False, "allowed_domains": ("a.test",)},
            {"origin_missing", "session_denied"},
        ),
        ({"active": False}, {"deployment_inactive", "session_denied"}),
        ({"file_types": ()}, {"media_none"}),
        ({"messaging": False}, {"messaging_off", "routing_off"}),
        ({"attachments": False, "file_types": ()}, {"attachments_off", "media_none"}),
    ],
)
def test_each_misbehaviour_has_its_findings(simulated: dict[str, Any], codes: set[str]) -> None:
    @on_virtual_time
    async def story() -> None:
        async with staged(simulated=simulated) as stage:
            body = await _checked(stage, session=True)

            assert codes <= {*_codes(body)}

    story()


@pytest.mark.parametrize(
    ("action", "code", "opened"),
    [("closeSession", "session_left", True), ("configureSession", "session_failed", False)],
)
@on_virtual_time
async def test_what_came_too_late_is_not_called_unanswered(
    action: str, code: str, *, opened: bool
) -> None:
    async with staged() as stage:
        opening = stage.wires.open

        async def slowly(deployment: Deployment) -> Link:
            await stage.clock.sleep(9)
            return await opening(deployment)

        stage.wires.open = slowly  # type: ignore[method-assign]
        await stage.use_up(most=70)
        stage.control.fault(FaultKind.DELAY, frame_class="SessionResponse", seconds=4, count=1)
        stage.control.fault(FaultKind.SWALLOW_WRITE, action=action)
        began = stage.now

        body = await _checked(stage, session=True)

        assert stage.now - began == 20
        assert body["session"] == {"opened": opened, "closed": False, "connections": 1}
        assert _codes(body)[-1] == code
        assert body["healthy"]


@on_virtual_time
async def test_a_login_that_is_forbidden_is_a_matter_of_the_client() -> None:
    async with staged(platform=CREDENTIALS) as stage:
        refused = PlatformUnavailableError(what=PLATFORM_LOGIN, status=403)
        stage.platform.answers.append(refused)

        assert "platform_refused" in _codes(await _checked(stage))


@on_virtual_time
async def test_what_a_session_showed_goes_before_the_files() -> None:
    async with staged(simulated={"attachments": False}) as stage:
        body = await _checked(stage, session=True)

        assert {"attachments_off", "media_allowed"} <= {*_codes(body)}
        assert "attachments" not in body["notWorking"]
        assert "attachments" in (await _checked(stage))["notWorking"]


@on_virtual_time
async def test_a_table_that_does_not_answer_costs_the_session_only() -> None:
    async with staged() as stage:
        stage.budgets.fail("take", UnavailableError(what="the budget"))

        body = await _checked(stage, session=True)

        assert "session_not_tried" in _codes(body)
        assert "configuration_read" in _codes(body)


@on_virtual_time
async def test_nobody_is_asked_where_the_domain_is_not_allowed() -> None:
    async with staged(platform=CREDENTIALS) as stage:
        kept = await stage.ports.tenants.deployment(TENANT, NAME)
        elsewhere = replace(kept, endpoint=None, domain="example.test")

        body = await stage.assembly.broker.check_deployment.examine(elsewhere, session=True)

        assert _codes(body) == ["domain_not_allowed"]
        assert (body["worst"], body["healthy"]) == ("error", False)
        assert body["notWorking"] == ["connection"]
        assert body["session"] == {"opened": False, "closed": False, "connections": 0}
        [finding] = body["findings"]
        assert "example.test" in finding["detail"]
        assert "*.pure.cloud" in finding["detail"]
        assert "BROKER_ALLOW_DOMAINS" in finding["fix"]
        assert stage.wires.opened == 0
        assert stage.platform.asked == []
