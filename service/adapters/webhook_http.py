"""POSTs to callers' endpoints over httpcore2: the north wire's only way out. It never retries.

Every attempt resolves the name anew and judges *all* its addresses; the connection goes to an
address that was judged, with the original name in Host and TLS. No redirects, no proxies, no
cookies, no decompression: this stays below httpx2 and uses the connections it stands on, which know
none of them.
"""

import ssl
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Final, cast

import httpcore2

from service.adapters.judged_names import Judge
from service.adapters.webhook_connections import BoundedBackend, EndlessAnswerError, has_leftover
from service.adapters.webhook_names import Resolver, SystemResolver
from service.adapters.webhook_phases import Stopwatch
from service.adapters.webhook_pool import IDLE_SECONDS, KEPT_MOST, KeptConnections
from service.domain.errors import BlockedTargetError, InvalidRequestError
from service.ports import Clock, WebhookAnswer
from service.webhook.directive import parse_directive
from service.webhook.target import Network, ParsedTarget, check_url

CONNECT_SECONDS: Final = 5.0
BODY_READ_MAX: Final = 64 * 1024
BODY_KEPT_MAX: Final = 16 * 1024
BODY_SECONDS: Final = 1.0
"""How long an answer's body may take once its head has decided everything."""
URLS_KNOWN: Final = 1024
HEADER_KEPT_MAX: Final = 256
DETAIL_MAX: Final = 300
_MISDIRECTED: Final = 421
"""RFC 9110, 15.5.20: a request that came over the wrong connection, to be sent over another."""

_WIRE_ERRORS: Final = (
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
)


