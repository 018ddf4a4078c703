"""What the Guest API offers over HTTP: history, and the public deployment configuration.

Hands on JSON as text; parsing it is the codec's work. Never logs the bearer token.
"""

from typing import Final
from urllib.parse import quote

from service.adapters.genesys_http import GenesysHttp, NoAnswerError, Request
from service.domain.deployment import Deployment
from service.domain.errors import HistoryUnavailableError, PlatformUnavailableError

MAX_PUBLIC_BYTES: Final = 64 * 1024
"""Of config.json and domains.json: real ones have a few KB, and they are parsed between frames."""


class HttpGuestRest:
    """The guest REST port on HTTP."""

    def __init__(self, http: GenesysHttp) -> None:
        self._http = http

    async def history(self, deployment: Deployment, *, jwt: str, page: int, page_size: int) -> str:
        """One page of history as JSON text, newest first, page 1 first.

        Raises HistoryUnavailableError, with status None when no complete answer came.
        """
        request = Request(
            domain=deployment.domain,
            url=f"{deployment.rest_base()}/api/v2/webmessaging/messages"
            f"?pageSize={page_size}&pageNumber={page}",
            # The vendor's own mobile SDK writes the scheme in lower case.
            headers={"authorization": f"bearer {jwt}", **_origin(deployment)},
        )
        try:
            answer = await self._http.ask(request)
        except NoAnswerError as exc:
            raise HistoryUnavailableError(status=None) from exc
        if not answer.good:
            raise HistoryUnavailableError(
                status=answer.status, retry_after_seconds=answer.retry_after_seconds
            )
        return answer.text

    async def configuration(self, deployment: Deployment) -> str:
        """The public deployment configuration as JSON text; an unknown id is a 403 there.

        Raises PlatformUnavailableError, with status None when no complete answer came.
        """
        return await self._public(deployment, "config.json", "the deployment configuration")

    async def domains(self, deployment: Deployment) -> str:
        """The domains whose pages may use the deployment, as JSON text; lies beside the other.

        Raises PlatformUnavailableError, with status None when no complete answer came.
        """
        return await self._public(deployment, "domains.json", "the allowed domains")

    async def _public(self, deployment: Deployment, file: str, what: str) -> str:
        name = quote(deployment.deployment_id, safe="")
        request = Request(
            domain=deployment.domain,
            url=f"{deployment.config_base()}/webdeployments/v1/deployments/{name}/{file}",
            headers=_origin(deployment),
            most_bytes=MAX_PUBLIC_BYTES,
        )
        try:
            answer = await self._http.ask(request)
        except NoAnswerError as exc:
            raise PlatformUnavailableError(what=what, status=None, failure=exc.failure) from exc
        if not answer.good:
            raise PlatformUnavailableError(what=what, status=answer.status)
        return answer.text


def _origin(deployment: Deployment) -> dict[str, str]:
    """A deployment that restricts domains judges HTTP requests by the same Origin as sockets."""
    return {} if deployment.origin is None else {"origin": deployment.origin}
