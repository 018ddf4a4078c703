"""Data keys come and go, processes know different ones, KMS is away; what was kept comes back."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.cipher import AesCipher
from service.adapters.ring_cipher import (
    COOL_SECONDS,
    LOOK_SECONDS,
    PATIENCE_SECONDS,
    Depot,
    RingCipher,
)
from service.adapters.table.unsealing import unsealed
from service.domain.data_keys import ANNOUNCED_SECONDS, DAY
from service.domain.errors import ConfigurationError, UnavailableError
from service.ports import SealedError
from tests.support.key_keeping import OwnKeys, OwnRing
from tests.support.virtual_time import VirtualClock, run_virtual

FILE = AesCipher(bytes(range(32)))
AWAY = UnavailableError(what="KMS (ThrottlingException)")
REFUSED = ConfigurationError("BROKER_KMS_KEY: KMS refuses: DisabledException")


@dataclass
class Broker:
    """What processes of one broker share, and their clock."""

    ring: OwnRing = field(default_factory=OwnRing)
    keys: OwnKeys = field(default_factory=OwnKeys)
    clock: VirtualClock = field(default_factory=VirtualClock)

    async def process(self, *, before: AesCipher | None = None) -> RingCipher:
        made = self.unbegun(before=before)
        await made.begin(Depot(ring=self.ring, service=self.keys))
        return made

    def unbegun(self, *, before: AesCipher | None = None) -> RingCipher:
        return RingCipher(clock=self.clock, rotation_days=30, before=before)


def told(story: Coroutine[Any, Any, None]) -> None:
    run_virtual(story, longest=400 * DAY)


async def opened(cipher: RingCipher, kept: str, context: str = "x") -> str:
    return await unsealed(lambda: cipher.decrypt(kept, context=context))


def id_in(kept: str) -> str:
    scheme, key_id, _ = kept.split(".")
    assert scheme == "v2"
    return key_id


@given(text=st.text(st.characters()), context=st.text(st.characters(codec="utf-8")))
def test_what_is_encrypted_comes_back_in_another_process(text: str, context: str) -> None:
    async def story() -> None:
        broker = Broker()
        one, other = await broker.process(), await broker.process()
        kept = one.encrypt(text, context=context)

        assert await opened(other, kept, context) == text
        assert one.encrypt(text, context=context) != kept
        with pytest.raises(ConfigurationError):
            await opened(other, kept, f"{context}, another")

    told(story())


def test_a_start_asks_each_of_table_and_key_service_once() -> None:
    async def story() -> None:
        broker = Broker()
        await broker.process()
        first, broker.keys.calls, broker.ring.loads = broker.keys.calls, [], 0
        await broker.process()

        assert first == ["make"]
        assert (broker.keys.calls, broker.ring.loads) == (["unwrap"], 1)

    told(story())


def test_two_processes_that_make_the_first_key_at_once_agree_on_one() -> None:
    async def story() -> None:
        broker = Broker()
        ciphers = await asyncio.gather(*(broker.process() for _ in range(4)))

        assert len(broker.ring.ring.keys) == 1
        assert {id_in(each.encrypt("a", context="x")) for each in ciphers} == {
            broker.ring.ring.keys[0].id
        }

    told(story())


def test_a_process_that_knows_no_newer_key_fetches_it_when_it_meets_its_work() -> None:
    async def story() -> None:
        broker = Broker()
        asleep = await broker.process()
        await broker.clock.sleep(29 * DAY)
        awake = await broker.process()
        await broker.clock.sleep(ANNOUNCED_SECONDS)
        kept = awake.encrypt("secret", context="x")
        broker.ring.loads = 0

        assert len(broker.ring.ring.keys) == 2
        assert id_in(kept) == broker.ring.ring.keys[1].id
        assert await opened(asleep, kept) == "secret"
        assert broker.ring.loads == 1

    told(story())


def test_a_key_that_another_process_added_since_the_last_look_is_found() -> None:
    async def story() -> None:
        broker = Broker()
        one = await broker.process()
        broker.ring.ring, hidden = type(broker.ring.ring)(), broker.ring.ring
        # As if the table had been restored to an earlier time: a second first key.
        other = await broker.process()
        broker.ring.ring = type(hidden)(version=2, keys=(*hidden.keys, *broker.ring.ring.keys))

        assert await opened(one, other.encrypt("secret", context="x")) == "secret"

    told(story())


def test_everything_ever_kept_stays_readable_through_a_year_of_rotation() -> None:
    async def story() -> None:
        broker = Broker()
        cipher = await broker.process()
        kept: list[str] = []
        for day in range(365):
            kept.append(cipher.encrypt(str(day), context="x"))
            await broker.clock.sleep(DAY)
            assert await opened(cipher, kept[0]) == "0"
        late = await broker.process()
        broker.keys.calls.clear()

        assert [await opened(late, each) for each in kept] == [str(day) for day in range(365)]
        assert len({id_in(each) for each in kept}) == 13
        # One each for the old ones, when they are met, and never again.
        assert broker.keys.calls == ["unwrap"] * 12

    told(story())


def test_an_announced_key_is_open_before_it_is_used_so_kms_may_be_away_then() -> None:
    async def story() -> None:
        broker = Broker()
        cipher = await broker.process()
        kept = cipher.encrypt("old", context="x")
        await broker.clock.sleep(29 * DAY)
        await broker.process()
        await broker.clock.sleep(ANNOUNCED_SECONDS - LOOK_SECONDS)
        await opened(cipher, kept)
        broker.keys.away = AWAY
        await broker.clock.sleep(LOOK_SECONDS)

        assert id_in(cipher.encrypt("new", context="x")) == broker.ring.ring.keys[1].id

    told(story())


def test_what_is_open_goes_on_while_table_and_key_service_are_away() -> None:
    async def story() -> None:
        broker = Broker()
        cipher = await broker.process()
        kept = cipher.encrypt("secret", context="x")
        broker.keys.away = broker.ring.away = AWAY
        await broker.clock.sleep(60 * DAY)
        broker.ring.loads = 0

        assert await opened(cipher, kept) == "secret"
        assert await opened(cipher, cipher.encrypt("another", context="x")) == "another"
        # Asked again soon, and not each time.
        await broker.clock.sleep(PATIENCE_SECONDS - 1)
        await opened(cipher, kept)
        assert broker.ring.loads == 1
        await broker.clock.sleep(1)
        await opened(cipher, kept)
        assert broker.ring.loads == 2
        broker.keys.away = broker.ring.away = None
        await broker.clock.sleep(PATIENCE_SECONDS)
        await opened(cipher, kept)
        assert len(broker.ring.ring.keys) == 2

    told(story())


def test_others_go_on_with_what_is_open_while_one_looks() -> None:
    async def story() -> None:
        broker = Broker()
        cipher = await broker.process()
        kept = cipher.encrypt("secret", context="x")
        await broker.clock.sleep(LOOK_SECONDS)
        broker.ring.loads = 0
        both = [asyncio.ensure_future(opened(cipher, kept)) for _ in range(2)]
        await asyncio.sleep(0)

        assert cipher.decrypt(kept, context="x") == "secret"
        assert await asyncio.gather(*both) == ["secret", "secret"]
        assert broker.ring.loads == 1

    told(story())


def test_two_that_want_a_look_at_once_look_once() -> None:
    async def story() -> None:
        broker = Broker()
        cipher = await broker.process()
        kept = cipher.encrypt("secret", context="x")
        await broker.clock.sleep(LOOK_SECONDS)
        broker.ring.loads = 0
        wants: list[SealedError] = []
        for _ in range(2):
            with pytest.raises(SealedError) as caught:
                cipher.decrypt(kept, context="x")
            wants.append(caught.value)
        for each in wants:
            await each.fetch()

        assert broker.ring.loads == 1

    told(story())


@pytest.mark.parametrize("fault", [AWAY, REFUSED])
def test_what_cannot_be_opened_now_is_unavailable_and_not_lost(fault: Exception) -> None:
    async def story() -> None:
        broker = Broker()
        kept = (await broker.process()).encrypt("secret", context="x")
        await broker.clock.sleep(31 * DAY)
        await broker.process()
        await broker.clock.sleep(ANNOUNCED_SECONDS)
        late = await broker.process()
        broker.keys.away = fault
        broker.keys.calls.clear()
        for _ in range(3):
            with pytest.raises(UnavailableError):
                await opened(late, kept)

        # A whole broker that asks at once would keep KMS throttled.
        assert broker.keys.calls == ["unwrap"]
        broker.keys.away = None
        await broker.clock.sleep(COOL_SECONDS)
        assert await opened(late, kept) == "secret"

    told(story())


def test_several_that_meet_the_same_key_have_it_opened_once() -> None:
    async def story() -> None:
        broker = Broker()
        kept = (await broker.process()).encrypt("secret", context="x")
        await broker.clock.sleep(31 * DAY)
        await broker.process()
        await broker.clock.sleep(ANNOUNCED_SECONDS)
        late = await broker.process()
        broker.keys.calls.clear()

        assert await asyncio.gather(*(opened(late, kept) for _ in range(5))) == ["secret"] * 5
        assert broker.keys.calls == ["unwrap"]

    told(story())


def test_a_key_that_is_nowhere_is_said_to_be_lost() -> None:
    async def story() -> None:
        elsewhere = await Broker().process()
        kept = elsewhere.encrypt("secret", context="x")
        with pytest.raises(ConfigurationError, match=id_in(kept)):
            await opened(await Broker().process(), kept)

    told(story())


@pytest.mark.parametrize("kept", ["v2.", "v2.x", "v2..AAAA", "v3.x.AAAA", "plain"])
def test_what_is_no_ciphertext_does_not_open(kept: str) -> None:
    async def story() -> None:
        with pytest.raises(ConfigurationError):
            await opened(await Broker().process(before=FILE), kept)

    told(story())


def test_a_start_fails_where_nothing_could_be_encrypted() -> None:
    async def story() -> None:
        broker = Broker()
        await broker.process()
        for fault in (AWAY, REFUSED):
            broker.keys.away = fault
            for each in (broker, Broker(keys=broker.keys)):
                with pytest.raises(type(fault)):
                    await each.process()
        broker.keys.away = None
        broker.ring.away = AWAY
        with pytest.raises(UnavailableError):
            await broker.process()

    told(story())


def test_a_start_with_the_key_in_use_needs_no_new_one() -> None:
    """Rotation is due and its right is missing: no reason to be down."""

    async def story() -> None:
        broker = Broker()
        kept = (await broker.process()).encrypt("secret", context="x")
        await broker.clock.sleep(40 * DAY)
        service = OwnKeys(wrapped=broker.keys.wrapped)
        late = broker.unbegun()

        async def refused() -> Any:  # noqa: ANN401 - it never returns
            raise REFUSED

        service.make = refused  # type: ignore[method-assign]
        await late.begin(Depot(ring=broker.ring, service=service))

        assert await opened(late, kept) == "secret"
        assert id_in(late.encrypt("a", context="x")) == id_in(kept)

    told(story())


def test_nothing_is_encrypted_before_the_beginning() -> None:
    async def story() -> None:
        cipher = Broker().unbegun()
        with pytest.raises(UnavailableError):
            cipher.encrypt("secret", context="x")

    told(story())


def test_nothing_of_a_ring_opens_before_the_beginning() -> None:
    async def story() -> None:
        with pytest.raises(UnavailableError):
            await opened(Broker().unbegun(), "v2.0123456789ab.AAAA")

    told(story())


def test_a_broker_moves_from_a_file_to_kms_without_loss() -> None:
    async def story() -> None:
        broker = Broker()
        ancient = FILE.encrypt("ancient", context="x")
        moved = await broker.process(before=FILE)
        first = moved.encrypt("first", context="x")
        # Processes of the settings before are still there, and read what this one writes.
        assert FILE.decrypt(first, context="x") == "first"
        restarted = await broker.process(before=FILE)
        await broker.clock.sleep(ANNOUNCED_SECONDS)
        # It looks when it reads; until then the file serves, and every process has that.
        assert restarted.encrypt("still", context="x").startswith("v1.")
        await opened(restarted, ancient)
        second = restarted.encrypt("second", context="x")

        assert id_in(second) == broker.ring.ring.keys[0].id
        for cipher in (moved, restarted, await broker.process(before=FILE)):
            assert await opened(cipher, ancient) == "ancient"
            assert await opened(cipher, first) == "first"
            assert await opened(cipher, second) == "second"
        without = await broker.process()
        assert await opened(without, second) == "second"
        with pytest.raises(ConfigurationError, match="BROKER_DATA_DIR"):
            await opened(without, ancient)

    told(story())


def test_a_move_begins_only_where_kms_lets_it() -> None:
    async def story() -> None:
        broker = Broker(keys=OwnKeys(away=REFUSED))
        with pytest.raises(ConfigurationError, match="DisabledException"):
            await broker.process(before=FILE)

    told(story())


def test_a_start_during_a_move_goes_on_with_the_file() -> None:
    async def story() -> None:
        broker = Broker()
        await broker.process(before=FILE)
        await broker.clock.sleep(ANNOUNCED_SECONDS - 1)
        broker.keys.away = AWAY
        cipher = await broker.process(before=FILE)

        assert FILE.decrypt(cipher.encrypt("secret", context="x"), context="x") == "secret"

    told(story())


def test_nothing_that_is_logged_shows_a_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    async def story() -> None:
        broker = Broker()
        await broker.process()
        broker.keys.away = AWAY
        with pytest.raises(UnavailableError):
            await broker.process()
        lines = " ".join(str(record.__dict__) for record in caplog.records)

        assert "keys.announced" in lines
        assert "keys.not_opened" in lines
        for plain in broker.keys.wrapped.values():
            assert plain.hex() not in lines
            assert repr(plain) not in lines
        assert "plain" not in repr(await OwnKeys().make())

    told(story())
