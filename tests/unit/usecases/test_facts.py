"""Deployments as they are now, what Genesys publishes of them, and ids for decisions."""

import pytest

from service.domain.errors import NotFoundError, PlatformUnavailableError
from service.domain.ids import DeploymentName
from tests.support.store_builders import TENANT
from tests.support.visit_stage import NAME, Stage, on_virtual_time, staged

DOWN = PlatformUnavailableError(what="the configuration", status=503)


def _asked(stage: Stage) -> int:
    return stage.history.calls["configuration"]


@on_virtual_time
async def test_what_the_public_configuration_says_fills_what_is_not_set() -> None:
    async with staged(simulated={"auto_start": True, "clear": False}) as stage:
        found = await stage.assembly.facts.deployment(TENANT, NAME)

        assert (found.auto_start, found.allow_clear) == (True, False)


@on_virtual_time
async def test_what_the_deployment_sets_itself_stays() -> None:
    async with staged(simulated={"auto_start": True}, auto_start=False) as stage:
        assert (await stage.assembly.facts.deployment(TENANT, NAME)).auto_start is False


@on_virtual_time
async def test_the_configuration_is_believed_for_five_minutes() -> None:
    async with staged() as stage:
        facts = stage.assembly.facts
        await facts.deployment(TENANT, NAME)
        await stage.clock.sleep(299)
        await facts.deployment(TENANT, NAME)
        early = _asked(stage)
        await stage.clock.sleep(2)
        await facts.deployment(TENANT, NAME)

        assert (early, _asked(stage)) == (1, 2)


@on_virtual_time
async def test_a_configuration_that_cannot_be_read_is_left_alone_for_a_quarter_minute() -> None:
    async with staged(simulated={"auto_start": True}) as stage:
        facts = stage.assembly.facts
        stage.history.fail("configuration", DOWN)
        without = await facts.deployment(TENANT, NAME)
        await stage.clock.sleep(14)
        await facts.deployment(TENANT, NAME)
        early = _asked(stage)
        await stage.clock.sleep(2)
        known = await facts.deployment(TENANT, NAME)

        assert (without.auto_start, without.allow_clear) == (None, None)
        assert (early, _asked(stage)) == (1, 2)
        assert known.auto_start is True


@on_virtual_time
async def test_a_change_of_the_deployment_is_seen_at_once_and_leaves_nothing_behind() -> None:
    async with staged() as stage:
        facts = stage.assembly.facts
        first = await facts.deployment(TENANT, NAME)
        await stage.deploy(version=first.version, locale="de-DE")
        second = await facts.deployment(TENANT, NAME)

        assert (first.locale, second.locale) == (None, "de-DE")
        assert len(facts._known) == 1  # noqa: SLF001 - what a long-lived listener keeps


@on_virtual_time
async def test_a_deployment_that_does_not_exist_is_not_found() -> None:
    async with staged() as stage:
        with pytest.raises(NotFoundError):
            await stage.assembly.facts.deployment(TENANT, DeploymentName("other"))


@on_virtual_time
async def test_ids_for_a_decision_are_all_different() -> None:
    async with staged() as stage:
        fresh = stage.assembly.facts.fresh()
        names = [
            fresh.client_id,
            *(getattr(ids, name) for ids in (fresh.join, fresh.recap) for name in _NAMES),
        ]

        assert len(set(names)) == len(names) == 7


_NAMES = ("message_id", "tracing_id", "metadata_id")


@on_virtual_time
async def test_the_recap_is_of_the_last_lines_only() -> None:
    async with staged() as stage:
        session = await stage.made()
        for n in range(120):
            await stage.foreign(session, f"line {n}")
        recap = await stage.assembly.facts.recap(session.id, 120)

        assert "line 119" in recap
        assert "line 0" not in recap
