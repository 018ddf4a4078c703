"""The real clock and the real ids keep what their ports promise."""

import asyncio
import base64
import re
from uuid import UUID

import pytest
from ulid import ULID

from service.adapters.system import SystemClock, SystemIds
from tests.support.ed25519 import private_key


def test_ulids_rise_strictly_inside_a_millisecond() -> None:
    ids = SystemIds()

    made = [ids.ulid("evt") for _ in range(5_000)]

    assert made == sorted(set(made))


def test_ulids_rise_although_the_clock_is_set_back() -> None:
    times = iter([2_000_000_000_000, 1_000_000_000_000, 2_000_000_000_000, 3_000_000_000_000])
    ids = SystemIds(now_ns=lambda: next(times))

    made = [ids.ulid("evt") for _ in range(4)]

    assert made == sorted(set(made))


def test_a_ulid_carries_its_prefix_and_its_time() -> None:
    clock = SystemClock()

    made = SystemIds().ulid("ses")

    prefix, _, text = made.partition("_")
    assert prefix == "ses"
    assert ULID.from_str(text).timestamp == pytest.approx(clock.now(), abs=5)


def test_two_sources_do_not_meet() -> None:
    assert SystemIds().ulid("evt") != SystemIds().ulid("evt")


def test_a_uuid_is_a_random_one_in_lower_case() -> None:
    made = SystemIds().uuid()

    assert made == made.lower()
    assert UUID(made).version == 4


def test_a_secret_is_32_bytes_in_the_url_alphabet() -> None:
    made = SystemIds().secret()

    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", made)


def test_a_signing_secret_has_its_prefix_and_32_bytes() -> None:
    made = SystemIds().signing_secret()

    assert made.startswith("whsec_")
    assert len(base64.b64decode(made.removeprefix("whsec_"), validate=True)) == 32


def test_a_signing_pair_is_a_seed_with_its_public_half_and_never_the_same() -> None:
    ids = SystemIds()

    made = {ids.signing_pair() for _ in range(10)}

    assert len(made) == 10
    for pair in made:
        assert private_key(base64.b64decode(pair.removeprefix("whsk_"), validate=True)[:32]) == pair


def test_jitter_lies_below_one_and_varies() -> None:
    ids = SystemIds()

    drawn = [ids.jitter() for _ in range(100)]

    assert all(0 <= number < 1 for number in drawn)
    assert len(set(drawn)) > 90


async def test_a_timeout_cancels_the_block() -> None:
    with pytest.raises(TimeoutError):
        async with SystemClock().timeout(0.01):
            await asyncio.Event().wait()


async def test_no_timeout_waits_as_long_as_it_takes() -> None:
    clock = SystemClock()
    started = clock.monotonic()

    async with clock.timeout(None):
        await clock.sleep(0.02)

    assert clock.monotonic() - started >= 0.015
