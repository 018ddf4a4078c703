"""One endpoint that answers slowly costs the others nothing, and no hint is lost on the way."""

import asyncio

from service.domain.ids import EndpointId, SessionId
from service.entrypoints._local.couriers import Couriers
from service.ports import LaneHint


def hint(endpoint: str, session: int) -> LaneHint:
    return LaneHint(EndpointId(endpoint), SessionId(f"ses_{session}"))


class Yard:
    """Deliveries to `slow` wait until it is told to go on."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str]] = []
        self.go_on = asyncio.Event()

    async def deliver(self, hint: LaneHint) -> None:
        self.begun.append((hint.endpoint_id, hint.session_id))
        if hint.endpoint_id == "slow":
            await self.go_on.wait()

    def count(self, endpoint: str) -> int:
        return sum(name == endpoint for name, _ in self.begun)


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_slow_endpoint_fills_its_own_places_only() -> None:
    yard = Yard()
    couriers = Couriers(yard.deliver, places=3)

    for number in range(10):
        couriers.take(hint("slow", number))
    couriers.take(hint("fast", 1))
    await turns()
    meanwhile = yard.count("slow"), yard.count("fast")
    yard.go_on.set()
    await turns()

    assert meanwhile == (3, 1)
    assert yard.begun[-7:] == [("slow", f"ses_{number}") for number in range(3, 10)]


async def test_a_lane_that_is_hinted_while_it_is_delivered_is_looked_at_once_more() -> None:
    yard = Yard()
    couriers = Couriers(yard.deliver)

    for _ in range(3):
        couriers.take(hint("slow", 1))
    await turns()
    for _ in range(3):
        couriers.take(hint("slow", 1))
    await turns()
    meanwhile = yard.count("slow")
    yard.go_on.set()
    await turns()

    assert (meanwhile, yard.count("slow")) == (1, 2)


async def test_what_waits_is_bounded() -> None:
    yard = Yard()
    couriers = Couriers(yard.deliver, places=1, most=2)

    for number in range(5):
        couriers.take(hint("slow", number))
        await turns(2)
    yard.go_on.set()
    await turns()

    assert yard.count("slow") == 3


async def test_a_delivery_that_breaks_gives_its_place_back() -> None:
    begun: list[str] = []

    async def breaks(hint: LaneHint) -> None:
        begun.append(hint.session_id)
        await asyncio.sleep(0)
        raise ZeroDivisionError

    couriers = Couriers(breaks, places=1)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)

    couriers.take(hint("whk_1", 1))
    couriers.take(hint("whk_1", 2))
    await turns()

    assert begun == ["ses_1", "ses_2"]


async def test_stopping_ends_what_runs_and_begins_nothing() -> None:
    yard = Yard()
    couriers = Couriers(yard.deliver, places=1)
    couriers.take(hint("slow", 1))
    couriers.take(hint("slow", 2))
    await turns()

    await couriers.stop()
    await turns()

    assert yard.begun == [("slow", "ses_1")]
