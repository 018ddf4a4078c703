"""Which keys an endpoint has after one was made, replaced or given up. Pure.

An endpoint always has one lasting shared secret, and at most one lasting key pair: in this order at
the head, as some receivers read one signature only, and know `v1`. The old follow, newest first.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from service.domain.endpoint import SigningSecret
from service.domain.errors import FieldFault, InvalidRequestError
from service.webhook.keys import is_private_key, public_key

GRACE_SECONDS: Final = 24 * 3600
"""How long a replaced key signs beside the new one, unless the caller says otherwise."""
GRACE_SECONDS_MAX: Final = 7 * 24 * 3600
OLD_KEYS_MAX: Final = 10
"""Of each kind. With two kinds that is a header of some 1,600 bytes, well inside any server's."""

Keys = Sequence[SigningSecret]


def shown_public_key(keys: Keys) -> str | None:
    """The `whpk_` of the lasting pair; None when there is none."""
    pairs = [key.secret for key in keys if key.expires_at is None and is_private_key(key.secret)]
    return public_key(pairs[0]) if pairs else None


def first_keys(secret: str, *, pair: str | None) -> Keys:
    """What a new endpoint signs with; `pair` is the private half of one."""
    fresh = (secret,) if pair is None else (secret, pair)
    return tuple(SigningSecret(secret=one) for one in fresh)


def rotated(keys: Keys, *, secret: str, pair: str, now: float, grace_seconds: float) -> Keys:
    """A new secret, and a new pair where there is one; those before lapse with the grace.

    If not sooner: a short grace ends a longer one that was granted before. A secret that comes back
    is new again.

    Raises:
        InvalidRequestError: so many old keys would still sign that a promised grace would break.
    """
    lapse = now + grace_seconds
    old = [_lapsing(key, lapse) for key in keys if key.secret != secret]
    alive = [key for key in old if key.expires_at is not None and key.expires_at > now]
    has_pair = shown_public_key(keys) is not None
    after = (*first_keys(secret, pair=pair if has_pair else None), *alive)
    detail = f"{OLD_KEYS_MAX} old keys still sign: wait until one lapses, or end all of them with 0"
    return _few_enough(after, pointer="/graceSeconds", detail=detail)


def switched(keys: Keys, *, asymmetric: bool | None, pair: str, now: float) -> Keys:
    """The keys with a pair or without, as asked; None and what is so already change nothing.

    A pair that is given up signs for the usual grace, so that no receiver is cut off by surprise.

    Raises:
        InvalidRequestError: so many old pairs still sign.
    """
    if asymmetric is None or asymmetric is (shown_public_key(keys) is not None):
        return keys
    if not asymmetric:
        lapse = now + GRACE_SECONDS
        return tuple(_lapsing(key, lapse) if is_private_key(key.secret) else key for key in keys)
    secret, *old = keys
    alive = [key for key in old if key.expires_at is not None and key.expires_at > now]
    after = (secret, SigningSecret(secret=pair), *alive)
    detail = f"{OLD_KEYS_MAX} old key pairs still sign: wait until one lapses"
    return _few_enough(after, pointer="/asymmetric", detail=detail)


def _lapsing(key: SigningSecret, lapse: float) -> SigningSecret:
    ends = lapse if key.expires_at is None else min(lapse, key.expires_at)
    return replace(key, expires_at=ends)


def _few_enough(keys: Keys, *, pointer: str, detail: str) -> Keys:
    kinds = Counter(is_private_key(key.secret) for key in keys)
    if max(kinds.values()) > OLD_KEYS_MAX + 1:
        raise InvalidRequestError(FieldFault(pointer=pointer, detail=detail))
    return keys
