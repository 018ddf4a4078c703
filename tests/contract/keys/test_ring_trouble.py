"""Clocks that differ, a stray file, a lost KMS key: what then still encrypts and what opens."""

import asyncio
from dataclasses import dataclass

import pytest

from service.adapters.ring_cipher import (
    COOL_SECONDS,
    LOOK_SECONDS,
    UNKNOWN_SECONDS,
    Depot,
    RingCipher,
)
from service.domain.data_keys import ANNOUNCED_SECONDS, DAY, DataKey, KeyRing
from service.domain.errors import ConfigurationError, UnavailableError
from tests.support.key_keeping import OwnKeys, OwnRing
from tests.support.virtual_time import VirtualClock
from tests.unit.adapters.test_ring_cipher import FILE, Broker, id_in, opened, told

LOST = "AccessDeniedException"


class AheadClock(VirtualClock):
    """A clock of the world that is ahead of another."""

    def __init__(self, clock: VirtualClock, seconds: float) -> None:
        super().__init__()
        self._clock = clock
        self._seconds = seconds

    def now(self) -> float:
        return self._clock.now() + self._seconds

    def monotonic(self) -> float:
        return self._clock.monotonic()


def moved(broker: Broker, *, name: str = "key/2") -> Broker:
    """The same table, and settings that name another KMS key; the one before opens no more."""
    return Broker(ring=broker.ring, keys=OwnKeys(name=name), clock=broker.clock)


@pytest.mark.parametrize("ahead", [5.0, 3_600.0, 40 * DAY])
def test_a_first_key_made_by_a_fast_clock_serves_the_others_at_once(ahead: float) -> None:
    async def story() -> None:
        broker = Broker()
        fast = RingCipher(clock=AheadClock(broker.clock, ahead), rotation_days=30, before=None)
        await fast.begin(Depot(ring=broker.ring, service=broker.keys))
        other = await broker.process()
        kept = other.encrypt("secret", context="x")

        assert await opened(fast, kept) == "secret"
        assert await opened(await broker.process(), kept) == "secret"
        assert len(broker.ring.ring.keys) == 1

    told(story())


def test_a_file_that_only_one_has_closes_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        broker = Broker()
        stray = await broker.process(before=FILE)
        other = await broker.process()
        kept = other.encrypt("secret", context="x")

        assert id_in(kept) == broker.ring.ring.keys[0].id
        assert await opened(stray, kept) == "secret"
        # And whoever encrypts what the others cannot read says so.
        [line] = [each for each in caplog.records if each.msg == "keys.file_encrypts"]
        assert vars(line)["until"] == broker.clock.now() + ANNOUNCED_SECONDS

    told(story())


def test_a_start_says_that_nothing_encrypts_although_nothing_failed() -> None:
    @dataclass
    class Emptied(OwnRing):
        async def add(self, ring: KeyRing, key: DataKey) -> KeyRing:
            await super().add(ring, key)
            return KeyRing(version=1)

    async def story() -> None:
        with pytest.raises(UnavailableError, match="the key that encrypts"):
            await Broker(ring=Emptied()).process()

    told(story())


def test_another_kms_key_starts_over_where_the_one_before_is_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        broker = Broker()
        before = (await broker.process()).encrypt("lost", context="x")
        await broker.clock.sleep(DAY)
        after = moved(broker)
        cipher = await after.process()
        kept = cipher.encrypt("secret", context="x")

        assert id_in(kept) != id_in(before)
        assert await opened(await after.process(), kept) == "secret"
        assert len(broker.ring.ring.keys) == 2
        [line] = [each for each in caplog.records if each.msg == "keys.started_over"]
        assert (vars(line)["refused"], line.levelname) == (id_in(before), "ERROR")
        with pytest.raises(UnavailableError) as caught:
            await opened(cipher, before)
        assert caught.value.is_refused
        # By a clock that is behind, too, it is the best at once.
        behind = RingCipher(clock=AheadClock(broker.clock, -3_600), rotation_days=30, before=None)
        await behind.begin(Depot(ring=broker.ring, service=after.keys))
        assert id_in(behind.encrypt("secret", context="x")) == id_in(kept)

    told(story())


