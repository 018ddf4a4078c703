"""Upgrades that are refused, limited or never answered."""

import asyncio

import pytest
from websockets.exceptions import InvalidStatus

from service.simulator.deployments import Bot, Deployment
from service.simulator.server import SimulatorServer
from tests.integration.simulator.line import joined, opened, simulator
from tests.support.machine import eventually


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_an_upgrade_is_denied_with_the_ordered_status(status: int) -> None:
    async with simulator() as sim:
        sim.control.fault("deny_handshake", status=status, retry_after=2)

        with pytest.raises(InvalidStatus) as denied:
            async with opened(sim):
                pass

        assert denied.value.response.status_code == status
        retry_after = denied.value.response.headers.get("Retry-After")
        assert retry_after == ("2" if status in (429, 503) else None)
        async with joined(sim) as line:
            await line.say("the next one works")
            assert (await line.hear())["code"] == 200


async def test_a_restricted_deployment_wants_a_known_origin() -> None:
    shop = Deployment(bot=Bot.SILENT, allow_all_domains=False, allowed_domains=("shop.test",))
    async with simulator(shop) as sim:
        for origin in (None, "https://evil.test"):
            with pytest.raises(InvalidStatus):
                async with opened(sim, origin=origin):
                    pass
        async with joined(sim, origin="https://www.shop.test"):
            pass

        assert [each["status"] for each in sim.control.handshakes()] == [403, 403, 101]


async def test_a_hanging_upgrade_ends_when_the_client_gives_up() -> None:
    async with simulator() as sim:
        sim.control.fault("hang_handshake")

        opening = asyncio.create_task(_open(sim))
        await eventually(lambda: bool(_struck(sim)), what="the hanging upgrade")
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening

        async with joined(sim):
            pass


async def _open(sim: SimulatorServer) -> None:
    async with opened(sim):
        raise AssertionError("it was answered")


def _struck(sim: SimulatorServer) -> object:
    return sim.control.faults()["struck"]
