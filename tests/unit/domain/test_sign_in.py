"""What is kept of a guest's login, and that it never shows itself."""

from typing import Final

from service.domain.sign_in import LoginProof, SignIn, Tokens, refused, signed_in, spent

NOON: Final = 1_000_000.0
KNOWN: Final = SignIn(
    jwt="jwt-1", refresh_token="refresh-1", issued_at=NOON, name="Ann", leaving=True
)


def test_a_jwt_is_shown_until_a_minute_before_it_lapses() -> None:
    assert KNOWN.is_good(NOON + 839)
    assert not KNOWN.is_good(NOON + 840)
    assert not SignIn(jwt="", issued_at=NOON).is_good(NOON)


def test_new_tokens_keep_what_they_do_not_say() -> None:
    fresh = signed_in(Tokens(jwt="jwt-2"), at=NOON + 9, before=KNOWN)

    assert (fresh.jwt, fresh.refresh_token, fresh.issued_at) == ("jwt-2", "refresh-1", NOON + 9)
    assert (fresh.name, fresh.leaving) == ("Ann", True)


def test_a_new_refresh_token_takes_the_place_of_the_old_one() -> None:
    fresh = signed_in(Tokens(jwt="jwt-2", refresh_token="refresh-2"), at=NOON, before=KNOWN)

    assert fresh.refresh_token == "refresh-2"
    assert signed_in(Tokens(jwt="jwt-1"), at=NOON) == SignIn(jwt="jwt-1", issued_at=NOON)


def test_what_was_refused_or_is_over_keeps_no_secret_of_no_use() -> None:
    assert (refused(KNOWN).jwt, refused(KNOWN).refresh_token) == ("", "refresh-1")
    assert spent(KNOWN) == SignIn(jwt="", issued_at=NOON, name="Ann")
    assert spent(None) is None


def test_no_secret_shows_itself() -> None:
    proof = LoginProof(code="code-1", code_verifier="verifier-1", id_token="id-1", nonce="nonce-1")
    shown = repr([KNOWN, Tokens(jwt="jwt-1", refresh_token="refresh-1"), proof])

    secrets = ("jwt-1", "refresh-1", "code-1", "verifier-1", "id-1", "nonce-1", "Ann")
    assert [secret for secret in secrets if secret in shown] == []
