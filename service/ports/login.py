"""Port to where Genesys turns a guest's login into what proves it on the wire."""

from typing import Protocol

from service.domain.deployment import Deployment
from service.domain.sign_in import LoginProof, Tokens


class GuestLogin(Protocol):
    """Exchange, refresh and take back a guest's login."""

    async def exchange(self, deployment: Deployment, proof: LoginProof) -> Tokens:
        """What Genesys gives for a code or an id token; a code is good once.

        Raises AuthenticationFailedError (an answer refused it), LoginUnavailableError.
        """

    async def refresh(self, deployment: Deployment, *, refresh_token: str) -> Tokens:
        """A new JWT; without a refresh token in it the old one stays good. Raises the same."""

    async def revoke(self, deployment: Deployment, *, jwt: str) -> bool:
        """Sign the guest out everywhere; False where the JWT is not good any more.

        Raises LoginUnavailableError.
        """
