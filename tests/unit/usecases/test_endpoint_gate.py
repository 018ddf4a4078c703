"""The gate of an endpoint where couriers meet: who loses a race looks again, or waits."""

from dataclasses import dataclass, field, replace

from service.domain.endpoint import Endpoint
from service.domain.health import Go, Health, Stamp, failed, leave, probing
from service.domain.ids import EndpointId, SessionId
from service.usecases.endpoint_gate import EndpointGate, Pass, Turned
from tests.support.lane_world import LaneWorld
from tests.support.virtual_time import run_virtual

HOOK = EndpointId("whk_1")
ONE, TWO = SessionId("ses_1"), SessionId("ses_2")


@dataclass
class Crowded:
    """A store in which somebody else is faster, so many times."""

    others: list[Health]
    now: Health = field(default_factory=Health)
    written: list[Health] = field(default_factory=list)

    async def health(self, endpoint_id: EndpointId) -> Health:
        return self.now

    async def change_health(self, endpoint_id: EndpointId, before: Health, after: Health) -> Health:
        if self.others:
            self.now = self.others.pop(0)
            return self.now
        self.now = after
        self.written.append(after)
        return after

    async def take_place(
        self, endpoint_id: EndpointId, place: int, *, token: str, now: float, until: float
    ) -> bool:
        return False

    async def leave_place(self, endpoint_id: EndpointId, place: int, *, token: str) -> None:
        raise AssertionError

    async def take_turn(self, endpoint_id: EndpointId, second: int, *, most: int) -> bool:
        return False


def gate(world: LaneWorld, store: Crowded) -> EndpointGate:
    return replace(world.courier().gate, healths=store)


def down(world: LaneWorld) -> Health:
    health = Health()
    for number in range(5):
        stamp = Stamp(by=f"b{number}", at=world.clock.now() - 60)
        health = failed(health, (ONE, TWO)[number % 2], stamp, probed=False) or health
    return health


async def hook(world: LaneWorld) -> Endpoint:
    return await world.endpoint(max_concurrency=4)


def test_who_loses_the_probe_waits_for_what_comes_of_it() -> None:
    async def story() -> None:
        world = LaneWorld()
        shut = down(world)
        theirs = probing(shut, Stamp(by="them", at=world.clock.now()))

        entry = await gate(world, Crowded([theirs])).enter(await hook(world), shut)

        assert theirs.probe_at is not None
        assert entry == Turned(theirs.probe_at, down=True)

    run_virtual(story())


def test_who_loses_the_probe_to_one_whose_time_is_over_comes_again_soon() -> None:
    async def story() -> None:
        world = LaneWorld()
        shut = down(world)
        stale = replace(shut, version=9, by="them")

        entry = await gate(world, Crowded([stale])).enter(await hook(world), shut)

        assert isinstance(entry, Turned)
        assert not entry.down
        assert 0 < entry.until - world.clock.now() <= 1

    run_virtual(story())


def test_an_endpoint_without_a_free_place_is_asked_again_soon() -> None:
    async def story() -> None:
        world = LaneWorld()

        entry = await gate(world, Crowded([])).enter(await hook(world), Health())

        assert isinstance(entry, Turned)
        assert 1 <= entry.until - world.clock.now() <= 2

    run_virtual(story())


def test_a_run_without_a_place_gives_none_back() -> None:
    async def story() -> None:
        await gate(LaneWorld(), Crowded([])).go_out(HOOK, Pass(health=Health()))

    run_virtual(story())


def test_a_failure_is_added_to_what_others_wrote_meanwhile() -> None:
    async def story() -> None:
        world, theirs = LaneWorld(), Health(version=3, by="them", failed=4, lanes=(ONE, TWO))
        store = Crowded([theirs])

        told = await gate(world, store).tell_failure(HOOK, ONE, Health(), probed=False)

        assert (told.failed, told.version) == (5, 4)
        assert told.probe_at is not None

    run_virtual(story())


def test_who_finds_it_down_already_adds_nothing() -> None:
    async def story() -> None:
        world = LaneWorld()
        store = Crowded([down(world)])

        told = await gate(world, store).tell_failure(HOOK, ONE, Health(), probed=False)

        assert told == down(world)
        assert store.written == []

    run_virtual(story())


def test_in_a_crowd_that_does_not_end_the_table_is_left_as_it_is() -> None:
    async def story() -> None:
        world = LaneWorld()
        crowd = [Health(version=n, by="them", failed=1) for n in range(2, 20)]

        failure = Crowded(list(crowd))
        await gate(world, failure).tell_failure(HOOK, ONE, Health(), probed=False)
        success = Crowded(list(crowd))
        await gate(world, success).tell_success(HOOK, Health(version=1, failed=1))
        pause = Crowded(list(crowd))
        await gate(world, pause).tell_pause(HOOK, Health(), until=world.clock.now() + 60)

        assert failure.written == success.written == pause.written == []

    run_virtual(story())


def test_a_pause_is_written_into_what_others_wrote_and_the_longer_one_stays() -> None:
    async def story() -> None:
        world, until = LaneWorld(), 0.0
        until = world.clock.now() + 60
        store = Crowded([Health(version=3, by="them", failed=2)])
        told = await gate(world, store).tell_pause(HOOK, Health(), until=until)
        assert (told.failed, told.paused_until) == (2, until)

        longer = Crowded([Health(version=3, by="them", paused_until=until + 60)])
        told = await gate(world, longer).tell_pause(HOOK, Health(), until=until)
        assert told.paused_until == until + 60
        assert longer.written == []

    run_virtual(story())


def test_a_success_that_others_told_already_is_no_news() -> None:
    async def story() -> None:
        world = LaneWorld()
        store = Crowded([Health(version=3, by="them")])

        told = await gate(world, store).tell_success(HOOK, Health(version=2, failed=1))

        assert leave(told, now=world.clock.now()) == Go()
        assert store.written == []

    run_virtual(story())


def test_the_rate_is_waited_for_until_there_is_no_time_left() -> None:
    async def story() -> None:
        world = LaneWorld()
        endpoint = await world.endpoint(rate_limit=1)
        begun = world.clock.monotonic()

        got = await gate(world, Crowded([])).wait_for_turn(endpoint, until=begun + 5)

        assert not got
        assert 3 < world.clock.monotonic() - begun <= 5

    run_virtual(story())
