"""Bytes of files to and from the addresses that Genesys signs. Never logs an address.

The whole file is in memory while it moves, so few move at a time. Where such an address leads is
somebody else's word, so it is judged as a webhook's is: TLS, and at no address that is private.
This stays below httpx2 for that, as webhooks do: who connects is who judges.
"""

import ssl
from asyncio import Semaphore
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from ipaddress import ip_network
from typing import Final, cast
from urllib.parse import SplitResult, urljoin, urlsplit

import httpcore2

from service.adapters.genesys_http import GENESYS_ONLY, may_reach
from service.adapters.judged_names import Judge, JudgedBackend
from service.adapters.webhook_names import Resolver, SystemResolver
from service.domain.attachment import Upload
from service.domain.deployment import Deployment
from service.domain.errors import BlockedTargetError, FileTransferError, InvalidRequestError
from service.domain.region import Regions
from service.ports.system import Clock
from service.webhook.target import Network, ParsedTarget, check_url

AT_ONCE: Final = 4
"""Files that one process moves side by side: of 10 MB each at the most, as deployments allow."""
REDIRECTS_MOST: Final = 3
"""Downloads are served through a CDN (Guest API, since 2024); uploads never redirect."""
_BROKEN: Final = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    OSError,
    ValueError,
    BlockedTargetError,
    InvalidRequestError,
)
"""OSError: a name without an address, and TLS that breaks. ValueError: an address that is none, as
a redirect may name."""
_CONNECT_SECONDS: Final = 5.0
_WHOLE_SECONDS: Final = 20.0
_EVERYWHERE: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_OURS: Final = frozenset(
    {"host", "accept-encoding", "connection", "content-length", "transfer-encoding"}
)
"""What is said here in any case: a second one would make another request of it."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class HttpGuestFiles:
    """The port of files on HTTP. Close it at the end.

    `allowed_networks`: private ones that such an address may lead into, as S3's does behind an
    interface endpoint of a VPC.
    """

    def __init__(  # noqa: PLR0913 - what it is made from, each by its name
        self,
        *,
        clock: Clock,
        tls: ssl.SSLContext,
        regions: Regions = GENESYS_ONLY,
        allowed_networks: Sequence[Network] = (),
        resolver: Resolver | None = None,
        whole_seconds: float = _WHOLE_SECONDS,
    ) -> None:
        self._clock = clock
        self._regions = regions
        self._allowed = tuple(allowed_networks)
        self._whole_seconds = whole_seconds
        self._turns = Semaphore(AT_ONCE)
        self._own_resolver = SystemResolver(clock=clock) if resolver is None else None
        judge = Judge(
            clock=clock,
            resolver=resolver or cast("Resolver", self._own_resolver),
            allowed=self._allowed,
            seconds=_CONNECT_SECONDS,
        )
        self._strangers = httpcore2.AsyncConnectionPool(
            ssl_context=tls, network_backend=JudgedBackend(judge)
        )
        self._endpoints = httpcore2.AsyncConnectionPool(ssl_context=tls)

    async def put(
        self, deployment: Deployment, upload: Upload, *, file_type: str, body: bytes
    ) -> None:
        """Upload. Raises FileTransferError."""
        async with self._in_turn():
            await self._put(deployment, upload, file_type, body)

    async def copy(
        self, deployment: Deployment, source: str, upload: Upload, *, file_type: str, size: int
    ) -> None:
        """Download so many bytes from `source`, and upload them. Raises FileTransferError."""
        async with self._in_turn():
            body = await self._get(deployment, source, size)
            await self._put(deployment, upload, file_type, body)

    async def close(self) -> None:
        """Close every connection, and resolve no more names."""
        if self._own_resolver is not None:
            self._own_resolver.close()
        await self._strangers.aclose()
        await self._endpoints.aclose()

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        """Few at once; who does not get its turn in time is told, as its caller waits too.

        Raises FileTransferError.
        """
        try:
            async with self._clock.timeout(self._whole_seconds):
                await self._turns.acquire()
        except TimeoutError as exc:
            raise FileTransferError(status=None) from exc
        try:
            yield
        finally:
            self._turns.release()

    async def _put(
        self, deployment: Deployment, upload: Upload, file_type: str, body: bytes
    ) -> None:
        headers = upload.headers_for(file_type)
        try:
            async with (
                self._clock.timeout(self._whole_seconds),
                self._asked(deployment, "PUT", upload.url, headers, body) as answer,
            ):
                status = answer.status
                async for _ in _chunks(answer):
                    pass  # a complete answer counts, whatever it says
        except _BROKEN as exc:
            raise FileTransferError(status=None) from exc
        if not _is_success(status):
            raise FileTransferError(status=status)

    async def _get(self, deployment: Deployment, url: str, size: int) -> bytes:
        try:
            async with self._clock.timeout(self._whole_seconds):
                for _ in range(REDIRECTS_MOST + 1):
                    found = await self._fetched(deployment, url, size)
                    if isinstance(found, bytes):
                        return found
                    url = urljoin(url, found)
        except _BROKEN as exc:
            raise FileTransferError(status=None) from exc
        raise FileTransferError(status=None)

    async def _fetched(self, deployment: Deployment, url: str, size: int) -> bytes | str:
        """The bytes, or where they are."""
        async with self._asked(deployment, "GET", url, {}, None) as answer:
            location = _location(answer)
            if location is not None:
                return location
            if not _is_success(answer.status):
                raise FileTransferError(status=answer.status)
            return await _exactly(answer, size)

    @asynccontextmanager
    async def _asked(
        self,
        deployment: Deployment,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> AsyncIterator[httpcore2.Response]:
        target, pool = self._target(deployment, url)
        async with pool.stream(
            method,
            httpcore2.URL(
                scheme=target.scheme, host=target.host, port=target.port, target=target.path
            ),
            headers=_headers(headers, target),
            content=body,
            extensions={"timeout": {"connect": _CONNECT_SECONDS}},
        ) as answer:
            yield answer

    def _target(
        self, deployment: Deployment, url: str
    ) -> tuple[ParsedTarget, httpcore2.AsyncConnectionPool]:
        """Where that is, and over which connections.

        A deployment's own endpoint is where its operator says, be that without TLS or in a private
        network. Raises FileTransferError, BlockedTargetError, InvalidRequestError, ValueError.
        """
        if not may_reach(self._regions, deployment.domain):
            raise FileTransferError(status=None)
        if deployment.endpoint is not None and _origin(deployment.endpoint) == _origin(url):
            own = check_url(url, allow_http=True, allowed_networks=_EVERYWHERE)
            return own, self._endpoints
        target = check_url(url, allowed_networks=self._allowed)
        if target.scheme != "https":
            # A network that is allowed opens plain http for webhooks, but no file goes so.
            raise FileTransferError(status=None)
        return target, self._strangers


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port (RFC 6454, 4). Raises ValueError for what is no address."""
    found: SplitResult = urlsplit(url)
    return found.scheme, found.hostname, found.port or _DEFAULT_PORTS.get(found.scheme)


def _headers(given: Mapping[str, str], target: ParsedTarget) -> list[tuple[bytes, bytes]]:
    """Raises UnicodeError for what no header holds."""
    told = [(name, value) for name, value in given.items() if name.lower() not in _OURS]
    ours = [("Host", target.authority), ("Accept-Encoding", "identity")]
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in [*told, *ours]]


def _is_success(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _location(answer: httpcore2.Response) -> str | None:
    """Where a redirect leads."""
    if not HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        return None
    named = [value for name, value in answer.headers if name.lower() == b"location"]
    return named[0].decode("latin-1") if named else None


def _chunks(answer: httpcore2.Response) -> AsyncIterable[bytes]:
    return cast("AsyncIterable[bytes]", answer.stream)


async def _exactly(answer: httpcore2.Response, size: int) -> bytes:
    body = bytearray()
    async for chunk in _chunks(answer):
        body += chunk
        if len(body) > size:
            break
    if len(body) != size:
        raise FileTransferError(status=answer.status)
    return bytes(body)
