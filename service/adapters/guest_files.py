"""Bytes of files to and from the addresses that Genesys signs. Never logs an address.

The whole file is in memory while it moves, so few move at a time.
"""

import ssl
from asyncio import Semaphore
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urljoin

import httpx2

from service.domain.attachment import Upload
from service.domain.deployment import Deployment
from service.domain.errors import FileTransferError
from service.ports.system import Clock

AT_ONCE: Final = 4
"""Files that one process moves side by side: of 10 MB each at the most, as deployments allow."""
REDIRECTS_MOST: Final = 3
"""Downloads are served through a CDN (Guest API, since 2024); uploads never redirect."""
_BROKEN: Final = (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TimeoutError)
"""ValueError: an address that is none, as a redirect may name."""
_CONNECT_SECONDS: Final = 5.0
_WHOLE_SECONDS: Final = 20.0


class HttpGuestFiles:
    """The port of files on HTTP. Close it at the end."""

    def __init__(
        self, *, clock: Clock, tls: ssl.SSLContext, whole_seconds: float = _WHOLE_SECONDS
    ) -> None:
        self._clock = clock
        self._whole_seconds = whole_seconds
        self._turns = Semaphore(AT_ONCE)
        self._client = httpx2.AsyncClient(
            verify=tls,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(_WHOLE_SECONDS, connect=_CONNECT_SECONDS),
            headers={"accept-encoding": "identity"},
        )

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
        """Close every connection."""
        await self._client.aclose()

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
            async with self._clock.timeout(self._whole_seconds):
                answer = await self._client.put(
                    _allowed(deployment, upload.url), headers=headers, content=body
                )
        except _BROKEN as exc:
            raise FileTransferError(status=None) from exc
        if not answer.is_success:
            raise FileTransferError(status=answer.status_code)

    async def _get(self, deployment: Deployment, url: str, size: int) -> bytes:
        try:
            async with self._clock.timeout(self._whole_seconds):
                for _ in range(REDIRECTS_MOST + 1):
                    found = await self._fetched(_allowed(deployment, url), size)
                    if isinstance(found, bytes):
                        return found
                    url = urljoin(url, found)
        except _BROKEN as exc:
            raise FileTransferError(status=None) from exc
        raise FileTransferError(status=None)

    async def _fetched(self, url: str, size: int) -> bytes | str:
        """The bytes, or where they are."""
        async with self._client.stream("GET", url) as answer:
            if answer.has_redirect_location:
                return str(answer.headers["location"])
            if not answer.is_success:
                raise FileTransferError(status=answer.status_code)
            return await _exactly(answer, size)


async def _exactly(answer: httpx2.Response, size: int) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > size:
            break
    if len(body) != size:
        raise FileTransferError(status=answer.status_code)
    return bytes(body)


def _allowed(deployment: Deployment, url: str) -> str:
    """Only TLS, but where the deployment itself is without. Raises FileTransferError."""
    if not url.startswith("https://") and deployment.endpoint is None:
        raise FileTransferError(status=None)
    return url