def test_several_that_start_over_agree_on_one_key() -> None:
    async def story() -> None:
        broker = Broker()
        await broker.process()
        after = moved(broker)
        ciphers = await asyncio.gather(*(after.process() for _ in range(4)))

        assert len(broker.ring.ring.keys) == 2
        assert len({id_in(each.encrypt("a", context="x")) for each in ciphers}) == 1

    told(story())


def test_settings_that_differ_make_no_key_for_each_start() -> None:
    async def story() -> None:
        broker = Broker()
        await broker.process()
        after = moved(broker)
        for _ in range(3):
            for each in (broker, after):
                cipher = await each.process()
                assert await opened(cipher, cipher.encrypt("a", context="x")) == "a"

        assert len(broker.ring.ring.keys) == 2

    told(story())


def test_the_same_kms_key_that_refuses_is_no_reason_to_start_over() -> None:
    """A right is missing, or the context is another broker's."""

    async def story() -> None:
        broker = Broker()
        await broker.process()
        with pytest.raises(ConfigurationError, match=LOST):
            await moved(broker, name="key/1").process()

        assert len(broker.ring.ring.keys) == 1

    told(story())


def test_a_key_of_a_lost_kms_key_that_comes_into_use_later_stops_nothing() -> None:
    async def story() -> None:
        broker = Broker()
        await broker.process()
        await broker.clock.sleep(29 * DAY)
        await broker.process()
        after = moved(broker)
        await broker.clock.sleep(DAY - LOOK_SECONDS)
        running = await after.process()
        kept = running.encrypt("secret", context="x")
        await broker.clock.sleep(2 * LOOK_SECONDS)

        assert len(broker.ring.ring.keys) == 3
        assert await opened(running, kept) == "secret"
        late = await after.process()
        assert await opened(late, late.encrypt("a", context="x")) == "a"
        assert len(broker.ring.ring.keys) == 3

    told(story())


def test_a_key_that_is_refused_keeps_no_other_from_being_opened() -> None:
    async def story() -> None:
        broker = Broker()
        kept: list[str] = []
        cipher = await broker.process()
        for _ in range(3):
            kept.append(cipher.encrypt("secret", context="x"))
            await broker.clock.sleep(29 * DAY)
            await opened(cipher, kept[0])
            await broker.clock.sleep(ANNOUNCED_SECONDS)
        assert len({id_in(each) for each in kept}) == 3
        late = await broker.process()
        broker.keys.refused.add(next(iter(broker.keys.wrapped)))
        with pytest.raises(UnavailableError):
            await opened(late, kept[0])

        assert await opened(late, kept[1]) == "secret"
        broker.keys.calls.clear()
        with pytest.raises(UnavailableError) as caught:
            await opened(late, kept[0])
        assert (caught.value.is_refused, broker.keys.calls) == (True, [])
        await broker.clock.sleep(COOL_SECONDS)
        broker.keys.refused.clear()
        assert await opened(late, kept[0]) == "secret"

    told(story())


def test_a_look_that_was_cancelled_is_none() -> None:
    async def story() -> None:
        broker = Broker()
        cipher = await broker.process()
        kept = cipher.encrypt("secret", context="x")
        await broker.clock.sleep(LOOK_SECONDS)
        broker.ring.loads = 0
        asked = asyncio.ensure_future(opened(cipher, kept))
        await asyncio.sleep(0)
        assert broker.ring.loads == 1
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)

        assert await opened(cipher, kept) == "secret"
        assert broker.ring.loads == 2

    told(story())


def test_a_lost_key_is_looked_for_once_a_minute() -> None:
    async def story() -> None:
        broker, elsewhere = Broker(), await Broker().process()
        lost = elsewhere.encrypt("secret", context="x")
        cipher = await broker.process()
        broker.ring.loads = 0
        for _ in range(3):
            with pytest.raises(ConfigurationError):
                await opened(cipher, lost)
        assert broker.ring.loads == 1
        await broker.clock.sleep(UNKNOWN_SECONDS)
        with pytest.raises(ConfigurationError):
            await opened(cipher, lost)

        assert broker.ring.loads == 2

    told(story())
