"""Ending a session."""

import pytest

from service.domain.deployment import Deployment
from service.domain.ids import DeploymentName, SessionId, TenantName
from service.domain.session import Ended, EndedBy, EndMode, State
from service.usecases.end_session import VerbRequest
from tests.support.api_bench import DEPLOYMENT, EPOCH, Bench, open_bench


async def _wish(bench: Bench, session_id: SessionId) -> VerbRequest:
    return VerbRequest(key=await bench.caller(), session_id=session_id, patience=bench.patience())


@pytest.mark.parametrize(("allowed", "mode"), [(True, "clear"), (False, "leave"), (None, "leave")])
async def test_the_default_is_to_clear_where_that_is_known_to_be_allowed(
    allowed: bool | None,  # noqa: FBT001 - a parameter
    mode: str,
) -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        await bench.table.tenants.put_deployment(
            _deployment(allow_clear=allowed), expected_version=1, idempotency=None
        )

        answer = await bench.broker.end_session(await _wish(bench, session_id))

    assert answer.body is not None
    assert answer.body["ended"]["mode"] == mode


async def test_a_session_whose_deployment_is_gone_is_left() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        session = await bench.table.sessions.load(session_id)
        tenant, name = TenantName("default"), DeploymentName(DEPLOYMENT)
        await bench.table.tenants.delete_deployment(tenant, name)

        mode = await bench.broker.end_session._default_mode(session)  # noqa: SLF001 - the transition needs the deployment

    assert mode is EndMode.LEAVE


async def test_an_end_that_came_from_elsewhere_has_no_mode() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        end = Ended(by=EndedBy.AGENT, resumable=False, at=EPOCH)
        await bench.put(session_id, State.ENDED, ended=end)

        answer = await bench.broker.end_session(await _wish(bench, session_id))

    assert answer.status == 200
    assert answer.body is not None
    assert answer.body["ended"] == {"mode": None, "verified": None}


def _deployment(*, allow_clear: bool | None) -> Deployment:
    return Deployment(
        tenant=TenantName("default"),
        name=DeploymentName(DEPLOYMENT),
        deployment_id="d-1",
        domain="example.com",
        allow_clear=allow_clear,
    )
