"""Which keys an endpoint has, and until when."""

import pytest

from service.domain.endpoint import SigningSecret
from service.domain.errors import InvalidRequestError
from service.webhook.keys import public_key
from service.webhook.rotation import GRACE_SECONDS, first_keys, rotated, shown_public_key, switched
from service.webhook.signing import current_secrets
from tests.support.ed25519 import private_key

NOW = 1_000.0
ONE, TWO, THREE = "whsec_one", "whsec_two", "whsec_three"
PAIR_ONE, PAIR_TWO, PAIR_THREE = (private_key(bytes([n]) * 32) for n in (1, 2, 3))


def _told(keys: object) -> list[tuple[str, float | None]]:
    assert isinstance(keys, tuple)
    return [(key.secret, key.expires_at) for key in keys]


def test_an_endpoint_begins_with_a_secret_and_a_pair_if_asked() -> None:
    assert _told(first_keys(ONE, pair=None)) == [(ONE, None)]
    assert _told(first_keys(ONE, pair=PAIR_ONE)) == [(ONE, None), (PAIR_ONE, None)]


def test_a_rotation_replaces_both_kinds_and_lets_the_old_sign_for_the_grace() -> None:
    keys = first_keys(ONE, pair=PAIR_ONE)

    after = rotated(keys, secret=TWO, pair=PAIR_TWO, now=NOW, grace_seconds=60)

    assert _told(after) == [
        (TWO, None),
        (PAIR_TWO, None),
        (ONE, NOW + 60),
        (PAIR_ONE, NOW + 60),
    ]
    assert shown_public_key(after) == public_key(PAIR_TWO)
    assert current_secrets(after, NOW + 59.9) == [TWO, PAIR_TWO, ONE, PAIR_ONE]
    assert current_secrets(after, NOW + 60) == [TWO, PAIR_TWO]


def test_an_endpoint_without_a_pair_is_not_given_one_by_a_rotation() -> None:
    after = rotated(first_keys(ONE, pair=None), secret=TWO, pair=PAIR_TWO, now=NOW, grace_seconds=9)

    assert _told(after) == [(TWO, None), (ONE, NOW + 9)]
    assert shown_public_key(after) is None


def test_a_second_rotation_within_the_grace_never_lengthens_it() -> None:
    once = rotated(first_keys(ONE, pair=None), secret=TWO, pair="", now=NOW, grace_seconds=60)

    longer = rotated(once, secret=THREE, pair="", now=NOW + 30, grace_seconds=600)
    shorter = rotated(once, secret=THREE, pair="", now=NOW + 30, grace_seconds=10)

    assert _told(longer) == [(THREE, None), (TWO, NOW + 630), (ONE, NOW + 60)]
    assert _told(shorter) == [(THREE, None), (TWO, NOW + 40), (ONE, NOW + 40)]


def test_no_grace_leaves_only_the_new() -> None:
    once = rotated(first_keys(ONE, pair=None), secret=TWO, pair="", now=NOW, grace_seconds=60)

    assert _told(rotated(once, secret=THREE, pair="", now=NOW, grace_seconds=0)) == [(THREE, None)]


def test_a_secret_that_comes_back_is_not_its_own_predecessor() -> None:
    once = rotated(first_keys(ONE, pair=None), secret=TWO, pair="", now=NOW, grace_seconds=60)

    back = rotated(once, secret=ONE, pair="", now=NOW, grace_seconds=60)
    same = rotated(once, secret=TWO, pair="", now=NOW, grace_seconds=60)

    assert _told(back) == [(ONE, None), (TWO, NOW + 60)]
    assert _told(same) == [(TWO, None), (ONE, NOW + 60)]


@pytest.mark.parametrize("pair", [None, PAIR_ONE])
def test_ten_old_keys_sign_and_an_eleventh_is_refused_unless_all_end(pair: str | None) -> None:
    keys = first_keys(ONE, pair=pair)
    for number in range(10):
        keys = rotated(
            keys,
            secret=f"whsec_{number}",
            pair=private_key(bytes([100 + number]) * 32),
            now=NOW + number,
            grace_seconds=60,
        )
    assert len(current_secrets(keys, NOW + 10)) == (11 if pair is None else 22)

    with pytest.raises(InvalidRequestError, match="10 old keys") as refused:
        rotated(keys, secret=TWO, pair=PAIR_TWO, now=NOW + 10, grace_seconds=60)
    ended = rotated(keys, secret=TWO, pair=PAIR_TWO, now=NOW + 10, grace_seconds=0)
    later = rotated(keys, secret=TWO, pair=PAIR_TWO, now=NOW + 60, grace_seconds=60)

    assert refused.value.faults[0].pointer == "/graceSeconds"
    assert len(ended) == len(first_keys(TWO, pair=pair))
    assert len(later) == len(keys)


def test_a_pair_can_be_asked_for_later_and_signs_after_the_secret() -> None:
    keys = rotated(first_keys(ONE, pair=None), secret=TWO, pair="", now=NOW, grace_seconds=60)

    early = switched(keys, asymmetric=True, pair=PAIR_ONE, now=NOW)
    late = switched(keys, asymmetric=True, pair=PAIR_ONE, now=NOW + 60)

    assert _told(early) == [(TWO, None), (PAIR_ONE, None), (ONE, NOW + 60)]
    assert _told(late) == [(TWO, None), (PAIR_ONE, None)]


def test_a_pair_that_is_given_up_signs_for_another_day_and_is_no_longer_shown() -> None:
    keys = first_keys(ONE, pair=PAIR_ONE)

    without = switched(keys, asymmetric=False, pair=PAIR_TWO, now=NOW)
    again = switched(without, asymmetric=True, pair=PAIR_TWO, now=NOW)

    assert _told(without) == [(ONE, None), (PAIR_ONE, NOW + GRACE_SECONDS)]
    assert shown_public_key(without) is None
    assert _told(again) == [(ONE, None), (PAIR_TWO, None), (PAIR_ONE, NOW + GRACE_SECONDS)]


def test_what_is_so_already_stays() -> None:
    with_one, without = first_keys(ONE, pair=PAIR_ONE), first_keys(ONE, pair=None)

    assert switched(with_one, asymmetric=True, pair=PAIR_TWO, now=NOW) is with_one
    assert switched(with_one, asymmetric=None, pair=PAIR_TWO, now=NOW) is with_one
    assert switched(without, asymmetric=False, pair=PAIR_TWO, now=NOW) is without
    assert switched(without, asymmetric=None, pair=PAIR_TWO, now=NOW) is without


def test_pairs_that_come_and_go_do_not_pile_up() -> None:
    old = tuple(SigningSecret(secret=f"whsk_{n}", expires_at=NOW + 60) for n in range(11))

    with pytest.raises(InvalidRequestError) as refused:
        switched((*first_keys(ONE, pair=None), *old), asymmetric=True, pair=PAIR_ONE, now=NOW)
    taken = switched((*first_keys(ONE, pair=None), *old), asymmetric=True, pair=PAIR_ONE, now=2e3)

    assert refused.value.faults[0].pointer == "/asymmetric"
    assert len(taken) == 2
