"""One endpoint that answers slowly costs the others nothing, and no hint is lost on the way.

On virtual time: turns and rests are counted, and a machine that stands still must not add to them.
"""

import asyncio
from typing import Any

from service.domain.ids import EndpointId, SessionId
from service.entrypoints._local.couriers import (
    AT_WORK,
    PLACES,
    REST_SECONDS,
    Class,
    Couriers,
    Known,
)
from service.ports import LaneHint
from tests.support.visit_stage import on_virtual_time

MOST = AT_WORK[Class.GOOD]


NOTHING = Known(is_good=lambda _: True, is_shut=lambda _: False, is_moot=lambda *_: False)
"""Nothing is known that would hold anybody up."""


def hint(endpoint: str, session: int) -> LaneHint:
    return LaneHint(EndpointId(endpoint), SessionId(f"ses_{session}"))


class Yard:
    """Deliveries to `slow` wait until it is told to go on."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str]] = []
        self.times: list[float] = []
        self.parked: set[str] = set()
        self.go_on = asyncio.Event()

    async def deliver(self, hint: LaneHint) -> None:
        self.begun.append((hint.endpoint_id, hint.session_id))
        self.times.append(asyncio.get_running_loop().time())
        if hint.endpoint_id != "fast":
            await self.go_on.wait()

    def count(self, endpoint: str) -> int:
        return sum(name.startswith(endpoint) for name, _ in self.begun)


def couriers_of(yard: Yard, **limits: Any) -> Couriers:  # noqa: ANN401 - fields of Couriers
    """What is called dead is known to be shut, and what is called new was never tried."""
    known = Known(
        is_good=lambda name: not name.startswith(("new", "dead")),
        is_shut=lambda name: name.startswith("dead"),
        is_moot=lambda _, session_id: session_id in yard.parked,
    )
    return Couriers(yard.deliver, known, **limits)


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@on_virtual_time
async def test_a_slow_endpoint_fills_its_own_places_only() -> None:
    yard = Yard()
    couriers = couriers_of(yard)

    for number in range(2 * PLACES):
        couriers.take(hint("slow", number))
    await asyncio.sleep(0.25)
    couriers.take(hint("fast", 1))
    await turns()
    meanwhile = yard.count("slow"), yard.count("fast")
    yard.go_on.set()
    await turns(500)

    assert meanwhile == (PLACES, 1)
    assert yard.count("slow") == 2 * PLACES


@on_virtual_time
async def test_only_some_are_at_work_at_a_time_and_who_has_least_to_do_comes_first() -> None:
    yard = Yard()
    couriers = couriers_of(yard, work_seconds=60.0)

    for number in range(MOST + 5):
        couriers.take(hint("slow", number))
    couriers.take(hint("fast", 1))
    await turns()
    meanwhile = len(yard.begun)
    yard.go_on.set()
    await turns()

    assert meanwhile == MOST
    assert ("fast", "ses_1") in yard.begun[MOST : MOST + 2]
    assert yard.count("slow") == MOST + 5


@on_virtual_time
async def test_those_of_which_nothing_good_is_known_come_after_and_few_at_a_time() -> None:
    yard = Yard()
    couriers = couriers_of(yard, work_seconds=60.0)

    for number in range(40):
        couriers.take(hint(f"new_{number % 20}", number))
    for number in range(3):
        couriers.take(hint("fast", number))
    await turns()
    meanwhile = yard.count("new"), yard.count("fast")
    yard.go_on.set()
    await turns(200)

    assert meanwhile == (AT_WORK[Class.UNSURE], 3)
    assert yard.count("new") == 40


@on_virtual_time
async def test_the_shut_ones_take_turns_one_by_one_and_rest_between() -> None:
    yard = Yard()
    yard.go_on.set()
    couriers = couriers_of(yard)

    for name in ("dead_a", "dead_b"):
        for number in range(3):
            couriers.take(hint(name, number))
    couriers.take(hint("fast", 1))
    await turns()
    meanwhile = yard.count("dead"), yard.count("fast")
    await asyncio.sleep(8 * REST_SECONDS)

    assert meanwhile == (1, 1)
    assert [name[-1] for name, _ in yard.begun if name != "fast"] == [*"aababb"]
    assert yard.times[-1] - yard.times[0] >= 5 * REST_SECONDS


@on_virtual_time
async def test_one_that_hangs_is_at_work_for_a_moment_only() -> None:
    yard = Yard()
    couriers = couriers_of(yard, work_seconds=0.01)

    for number in range(3):
        couriers.take(hint(f"dead_{number}", number))
    await asyncio.sleep(5 * REST_SECONDS)
    hanging = yard.count("dead")
    yard.go_on.set()
    await turns()
    yard.go_on.clear()
    for number in range(2):
        couriers.take(hint(f"dead_{number}", number))
    await asyncio.sleep(0.5 * REST_SECONDS)

    assert hanging == 3
    assert yard.count("dead") - hanging <= 1, "each was counted off once"
    await couriers.stop()


@on_virtual_time
async def test_what_is_known_to_wait_by_its_turn_is_dropped_and_takes_no_turn() -> None:
    yard = Yard()
    yard.go_on.set()
    couriers = couriers_of(yard)

    for number in range(4):
        couriers.take(hint("dead", number))
    yard.parked = {"ses_1", "ses_2"}
    await asyncio.sleep(1.7 * REST_SECONDS)
    meanwhile = list(yard.begun)
    yard.parked = set()
    couriers.take(hint("dead", 1))
    await asyncio.sleep(2.5 * REST_SECONDS)

    assert meanwhile == [("dead", "ses_0"), ("dead", "ses_3")]
    assert yard.begun[2:] == [("dead", "ses_1")], "a later hint for it counts again"


@on_virtual_time
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


@on_virtual_time
async def test_what_waits_is_bounded() -> None:
    yard = Yard()
    couriers = couriers_of(yard, most=2, work_seconds=60.0)

    for number in range(MOST + 5):
        couriers.take(hint("slow", number))
        await turns(2)
    yard.go_on.set()
    await turns()

    assert yard.count("slow") == MOST + 2


@on_virtual_time
async def test_where_nothing_more_may_wait_the_urgent_displaces_what_is_less_so() -> None:
    yard = Yard()
    couriers = couriers_of(yard, most=6, work_seconds=60.0)
    for number in range(20):
        couriers.take(hint("dead", number))
    for number in range(MOST):
        couriers.take(hint("slow", number))
    for number in range(20, 26):
        couriers.take(hint("slow", number))
    couriers.take(hint("other", 1))
    couriers.take(hint("dead", 99))
    await turns()
    meanwhile = yard.count("dead"), yard.count("slow"), yard.count("other")
    yard.go_on.set()
    await asyncio.sleep(3 * REST_SECONDS)

    assert meanwhile == (1, MOST, 0)
    assert (yard.count("slow"), yard.count("other")) == (MOST + 5, 1), "the longest queue gave way"
    assert yard.count("dead") == 1


@on_virtual_time
async def test_one_with_much_to_do_gets_a_turn_however_many_have_little() -> None:
    yard = Yard()
    yard.go_on.set()
    couriers = couriers_of(yard)
    for number in range(MOST + 30):
        couriers.take(hint("big", number))
    for number in range(200):
        couriers.take(hint(f"small{number % 20}", number))
        await asyncio.sleep(0)

    assert yard.count("big") > MOST


@on_virtual_time
async def test_what_took_something_is_not_held_up_by_what_was_seen_before() -> None:
    yard = Yard()
    known = Known(is_good=lambda _: True, is_shut=lambda _: True, is_moot=lambda *_: False)
    couriers = Couriers(yard.deliver, known, work_seconds=60.0)

    for number in range(3):
        couriers.take(hint("back", number))
    await turns()

    assert yard.count("back") == 3
    await couriers.stop()


@on_virtual_time
async def test_a_delivery_that_breaks_gives_its_place_back() -> None:
    begun: list[str] = []

    async def breaks(hint: LaneHint) -> None:
        begun.append(hint.session_id)
        await asyncio.sleep(0)
        raise ZeroDivisionError

    couriers = Couriers(breaks, NOTHING, work_seconds=60.0)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)

    for number in range(2 * MOST):
        couriers.take(hint("whk_1", number))
    await turns()

    assert len(begun) == 2 * MOST


@on_virtual_time
async def test_stopping_ends_what_runs_and_begins_nothing() -> None:
    yard = Yard()
    couriers = couriers_of(yard, work_seconds=60.0)
    for number in range(MOST + 1):
        couriers.take(hint("slow", number))
    await turns()

    await couriers.stop()
    await turns()

    assert yard.count("slow") == MOST


@on_virtual_time
async def test_what_is_under_way_is_waited_for_a_while() -> None:
    yard = Yard()
    ended: list[str] = []

    async def ends(hint: LaneHint) -> None:
        await yard.deliver(hint)
        ended.append(hint.session_id)

    couriers = Couriers(ends, NOTHING)
    couriers.take(hint("slow", 1))
    await turns()
    asyncio.get_running_loop().call_later(0.02, yard.go_on.set)

    await couriers.stop(patience=5.0)

    assert ended == ["ses_1"]


@on_virtual_time
async def test_what_does_not_end_in_time_is_cancelled() -> None:
    yard = Yard()
    couriers = couriers_of(yard)
    couriers.take(hint("slow", 1))
    await turns()

    async with asyncio.timeout(2):
        stopping = asyncio.create_task(couriers.stop(patience=0.02))
        await turns()
        couriers.take(hint("fast", 1))
        await stopping

    assert yard.begun == [("slow", "ses_1")], "and nothing begins meanwhile"
