"""The guest login port on HTTP: exchange, refresh, revoke.

Never logs a code or a token, and never puts one into an error.
"""

from http import HTTPStatus
from typing import Final

from service.adapters.genesys_http import Answer, GenesysHttp, NoAnswerError, Request
from service.domain.deployment import Deployment
from service.domain.errors import (
    AuthenticationFailedError,
    GuestProtocolError,
    LoginUnavailableError,
)
from service.domain.sign_in import LoginProof, Tokens
from service.guest.login import exchange_document, provider_code, read_tokens, refresh_document

_PATH: Final = "/api/v2/webdeployments/token"
_PASSES: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
"""Refusals that say nothing of the login."""


class HttpGuestLogin:
    """Asks Genesys; the paths are those of the vendor's mobile SDK."""

    def __init__(self, http: GenesysHttp) -> None:
        self._http = http

    async def exchange(self, deployment: Deployment, proof: LoginProof) -> Tokens:
        """What Genesys gives for a code or an id token.

        Raises AuthenticationFailedError, LoginUnavailableError.
        """
        document = exchange_document(deployment.deployment_id, proof)
        return await self._tokens(deployment, "oauthcodegrantjwtexchange", document)

    async def refresh(self, deployment: Deployment, *, refresh_token: str) -> Tokens:
        """A new JWT. Raises AuthenticationFailedError, LoginUnavailableError."""
        return await self._tokens(deployment, "refresh", refresh_document(refresh_token))

    async def revoke(self, deployment: Deployment, *, jwt: str) -> bool:
        """Sign the guest out everywhere; False where the JWT is refused.

        Raises LoginUnavailableError.
        """
        # The vendor's own mobile SDK writes the scheme in lower case.
        headers = {"authorization": f"bearer {jwt}", **_origin(deployment)}
        url = f"{deployment.rest_base()}{_PATH}/revoke"
        answer = await self._ask(
            Request(domain=deployment.domain, url=url, headers=headers, method="DELETE")
        )
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return True
        if _refuses(answer):
            return False
        raise _unavailable(answer)

    async def _tokens(self, deployment: Deployment, name: str, document: str) -> Tokens:
        headers = {"content-type": "application/json", **_origin(deployment)}
        url = f"{deployment.rest_base()}{_PATH}/{name}"
        request = Request(domain=deployment.domain, url=url, headers=headers, body=document)
        answer = await self._ask(request)
        if _refuses(answer):
            raise AuthenticationFailedError(
                status=answer.status, provider_code=provider_code(answer.text)
            )
        if not answer.good:
            raise _unavailable(answer)
        try:
            return read_tokens(answer.text)
        except GuestProtocolError:
            # Not chained: the parser's own error has seen the document.
            pass
        raise LoginUnavailableError(status=answer.status)

    async def _ask(self, request: Request) -> Answer:
        try:
            return await self._http.ask(request)
        except NoAnswerError as exc:
            raise LoginUnavailableError(status=None) from exc


def _refuses(answer: Answer) -> bool:
    client_error = HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return client_error and answer.status not in _PASSES


def _unavailable(answer: Answer) -> LoginUnavailableError:
    return LoginUnavailableError(
        status=answer.status, retry_after_seconds=answer.retry_after_seconds
    )


def _origin(deployment: Deployment) -> dict[str, str]:
    return {} if deployment.origin is None else {"origin": deployment.origin}
