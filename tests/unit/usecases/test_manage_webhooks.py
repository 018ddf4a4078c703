"""Endpoints kept, changed and switched."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from service.adapters.system import SystemClock, SystemIds
from service.domain.endpoint import EndpointState
from service.domain.errors import (
    ConfigurationError,
    NotFoundError,
    UnavailableError,
    VersionConflictError,
)
from service.domain.health import Health
from service.domain.ids import EndpointId, TenantName
from service.domain.told import Stage, Told
from service.usecases.manage_webhooks import CHANGE_PAUSE_SECONDS, ManageWebhooks
from service.usecases.moot_hints import KNOWN_SECONDS
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


async def test_many_changes_at_once_are_all_made() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, key = await _made(bench), await bench.caller()
        headers = [{f"x-n-{n}": "1"} for n in range(25)]
        webhooks = replace(bench.broker.webhooks, clock=SystemClock(), ids=SystemIds())

        answers = await asyncio.gather(
            *(
                webhooks.change(key, endpoint_id, changes={"headers": one}, ticket=None)
                for one in headers
            )
        )
        stored = await bench.table.tenants.endpoint(endpoint_id)

    assert [answer.status for answer in answers] == [200] * 25
    assert stored.version == 26


async def test_a_change_that_keeps_losing_waits_a_few_seconds_at_most() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, key = await _made(bench), await bench.caller()
        began = bench.clock.monotonic()

        await _racing(bench, 11).switch(key, endpoint_id, on=False, ticket=None)

        waited = bench.clock.monotonic() - began
    most = 2 * CHANGE_PAUSE_SECONDS * (1 + 2 + 4 + 8 + 16 * 7)
    assert 0 < waited < most


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


DOWN = Health(version=1, by="them", failed=25, failing_since=1.0, probe_at=9e12, probes=7)


async def _down(bench: Bench) -> EndpointId:
    endpoint_id = await _made(bench)
    await bench.table.healths.change_health(endpoint_id, Health(), DOWN)
    return endpoint_id


async def test_what_was_found_of_an_endpoint_is_forgotten_when_it_is_opened() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, key = await _down(bench), await bench.caller()
        webhooks = bench.broker.webhooks

        await webhooks.switch(key, endpoint_id, on=False, ticket=None)
        closed = await bench.table.healths.health(endpoint_id)
        await webhooks.switch(key, endpoint_id, on=True, ticket=None)
        opened = await bench.table.healths.health(endpoint_id)

    assert closed == DOWN
    assert (opened.is_well, opened.failing_since, opened.version) == (True, None, 2)


async def test_another_address_is_another_endpoint_and_another_name_is_not() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, key = await _down(bench), await bench.caller()
        webhooks = bench.broker.webhooks

        await webhooks.change(key, endpoint_id, changes={"description": "x"}, ticket=None)
        renamed = await bench.table.healths.health(endpoint_id)
        moved = {"url": "https://example.com/new"}
        await webhooks.change(key, endpoint_id, changes=moved, ticket=None)
        elsewhere = await bench.table.healths.health(endpoint_id)

    assert renamed == DOWN
    assert elsewhere.is_well


GONE = "the endpoint answered 410 Gone, twice"


@pytest.mark.parametrize("pauses", [False, True])
async def test_one_that_the_broker_disabled_is_watched_until_it_is_back(*, pauses: bool) -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, key = await _made(bench), await bench.caller()
        webhooks, tenants = bench.broker.webhooks, bench.table.tenants
        now = await tenants.endpoint(endpoint_id)
        closed = replace(now, state=EndpointState.DISABLED, disabled_reason=GONE)
        await tenants.put_endpoint(closed, expected_version=now.version, idempotency=None)

        await webhooks.change(key, endpoint_id, changes={"description": "x"}, ticket=None)
        before = await bench.table.healths.health(endpoint_id)
        if pauses:
            paused = {"state": EndpointState.PAUSED, "disabled_reason": None}
            await webhooks.change(key, endpoint_id, changes=paused, ticket=None)
        await webhooks.switch(key, endpoint_id, on=True, ticket=None)
        after = await bench.table.healths.health(endpoint_id)

    assert before.told == ()
    assert [(each.stage, each.stands) for each in after.told] == [(Stage.DISABLED, True)]


async def test_what_its_owner_did_himself_is_no_news_and_what_he_was_told_stands() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, key = await _made(bench), await bench.caller()
        webhooks, healths = bench.broker.webhooks, bench.table.healths
        told = replace(DOWN, told=(Told(stage=Stage.DOWN, at=1.0),))
        await healths.change_health(endpoint_id, Health(), told)

        for on in (False, True):
            await webhooks.switch(key, endpoint_id, on=on, ticket=None)
        after = await healths.health(endpoint_id)

    assert (after.is_well, after.told) == (True, told.told)


async def test_each_opening_and_each_move_is_counted() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, key = await _made(bench), await bench.caller()
        webhooks, seen = bench.broker.webhooks, []

        for on in (True, False, True):
            await webhooks.switch(key, endpoint_id, on=on, ticket=None)
            seen.append((await bench.table.tenants.endpoint(endpoint_id)).openings)
        moved = {"url": "https://example.com/new"}
        await webhooks.change(key, endpoint_id, changes=moved, ticket=None)
        seen.append((await bench.table.tenants.endpoint(endpoint_id)).openings)

    assert seen == [0, 0, 1, 2]


async def test_what_couriers_write_meanwhile_is_forgotten_too_but_not_for_ever() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, key = await _made(bench), await bench.caller()
        await bench.broker.webhooks.switch(key, endpoint_id, on=False, ticket=None)
        busy, endless = Crowd(times=2), Crowd(times=99)

        for crowd in (busy, endless):
            webhooks = replace(bench.broker.webhooks, healths=crowd)  # type: ignore[arg-type]  # what is used of it
            await webhooks.switch(key, endpoint_id, on=False, ticket=None)
            opened = await webhooks.switch(key, endpoint_id, on=True, ticket=None)
            assert opened.body is not None
            assert opened.body["state"] == "active"

    assert busy.now.is_well
    assert not endless.now.is_well


@dataclass
class Crowd:
    """A health that somebody else changes first, so many times."""

    times: int
    now: Health = DOWN

    async def health(self, endpoint_id: EndpointId) -> Health:
        return self.now

    async def change_health(self, endpoint_id: EndpointId, before: Health, after: Health) -> Health:
        self.times -= 1
        self.now = after if self.times < 0 else replace(self.now, version=self.now.version + 1)
        return self.now


async def test_an_endpoint_that_closes_has_its_lanes_parked() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id = await _made(bench)
        await bench.made()
        bench.hints.lanes.clear()

        await bench.broker.webhooks.switch(await bench.caller(), endpoint_id, on=False, ticket=None)

    assert [hinted for hinted, _, _ in bench.hints.lanes] == [endpoint_id]


async def test_one_that_opens_wakes_its_lanes_when_no_courier_takes_it_for_shut_any_more() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, key = await _down(bench), await bench.caller()
        await bench.made()
        delays = []

        for on in (False, True):
            bench.hints.lanes.clear()
            await bench.broker.webhooks.switch(key, endpoint_id, on=on, ticket=None)
            delays += [delay for _, _, delay in bench.hints.lanes]

    assert delays == [0.0, KNOWN_SECONDS]


async def test_one_whose_secrets_do_not_open_any_more_can_be_deleted_by_its_owner_alone() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, key = await _made(bench), await bench.caller()
        lost = [ConfigurationError("the table has no such data key")] * 9
        webhooks = replace(
            bench.broker.webhooks, tenants=losing(bench.table.tenants, endpoint=lost)
        )
        with pytest.raises(NotFoundError):
            await webhooks.delete(replace(key, tenant=TenantName("other")), endpoint_id)
        answer = await webhooks.delete(key, endpoint_id)

    assert answer.status == 204
