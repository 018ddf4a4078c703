"""A guest who is signed in: what the broker keeps to prove it at each attach. Pure values.

The proof for one attach is a JWT that Genesys makes from the guest's login; a refresh token gets
the next one. Both are secrets: kept encrypted, in the clear only in memory, and never told.
"""

from dataclasses import dataclass, field, replace
from typing import Final

JWT_SECONDS: Final = 900.0
"""How long a JWT is good by default (Guest API: 15 minutes); needed at configure only."""
MARGIN_SECONDS: Final = 60.0
"""A JWT with less to live than that is refreshed before it is used."""
TRIES: Final = 3
"""How often an attach, or a logout, whose JWT is refused gets another (as the official client)."""
AUTHENTICATION_REQUIRED: Final = "authentication_required"
"""The failure code of a session that goes on only with another login of the guest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginProof:
    """What a caller got from the identity provider: a code, or an id token with its nonce."""

    code: str | None = field(default=None, repr=False)
    redirect_uri: str | None = None
    code_verifier: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)
    nonce: str | None = field(default=None, repr=False)
    max_age: int | None = None
    iss: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What Genesys gave for a login. None: the answer brought no refresh token."""

    jwt: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """How a session is signed in. Without a JWT and a refresh token it needs another login."""

    jwt: str = field(repr=False)
    """Empty: refused, or dropped with the session's end."""
    refresh_token: str | None = field(default=None, repr=False)
    issued_at: float
    """When the JWT came, by the broker's clock."""
    name: str | None = field(default=None, repr=False)
    """What the contact centre calls the guest, where it said so."""
    stepping_up: bool = False
    """The guest session is anonymous until Genesys has taken the login."""
    unproven: bool = False
    """Brought to a session that was there, and not taken by Genesys yet."""
    leaving: bool = False
    """The caller wants the guest signed out: committed before Genesys is told."""

    def is_good(self, now: float) -> bool:
        """Whether the JWT may be shown to Genesys as it is."""
        return bool(self.jwt) and now < self.issued_at + JWT_SECONDS - MARGIN_SECONDS


def signed_in(tokens: Tokens, *, at: float, before: SignIn | None = None) -> SignIn:
    """The sign-in with those tokens.

    `before` keeps what they do not say: the refresh token that an answer without one leaves good,
    the guest's name, and what is under way.
    """
    if before is None:
        return SignIn(jwt=tokens.jwt, refresh_token=tokens.refresh_token, issued_at=at)
    refresh_token = tokens.refresh_token or before.refresh_token
    return replace(before, jwt=tokens.jwt, refresh_token=refresh_token, issued_at=at)


def refused(sign_in: SignIn) -> SignIn:
    """The same once its JWT was refused: only the refresh token can help."""
    return replace(sign_in, jwt="")


def spent(sign_in: SignIn | None) -> SignIn | None:
    """The same without its secrets: that it was signed in is still known, and by whom."""
    if sign_in is None:
        return None
    return replace(sign_in, jwt="", refresh_token=None, unproven=False, leaving=False)
