"""Endpoints kept, changed and switched."""

from dataclasses import replace

import pytest

from service.domain.errors import UnavailableError, VersionConflictError
from service.domain.ids import EndpointId
from service.usecases.manage_webhooks import ManageWebhooks
from tests.support.api_bench import Bench, open_bench
from tests.support.losing import losing


async def _made(bench: Bench) -> EndpointId:
    wanted = {"url": "https://example.com/hook", "event_types": ["*"]}
    answer = await bench.broker.webhooks.create(await bench.caller(), wanted, ticket=None)
    assert answer.body is not None
    return EndpointId(answer.body["id"])


def _racing(bench: Bench, times: int) -> ManageWebhooks:
    races = [VersionConflictError(item="webhook")] * times
    tenants = losing(bench.table.tenants, put_endpoint=races)
    return replace(bench.broker.webhooks, tenants=tenants)


async def test_a_change_that_lost_a_race_is_made_again() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id = await _made(bench)

        answer = await _racing(bench, 2).switch(
            await bench.caller(), endpoint_id, on=False, ticket=None
        )

    assert answer.body is not None
    assert answer.body["state"] == "disabled"


async def test_a_change_that_always_loses_is_told() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id = await _made(bench)

        with pytest.raises(UnavailableError):
            await _racing(bench, 99).switch(await bench.caller(), endpoint_id, on=True, ticket=None)


async def test_a_rotation_that_lost_a_race_adds_one_secret() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id = await _made(bench)

        await _racing(bench, 2).rotate(
            await bench.caller(), endpoint_id, grace_seconds=60, ticket=None
        )
        stored = await bench.table.tenants.endpoint(endpoint_id)

    assert len(stored.secrets) == 2


async def test_an_endpoint_that_closes_has_its_lanes_parked() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id = await _made(bench)
        await bench.made()
        bench.hints.lanes.clear()

        await bench.broker.webhooks.switch(await bench.caller(), endpoint_id, on=False, ticket=None)

    assert [hinted for hinted, _, _ in bench.hints.lanes] == [endpoint_id]
