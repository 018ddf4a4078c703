"""The texts of keys: what is read from them, and what is refused."""

import base64

import pytest

from service.domain.errors import InvalidRequestError
from service.webhook.keys import (
    import_secret,
    is_private_key,
    parse_secret,
    public_key,
    seed_of,
)
from tests.support.ed25519 import private_key

# The public ed25519 vector of Standard Webhooks' makers: seed, then public key.
PRIVATE = (
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
)
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="


def test_a_private_key_holds_its_seed_and_its_public_half() -> None:
    assert private_key(seed_of(PRIVATE)) == PRIVATE
    assert public_key(PRIVATE) == PUBLIC
    assert is_private_key(PRIVATE)
    assert not is_private_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr4", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr4="),
        # A public vector with stray bits at its end: strict decoders elsewhere refuse those.
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBg=="),
    ],
)
def test_an_imported_secret_is_kept_as_every_decoder_reads_it(given: str, kept: str) -> None:
    assert import_secret("whsec_" + given) == "whsec_" + kept
    assert parse_secret("whsec_" + given) == parse_secret("whsec_" + kept)


def test_a_public_vector_of_23_bytes_is_too_short_to_import() -> None:
    with pytest.raises(InvalidRequestError, match="24 to 64 bytes"):
        import_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS")


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
