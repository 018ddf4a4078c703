"""How a caller proves a guest's login, as a strict model. Nothing of it is ever shown again."""

from typing import Annotated

from pydantic import Field

from service.api.inbound import Strict
from service.domain.sign_in import LoginProof


class AuthenticationBody(Strict):
    """The guest's login: `code` and `redirectUri`, or `idToken` and `nonce`."""

    code: Annotated[
        str | None,
        Field(repr=False, description="The identity provider's authorization code: good once."),
    ] = None
    redirect_uri: Annotated[
        str | None, Field(description="With `code`: as the provider was asked.")
    ] = None
    code_verifier: Annotated[
        str | None, Field(repr=False, description="With `code`: the PKCE verifier.")
    ] = None
    id_token: Annotated[
        str | None,
        Field(
            repr=False,
            description="Of the implicit flow: good for 15 minutes, and cannot be renewed.",
        ),
    ] = None
    nonce: Annotated[str | None, Field(repr=False, description="With `idToken`.")] = None
    max_age: Annotated[
        int | None, Field(ge=0, le=10**9, description="`max_age` as the provider was asked.")
    ] = None
    iss: Annotated[str | None, Field(description="The provider's issuer.")] = None

    def value(self) -> LoginProof:
        """As the core knows it."""
        return LoginProof(
            code=self.code,
            redirect_uri=self.redirect_uri,
            code_verifier=self.code_verifier,
            id_token=self.id_token,
            nonce=self.nonce,
            max_age=self.max_age,
            iss=self.iss,
        )
