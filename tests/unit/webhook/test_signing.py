"""Signatures against the public vectors of Standard Webhooks and its Python verifiers."""

import base64
import importlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any, Final

import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from service.adapters.ed25519 import Ed25519Signer
from service.domain.endpoint import SigningSecret
from service.domain.errors import ConfigurationError
from service.domain.ids import EventId
from service.webhook.keys import import_secret, public_key
from service.webhook.signing import current_secrets
from service.webhook.signing import headers_for as headers_by
from service.webhook.signing import signature as signature_by
from tests.support.ed25519 import private_key, verify_v1a

headers_for = partial(headers_by, sign_pair=Ed25519Signer().sign)
signature = partial(signature_by, sign_pair=Ed25519Signer().sign)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = EventId("msg_p5jXN8AQM9LWM0D4loKWxJek")
AT = 1614265330
BODY = b'{"test": 2432232314}'
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
PRIVATE = (
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
)
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
DECOY = "Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
TEXT = "héllo 👋 \u2028 </script>"
# The public vectors of the specification's libraries, and vectors made from the same secret that
# catch a signed character count, re-made JSON, an empty body and a stale timestamp.
VECTORS = {
    "libraries": (
        (SECRET, ID, AT, BODY),
        SIGNED,
    ),
    "rust library": (
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            EventId("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk"),
            1649367553,
            b'{"email":"test@example.com","username":"test_user"}',
        ),
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ),
    "utf-8": (
        (SECRET, ID, AT, b'{"text":"%b"}' % TEXT.encode()),
        "v1,6bmy7jRvJVPLU1mTbQBDdF9z2Jtxq+Kzin7Lo9QRtac=",
    ),
    "escaped": (
        (SECRET, ID, AT, rb'{"text":"h\u00e9llo \ud83d\udc4b \u2028 </script>"}'),
        "v1,wC0bmkELTDmddnFGxraqBXfJlmz0AilHNfIC1OJMPYM=",
    ),
    "empty": ((SECRET, ID, AT, b""), "v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A="),
    "a second later": (
        (SECRET, ID, AT + 1, BODY),
        "v1,l6C9/1+N/lSU6+gfh+YEGqTK2aQ+k8nMEWDvvCgHh7U=",
    ),
    "ed25519": (
        (PRIVATE, ID, AT, BODY),
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_public_vectors_come_out_as_printed(name: str) -> None:
    (secret, event_id, at, body), expected = VECTORS[name]

    assert signature(event_id, timestamp=at, body=body, secret=secret) == expected


def test_the_utf8_vector_is_the_one_meant() -> None:
    body = VECTORS["utf-8"][0][3]

    assert (len(body), len(body.decode())) == (36, 30)
    assert json.loads(body) == {"text": TEXT}


Verifier = Callable[[str], Any]


def _svix(secret: str) -> object:
    # Importing it builds three hundred models: a second in each process that collects this file.
    return importlib.import_module("svix.webhooks").Webhook(secret)


VERIFIERS: Final[Mapping[str, Verifier]] = {"standardwebhooks": Webhook, "svix": _svix}


class Then(datetime):
    """A verifier's clock at the time of the vectors."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Then":
        return cls.fromtimestamp(AT, tz)


@pytest.fixture(name="then")
def _then(monkeypatch: pytest.MonkeyPatch) -> None:
    # The verifier takes no clock, and the vectors are years old.
    monkeypatch.setattr("standardwebhooks.webhooks.datetime", Then)


@pytest.mark.usefixtures("then")
@pytest.mark.parametrize("verifier", VERIFIERS.values(), ids=VERIFIERS)
class TestVerifiers:
    """Both public verifiers, on the vectors and on what we send."""

    def test_they_accept_the_vector_and_reject_its_forgery(self, verifier: Verifier) -> None:
        headers = headers_for(ID, timestamp=AT, body=BODY, secrets=[SECRET])
        assert headers["webhook-signature"] == SIGNED

        verifier(SECRET).verify(BODY, headers)
        headers["webhook-signature"] = SIGNED.replace("1OE=", "1OA=")
        with pytest.raises(WebhookVerificationError):
            verifier(SECRET).verify(BODY, headers)

    def test_they_find_ours_among_others_of_a_header(self, verifier: Verifier) -> None:
        headers = headers_for(ID, timestamp=AT, body=BODY, secrets=[SECRET])

        for header in (f"v1,{DECOY} v2,{DECOY} {SIGNED}", f"{SIGNED} v1,{DECOY}"):
            verifier(SECRET).verify(BODY, {**headers, "webhook-signature": header})

    def test_they_find_ours_beside_ed25519(self, verifier: Verifier) -> None:
        headers = headers_for(ID, timestamp=AT, body=BODY, secrets=[PRIVATE, SECRET])

        verifier(SECRET).verify(BODY, headers)

    def test_they_read_a_secret_without_padding_as_we_do(self, verifier: Verifier) -> None:
        bare = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr"

        headers = headers_for(ID, timestamp=AT, body=BODY, secrets=[bare])

        verifier(bare).verify(BODY, headers)
        verifier(import_secret(bare)).verify(BODY, headers)


def test_ed25519_signatures_verify_and_their_forgeries_do_not() -> None:
    headers = headers_for(ID, timestamp=AT, body=BODY, secrets=[SECRET, PRIVATE])

    verify_v1a(PUBLIC, headers, BODY)
    for forged in (
        (PUBLIC, headers, BODY + b" "),
        (PUBLIC, {**headers, "webhook-timestamp": str(AT + 1)}, BODY),
        (public_key(private_key(b"s" * 32)), headers, BODY),
    ):
        with pytest.raises(InvalidSignature):
            verify_v1a(*forged)


@given(key=st.binary(min_size=24, max_size=64), text=st.text(max_size=200))
def test_the_public_verifier_accepts_what_is_signed(key: bytes, text: str) -> None:
    body = json.dumps({"text": text}).encode()
    secret = "whsec_" + base64.b64encode(key).decode()
    now = int(datetime.now(UTC).timestamp())

    headers = headers_for(ID, timestamp=now, body=body, secrets=[secret])

    Webhook(secret).verify(body, headers)


def test_the_public_verifier_rejects_another_body() -> None:
    now = int(datetime.now(UTC).timestamp())
    headers = headers_for(ID, timestamp=now, body=b"{}", secrets=[SECRET])

    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b"{ }", headers)


def test_old_and_new_secrets_sign_in_one_header_newest_first() -> None:
    old, new = SECRET, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    now = int(datetime.now(UTC).timestamp())

    headers = headers_for(ID, timestamp=now, body=b"{}", secrets=[new, old])

    assert headers["webhook-signature"] == " ".join(
        signature(ID, timestamp=now, body=b"{}", secret=secret) for secret in (new, old)
    )
    for secret in (new, old):
        Webhook(secret).verify(b"{}", headers)


def test_the_headers_name_the_event_and_whole_seconds() -> None:
    headers = headers_for(ID, timestamp=AT, body=b"{}", secrets=[SECRET])

    assert headers["webhook-id"] == ID
    assert headers["webhook-timestamp"] == "1614265330"
    assert set(headers) == {"webhook-id", "webhook-timestamp", "webhook-signature"}


def test_nothing_goes_out_unsigned() -> None:
    with pytest.raises(ConfigurationError, match="no signing secret"):
        headers_for(ID, timestamp=AT, body=b"{}", secrets=[])


def test_lapsed_secrets_no_longer_sign_and_the_lasting_one_is_first() -> None:
    secrets = [
        SigningSecret(secret="lapsed", expires_at=10.0),
        SigningSecret(secret="older", expires_at=20.0),
        SigningSecret(secret="lasting"),
        SigningSecret(secret="old", expires_at=30.0),
    ]

    assert current_secrets(secrets, now=10.0) == ["lasting", "old", "older"]


def test_keys_that_lapse_together_keep_the_order_they_are_stored_in() -> None:
    names = ["whsec_c", "whsk_c", "whsec_b", "whsk_b", "whsec_a"]
    lasting = [SigningSecret(secret=name) for name in names[:2]]
    lapsing = [SigningSecret(secret=name, expires_at=30.0) for name in names[2:]]

    assert current_secrets([*lasting, *lapsing], now=10.0) == names


def test_eleven_keys_of_each_kind_fit_into_a_header() -> None:
    keys = [
        key
        for number in range(11)
        for key in (
            "whsec_" + base64.b64encode(bytes([number]) * 64).decode(),
            private_key(bytes([number]) * 32),
        )
    ]

    header = headers_for(ID, timestamp=AT, body=BODY, secrets=keys)["webhook-signature"]

    assert len(header) == 11 * (47 + 92) + 21
    assert re.fullmatch(
        r"(v1,[\w+/=]{44}|v1a,[\w+/=]{88})( (v1,[\w+/=]{44}|v1a,[\w+/=]{88})){21}", header
    )
