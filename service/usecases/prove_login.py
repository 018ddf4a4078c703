"""From what the caller's identity provider gave to what Genesys takes for it.

A code is good once, so everything else that may refuse a request refuses it before this is asked.
"""

from dataclasses import dataclass
from typing import Final

from service.domain.deployment import Deployment
from service.domain.errors import FieldFault, InvalidRequestError
from service.domain.sign_in import LoginProof, SignIn, signed_in
from service.ports.login import GuestLogin
from service.ports.system import Clock

TEXT_MAX: Final = 16_384
"""Characters of each field: id tokens are long, and nobody's is longer."""
_TEXTS: Final = {
    "code": "code",
    "redirect_uri": "redirectUri",
    "code_verifier": "codeVerifier",
    "id_token": "idToken",
    "nonce": "nonce",
    "iss": "iss",
}
_OF_A_CODE: Final = ("redirect_uri", "code_verifier")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveLogin:
    """Exchanges logins."""

    login: GuestLogin
    clock: Clock

    async def __call__(self, deployment: Deployment, proof: LoginProof) -> SignIn:
        """How the guest is signed in. Raises AuthenticationFailedError, LoginUnavailableError."""
        tokens = await self.login.exchange(deployment, proof)
        return signed_in(tokens, at=self.clock.now())


def check_login(proof: LoginProof, *, at: str) -> None:
    """Whether it can be a login: `code` and `redirectUri`, or `idToken` and `nonce`.

    `at` is the JSON pointer to it. Raises InvalidRequestError.
    """
    faults = [*_kind_faults(proof, at), *_text_faults(proof, at)]
    if faults:
        raise InvalidRequestError(*faults)


def _kind_faults(proof: LoginProof, at: str) -> list[FieldFault]:
    if (proof.code is None) == (proof.id_token is None):
        detail = "needs code and redirectUri, or idToken and nonce, and not both"
        return [FieldFault(pointer=at, detail=detail)]
    if proof.code is None:
        return [*_missing(proof, at, "nonce"), *_strangers(proof, at, _OF_A_CODE)]
    return [*_missing(proof, at, "redirect_uri"), *_strangers(proof, at, ("nonce",))]


def _missing(proof: LoginProof, at: str, name: str) -> list[FieldFault]:
    if getattr(proof, name) is not None:
        return []
    return [FieldFault(pointer=f"{at}/{_TEXTS[name]}", detail="is needed")]


def _strangers(proof: LoginProof, at: str, names: tuple[str, ...]) -> list[FieldFault]:
    return [
        FieldFault(pointer=f"{at}/{_TEXTS[name]}", detail="is not of this kind of login")
        for name in names
        if getattr(proof, name) is not None
    ]


def _text_faults(proof: LoginProof, at: str) -> list[FieldFault]:
    detail = f"must be 1 to {TEXT_MAX} characters"
    return [
        FieldFault(pointer=f"{at}/{public}", detail=detail)
        for name, public in _TEXTS.items()
        if (text := getattr(proof, name)) is not None and not 1 <= len(text) <= TEXT_MAX
    ]