class WebhookSender:
    """The port to callers' endpoints."""

    def __init__(  # noqa: PLR0913 - what it is made from, each by its name
        self,
        *,
        clock: Clock,
        allowed_networks: Sequence[Network] = (),
        allow_http: bool = False,
        tls: ssl.SSLContext | None = None,
        resolver: Resolver | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        body_seconds: float = BODY_SECONDS,
        kept_most: int = KEPT_MOST,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._clock = clock
        self._allowed = tuple(allowed_networks)
        # A URL says the same at every attempt; only what its host resolves to changes.
        self._checked = lru_cache(URLS_KNOWN)(
            partial(check_url, allow_http=allow_http, allowed_networks=self._allowed)
        )
        self._tls = tls
        self._own_resolver = SystemResolver(clock=clock) if resolver is None else None
        self._judge = Judge(
            clock=clock,
            resolver=resolver or cast("Resolver", self._own_resolver),
            allowed=self._allowed,
            seconds=connect_seconds,
        )
        self._connect_seconds = connect_seconds
        self._body_seconds = body_seconds
        backend = BoundedBackend(clock)
        self._kept = KeptConnections(
            clock=clock, backend=backend, idle_seconds=idle_seconds, kept_most=kept_most
        )

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> WebhookAnswer:
        """One attempt under one deadline; a complete head is an answer, whatever its body does."""
        started = self._clock.monotonic()
        watch = Stopwatch(self._clock)
        try:
            target = self._checked(url)
            posted = _Post(
                target=target, headers=headers, body=body, watch=watch, tls=self._trust(target)
            )
            answer = await self._attempt(posted, until=started + timeout_seconds)
        except (BlockedTargetError, InvalidRequestError) as exc:
            answer = _failed("blocked_target", exc)
        except TimeoutError:
            answer = _failed("timeout", f"no answer within {timeout_seconds:g} s")
        except _WIRE_ERRORS as exc:
            answer = _failed(_error_class(exc), exc)
        except OSError as exc:
            answer = _failed("dns", exc)
        seconds = self._clock.monotonic() - started
        return replace(answer, seconds=seconds, phases=watch.phases())

    async def close(self) -> None:
        """Close every kept connection, and resolve no more names."""
        if self._own_resolver is not None:
            self._own_resolver.close()
        await self._kept.aclose()

    async def _attempt(self, posted: "_Post", *, until: float) -> WebhookAnswer:
        async with self._clock.timeout(until - self._clock.monotonic()):
            with posted.watch.phase("dns"):
                addresses = await self._addresses(posted.target)
            response = await self._first_answer(posted, addresses, until=until)
        # Outside of that deadline: from here on nothing may take the answer back.
        seconds = min(self._body_seconds, until - self._clock.monotonic())
        kept = await self._body(response, seconds=seconds)
        answer = _answer(response, kept)
        secured = posted.target.scheme == "https"
        return replace(answer, date=_header(response, b"date")) if secured else answer

    async def _first_answer(
        self, posted: "_Post", addresses: Sequence[str], *, until: float
    ) -> httpcore2.Response:
        """Try the next address only where no connection came about: later, bytes may have left."""
        *spare, last = addresses
        for address in spare:
            try:
                return await self._send(posted, address, until=until)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._send(posted, last, until=until)

    async def _send(self, posted: "_Post", address: str, *, until: float) -> httpcore2.Response:
        request = posted.to(address, self._connect(until))
        return await self._kept.request(request, name=posted.target.host, tls=posted.tls)

    def _connect(self, until: float) -> float:
        """Seconds for TCP and as many for TLS: well inside of what is left.

        A TLS handshake that is cancelled from outside leaks its socket in the transport, one that
        times out there does not.
        """
        return min(self._connect_seconds, (until - self._clock.monotonic()) / 3)

    async def _addresses(self, target: ParsedTarget) -> Sequence[str]:
        if target.is_address:
            return [target.host]
        return await self._judge(target.host, target.port)

    async def _body(self, response: httpcore2.Response, *, seconds: float) -> bytes:
        """Read the body for a moment, so that the connection can be kept; never fails."""
        kept = bytearray()
        size = 0
        # Not the response's own iterator: it gives the connection back before we can judge it.
        stream = cast("AsyncIterable[bytes]", response.stream)
        chunks = cast("AsyncGenerator[bytes]", aiter(stream))
        try:
            async with self._clock.timeout(seconds), aclosing(chunks):
                async for chunk in chunks:
                    size += len(chunk)
                    kept += chunk[: BODY_KEPT_MAX - len(kept)]
                    if size >= BODY_READ_MAX:
                        break
        except (TimeoutError, *_WIRE_ERRORS):
            pass  # the status has decided: a broken body never makes a second delivery
        finally:
            if response.status == _MISDIRECTED or has_leftover(response):
                await response.extensions["network_stream"].aclose()
            await response.aclose()
        return bytes(kept)

    def _trust(self, target: ParsedTarget) -> ssl.SSLContext | None:
        if target.scheme == "http":
            return None
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


@dataclass(frozen=True, slots=True, kw_only=True)
class _Post:
    """One attempt's request, before it is known to which address it goes."""

    target: ParsedTarget
    headers: Mapping[str, str]
    body: bytes
    watch: Stopwatch
    tls: ssl.SSLContext | None

    def to(self, address: str, connect_seconds: float) -> httpcore2.Request:
        """The request to one judged address: the name stays in Host and in TLS."""
        target = self.target
        extensions = {"timeout": {"connect": connect_seconds}, "trace": self.watch.trace}
        if not target.is_address:
            extensions["sni_hostname"] = target.host
        return httpcore2.Request(
            "POST",
            httpcore2.URL(scheme=target.scheme, host=address, port=target.port, target=target.path),
            headers=self._headers(),
            content=self.body,
            extensions=extensions,
        )

    def _headers(self) -> list[tuple[str, str]]:
        length = str(len(self.body))
        return [*self.headers.items(), ("host", self.target.authority), ("content-length", length)]


def _answer(response: httpcore2.Response, kept: bytes) -> WebhookAnswer:
    return WebhookAnswer(
        status=response.status,
        retry_after=_header(response, b"retry-after"),
        directive=parse_directive(_header(response, b"webhook-delivery")),
        body=kept,
    )


def _header(response: httpcore2.Response, name: bytes) -> str | None:
    """A header's value; two of them are joined, which no rule for these headers accepts."""
    values = [value for key, value in response.headers if key.lower() == name]
    return b", ".join(values).decode("latin-1")[:HEADER_KEPT_MAX] if values else None


def _failed(error: str, detail: object) -> WebhookAnswer:
    printable = "".join(char if char.isprintable() else "?" for char in str(detail))
    return WebhookAnswer(status=None, error=error, detail=printable[:DETAIL_MAX])


def _error_class(exc: BaseException) -> str:
    """What went wrong, from the chain of causes: all failed connects have one class there."""
    causes = list(_chain(exc))
    if isinstance(exc, httpcore2.TimeoutException):
        return "timeout"
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "tls"
    if isinstance(exc, httpcore2.ConnectError):
        return _connect_error(causes)
    if isinstance(exc, httpcore2.ProtocolError) and not _is_eof(causes):
        return "protocol"
    return "reset"


def _connect_error(causes: Sequence[BaseException]) -> str:
    if any(isinstance(cause, ConnectionResetError) for cause in causes):
        return "reset"
    # A TCP connect fails with an OSError; what fails without one is the TLS handshake cut short.
    return "refused" if any(isinstance(cause, OSError) for cause in causes) else "tls"


def _is_eof(causes: Sequence[BaseException]) -> bool:
    """Whether the peer left before its head: the transport says so itself, h11 never saw bytes."""
    return not any(
        isinstance(cause, EndlessAnswerError) or type(cause).__module__.startswith("h11")
        for cause in causes
    )


def _chain(exc: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = exc
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__
