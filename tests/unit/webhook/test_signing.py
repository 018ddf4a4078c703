"""Signatures against the public vectors of Standard Webhooks and its Python verifier."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from service.domain.endpoint import SigningSecret
from service.domain.errors import ConfigurationError, InvalidRequestError
from service.domain.ids import EventId
from service.webhook.signing import current_secrets, headers_for, parse_secret, signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = EventId("msg_p5jXN8AQM9LWM0D4loKWxJek")
AT = 1614265330
TEXT = "héllo 👋 \u2028 </script>"
# The public vectors of the specification's libraries, and vectors made from the same secret that
# catch a signed character count, re-made JSON, an empty body and a stale timestamp.
VECTORS = {
    "libraries": (
        (SECRET, ID, AT, b'{"test": 2432232314}'),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
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
        (SECRET, ID, AT + 1, b'{"test": 2432232314}'),
        "v1,l6C9/1+N/lSU6+gfh+YEGqTK2aQ+k8nMEWDvvCgHh7U=",
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


@pytest.mark.parametrize(
    ("encoded", "size"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 24),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr4=", 26),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr4", 26),
        (base64.b64encode(b"x" * 64).decode(), 64),
        (base64.b64encode(b"x" * 64).decode().rstrip("="), 64),
    ],
)
def test_a_secret_may_leave_its_padding_out(encoded: str, size: int) -> None:
    assert len(parse_secret("whsec_" + encoded)) == size


@pytest.mark.parametrize(
    "secret",
    [
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La aSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwB",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr4==",
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
    ],
)
def test_a_secret_that_other_verifiers_would_read_differently_is_refused(secret: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse_secret(secret)

    assert refused.value.faults[0].pointer == "/secret"
    assert "MfKQ9r8" not in str(refused.value)
