"""One endpoint that answers slowly costs the others nothing, and no hint is lost on the way."""

import asyncio
from typing import Any

from service.domain.ids import EndpointId, SessionId
from service.entrypoints._local.couriers import SHUT_PLACES, Couriers
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
        if hint.endpoint_id != "fast":
            await self.go_on.wait()

    def count(self, endpoint: str) -> int:
        return sum(name.startswith(endpoint) for name, _ in self.begun)


def couriers_of(yard: Yard, **limits: Any) -> Couriers:  # noqa: ANN401 - numbers
    """Whatever is called dead is known to be shut."""
    return Couriers(yard.deliver, is_shut=lambda name: name.startswith("dead"), **limits)


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_slow_endpoint_fills_its_own_places_only() -> None:
    yard = Yard()
    couriers = couriers_of(yard, places=3)

    for number in range(10):
        couriers.take(hint("slow", number))
    couriers.take(hint("fast", 1))
    await turns()
    meanwhile = yard.count("slow"), yard.count("fast")
    yard.go_on.set()
    await turns()

    assert meanwhile == (3, 1)
    assert yard.begun[-7:] == [("slow", f"ses_{number}") for number in range(3, 10)]


async def test_endpoints_that_are_shut_share_a_few_places_however_many_they_are() -> None:
    yard = Yard()
    couriers = couriers_of(yard)

    for number in range(40):
        couriers.take(hint(f"dead_{number % 20}", number))
    couriers.take(hint("fast", 1))
    await turns()
    meanwhile = yard.count("dead"), yard.count("fast")
    yard.go_on.set()
    await turns(200)

    assert meanwhile == (SHUT_PLACES, 1)
    assert yard.count("dead") == 40


async def test_a_shut_endpoint_that_hangs_keeps_its_place_for_a_moment_only() -> None:
    yard = Yard()
    couriers = couriers_of(yard, look_seconds=0.02)

    for number in range(3 * SHUT_PLACES):
        couriers.take(hint(f"dead_{number}", number))
    await asyncio.sleep(0.2)
    hanging = yard.count("dead")
    yard.go_on.set()
    await turns()
    for number in range(2 * SHUT_PLACES):
        couriers.take(hint(f"dead_{number}", number))
    yard.go_on.clear()
    await turns()

    assert hanging == 3 * SHUT_PLACES
    assert yard.count("dead") - hanging == SHUT_PLACES, "each place was given back once"


async def test_a_lane_that_is_hinted_while_it_is_delivered_is_looked_at_once_more() -> None:
    yard = Yard()
    couriers = couriers_of(yard)

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
    couriers = couriers_of(yard, places=1, most=2)

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

    couriers = Couriers(breaks, is_shut=lambda _: False, places=1)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)

    couriers.take(hint("whk_1", 1))
    couriers.take(hint("whk_1", 2))
    await turns()

    assert begun == ["ses_1", "ses_2"]


async def test_stopping_ends_what_runs_and_begins_nothing() -> None:
    yard = Yard()
    couriers = couriers_of(yard, places=1)
    couriers.take(hint("slow", 1))
    couriers.take(hint("slow", 2))
    await turns()

    await couriers.stop()
    await turns()

    assert yard.begun == [("slow", "ses_1")]
