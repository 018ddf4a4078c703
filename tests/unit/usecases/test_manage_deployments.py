"""Deployments kept and changed."""

from dataclasses import replace

import pytest

from service.domain.drift import Drift
from service.domain.errors import (
    ConfigurationError,
    InvalidRequestError,
    NameInUseError,
    UnavailableError,
    VersionConflictError,
)
from service.domain.ids import DeploymentName
from service.usecases.manage_deployments import ManageDeployments
from tests.support.api_bench import DEPLOYMENT, Bench, open_bench
from tests.support.losing import losing

NAME = DeploymentName(DEPLOYMENT)


def _racing(bench: Bench, times: int) -> ManageDeployments:
    races = [VersionConflictError(item="deployment")] * times
    tenants = losing(bench.table.tenants, put_deployment=races)
    return replace(bench.broker.deployments, tenants=tenants)


async def test_a_change_that_lost_a_race_is_made_again() -> None:
    async with open_bench(serving=False) as bench:
        answer = await _racing(bench, 2).change(
            await bench.caller(), NAME, changes={"turn_quiet_ms": 5}, ticket=None
        )

    assert answer.body is not None
    assert answer.body["turnQuietMs"] == 5


async def test_a_change_that_always_loses_is_told() -> None:
    async with open_bench(serving=False) as bench:
        with pytest.raises(UnavailableError):
            await _racing(bench, 99).change(
                await bench.caller(), NAME, changes={"turn_quiet_ms": 5}, ticket=None
            )


async def test_where_it_leads_cannot_change_under_open_sessions() -> None:
    async with open_bench(serving=False) as bench:
        await bench.made()
        key = await bench.caller()

        with pytest.raises(NameInUseError):
            await bench.broker.deployments.change(
                key, NAME, changes={"deployment_id": "d-2"}, ticket=None
            )


@pytest.mark.parametrize(
    ("endpoint", "allowed"),
    [
        ("http://127.0.0.1:9000", True),
        ("https://simulator.internal", True),
        ("http://[::1]:9000", True),
        ("http://169.254.169.254", False),
        ("http://0xa9fea9fe", False),
        ("http://169.254.43518", False),
        ("http://[fe80::1%25eth0]", False),
        ("http://[fd00:ec2::254]", False),
        ("http://metadata.google.internal.", False),
        ("http://127.0.0.1:port", False),
    ],
)
async def test_an_endpoint_is_an_origin_and_never_link_local(
    endpoint: str,
    allowed: bool,  # noqa: FBT001 - a parameter
) -> None:
    async with open_bench(serving=False) as bench:
        wanted = {"name": "two", "deployment_id": "d", "endpoint": endpoint}
        making = bench.broker.deployments.create(await bench.caller(), wanted, ticket=None)

        if allowed:
            assert (await making).status == 201
        else:
            with pytest.raises(InvalidRequestError):
                await making


async def test_a_delete_that_failed_half_way_is_finished_by_its_repeat() -> None:
    async with open_bench(serving=False) as bench:
        key = await bench.caller()
        shop = await bench.table.tenants.deployment(key.tenant, NAME)
        drift = Drift(
            tenant=key.tenant,
            deployment=NAME,
            kind="class:New",
            count=1,
            first_at=shop.created_at,
            last_at=shop.created_at,
            made_at=shop.created_at,
        )
        await bench.table.drifts.add(drift)
        ill = losing(bench.table.drifts, forget=[UnavailableError(what="the table")])
        deployments = replace(bench.broker.deployments, drifts=ill)

        with pytest.raises(UnavailableError):
            await deployments.delete(key, NAME)
        answer = await deployments.delete(key, NAME)
        left = await bench.table.drifts.list(shop, at=shop.created_at, cursor=None, limit=9)

    assert (answer.status, list(left.items)) == (204, [])


async def test_one_whose_credentials_do_not_open_any_more_can_be_deleted() -> None:
    async with open_bench(serving=False) as bench:
        lost = [ConfigurationError("the table has no such data key")] * 9
        deployments = replace(
            bench.broker.deployments, tenants=losing(bench.table.tenants, deployment=lost)
        )
        answer = await deployments.delete(await bench.caller(), NAME)

    assert answer.status == 204
