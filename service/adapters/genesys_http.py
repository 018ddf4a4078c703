"""HTTP towards the contact centre: one client, bounded waits and sizes, answers as plain values.

Knows no path and no meaning of a status. Follows no redirect, takes nothing from the environment.
Asks nobody below a domain that is not allowed, whatever the table says.
"""

import logging
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2

from service.domain.region import Regions
from service.ports.system import Clock

_log = logging.getLogger(__name__)

USER_AGENT: Final = "guest-session-broker"
MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
"""A page of 100 messages of 4,096 bytes with everything around them stays below a tenth of that."""
NOT_ALLOWED: Final = "not_allowed"
GENESYS_ONLY: Final = Regions()
_CONNECT_SECONDS: Final = 5.0
_READ_SECONDS: Final = 8.0
_WHOLE_SECONDS: Final = 10.0
_CONNECTIONS: Final = 64
_LONGEST_WAIT_SECONDS: Final = 24 * 3600.0
_FAILURES: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (socket.gaierror, "dns"),
    (ssl.SSLError, "tls"),
    (ConnectionError, "refused"),
    (TimeoutError, "timeout"),
    (httpx2.TimeoutException, "timeout"),
)
"""The innermost cause that is one of these decides."""


class NoAnswerError(Exception):
    """No complete answer came, and by which class of failure; callers make it the domain's."""

    @property
    def failure(self) -> str:
        """The sort of failure: dns, timeout, tls, refused, not_allowed or other."""
        cause: BaseException | None = self.__cause__
        sort = "other"
        # The HTTP library wraps what the operating system said, the name of the class is all the
        # same for a name that does not exist and a port that nobody listens at.
        while cause is not None:
            sort = next((name for kind, name in _FAILURES if isinstance(cause, kind)), sort)
            cause = cause.__cause__ or cause.__context__
        return sort


class NotAllowedError(NoAnswerError):
    """Nobody was asked: the operator allows no such domain."""

    @property
    def failure(self) -> str:
        """Not one of the wire's."""
        return NOT_ALLOWED


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask. `form`, or a `body` as it is to be sent, makes it a POST.

    A longer answer than `most_bytes` is none.
    """

    domain: str | None
    """The domain of the deployment that it is asked for; None: that one has an endpoint."""
    url: str
    headers: Mapping[str, str] = field(repr=False)
    """They may authorize."""
    form: Mapping[str, str] | None = field(default=None, repr=False)
    most_bytes: int = MAX_ANSWER_BYTES
    body: str | None = field(default=None, repr=False)
    method: str | None = None
    """Where it is neither GET nor POST."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer: its status, its text, and how many seconds it asks to wait."""

    status: int
    text: str
    retry_after_seconds: float | None

    @property
    def good(self) -> bool:
        """Whether it is a 200."""
        return self.status == httpx2.codes.OK


class GenesysHttp:
    """One pool of connections for history, configuration and Platform API. Close it at the end."""

    def __init__(
        self,
        *,
        clock: Clock,
        tls: ssl.SSLContext,
        regions: Regions = GENESYS_ONLY,
        whole_seconds: float = _WHOLE_SECONDS,
    ) -> None:
        self._clock = clock
        self._regions = regions
        self._whole_seconds = whole_seconds
        self._client = httpx2.AsyncClient(
            verify=tls,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
            limits=httpx2.Limits(max_connections=_CONNECTIONS),
            # Not compressed, so that the cap below bounds the memory too.
            headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
        )

    async def ask(self, request: Request) -> Answer:
        """One request, one answer, one deadline over everything. Raises NoAnswerError."""
        if not may_reach(self._regions, request.domain):
            raise NotAllowedError
        try:
            async with self._clock.timeout(self._whole_seconds):
                return await self._ask(request)
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError, TimeoutError) as exc:
            raise NoAnswerError(type(exc).__name__) from exc

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _ask(self, request: Request) -> Answer:
        is_read = request.form is None and request.body is None
        async with self._client.stream(
            request.method or ("GET" if is_read else "POST"),
            request.url,
            headers=request.headers,
            data=request.form,
            content=None if request.body is None else request.body.encode(),
        ) as response:
            wait = retry_after_seconds(response.headers.get("retry-after"), now=self._clock.now())
            return Answer(
                status=response.status_code,
                text=await _capped_text(response, request.most_bytes),
                retry_after_seconds=wait,
            )


def may_reach(regions: Regions, domain: str | None) -> bool:
    """Whether a deployment of that domain may be reached; says so in the log where it may not."""
    if domain is None or regions.allow(domain):
        return True
    _log.warning("genesys.not_allowed", extra={"domain": domain})
    return False


async def _capped_text(response: httpx2.Response, most_bytes: int) -> str:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > most_bytes:
            raise NoAnswerError("AnswerTooLarge")
    return body.decode()


def retry_after_seconds(value: str | None, *, now: float) -> float | None:
    """How long a Retry-After header (RFC 9110, 10.2.3) asks to wait, at most a day."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_WAIT_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
        # A date in "-0000" has no zone; HTTP knows only GMT.
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError):
        # Years and zones of any length come up to here: the parser makes numbers of them first.
        return None
    return min(max(0.0, at - now), _LONGEST_WAIT_SECONDS)
