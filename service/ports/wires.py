"""Ports to the two wires: the contact centre in the south, callers' webhooks in the north."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from service.domain.attachment import Upload
from service.domain.attempt import Phases
from service.domain.deployment import Deployment, PlatformCredentials
from service.webhook.directive import Directive


class Link(Protocol):
    """One live WebSocket. Moves strings and reports closes; does not parse, count or wait."""

    async def send(self, text: str) -> None:
        """Write one text frame. Raises LinkLostError."""

    async def receive(self) -> str:
        """The next text frame. Raises LinkLostError; cancelling it loses nothing."""

    async def close(self) -> None:
        """Close with 1000; returns within two seconds whatever the peer does. Never raises."""


class GuestSockets(Protocol):
    """Opens links to a deployment."""

    async def open(self, deployment: Deployment) -> Link:
        """Open the socket. Raises LinkDeniedError (an HTTP status came) or LinkLostError."""


class GuestRest(Protocol):
    """What the Guest API offers over HTTP."""

    async def history(self, deployment: Deployment, *, jwt: str, page: int, page_size: int) -> str:
        """One page of history as JSON text, newest first, page 1 first.

        Raises HistoryUnavailableError.
        """

    async def configuration(self, deployment: Deployment) -> str:
        """The public deployment configuration as JSON text. Raises PlatformUnavailableError."""

    async def domains(self, deployment: Deployment) -> str:
        """The public list of allowed domains as JSON text. Raises PlatformUnavailableError."""


class GuestFiles(Protocol):
    """Bytes of files, to and from addresses that Genesys signed.

    Only over TLS, unless the deployment itself is without.
    """

    async def put(
        self, deployment: Deployment, upload: Upload, *, file_type: str, body: bytes
    ) -> None:
        """Upload. Raises FileTransferError."""

    async def copy(
        self, deployment: Deployment, source: str, upload: Upload, *, file_type: str, size: int
    ) -> None:
        """Download so many bytes from `source`, and upload them. Raises FileTransferError."""


class Platform(Protocol):
    """The Platform API, where a deployment has credentials for it."""

    async def conversation_of(
        self,
        deployment: Deployment,
        credentials: PlatformCredentials,
        *,
        body_id: str,
        afresh: bool = False,
    ) -> tuple[str, str | None] | None:
        """The conversation id and the customer's participant id of a platform message.

        None if it is not indexed yet. A refusal of these credentials may be answered from memory,
        but not `afresh`. Raises PlatformUnavailableError.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswer:
    """What one POST came to.

    `status` is None when no complete head arrived; then `error` says the class.
    """

    status: int | None
    error: str | None = None
    """dns, refused, reset, timeout, tls, protocol, blocked_target."""
    detail: str = ""
    retry_after: str | None = None
    directive: Directive | None = None
    """What the `webhook-delivery` header of the answer asks for, if anything we know."""
    date: str | None = None
    """The `Date` of an answer that came over TLS: somebody's clock, as we believe that somebody."""
    body: bytes = b""
    """As received, never decompressed; at most 16 KiB of it."""
    seconds: float = 0.0
    phases: Phases = field(default_factory=Phases)

    @property
    def delivered(self) -> bool:
        """Whether a complete 2xx head came."""
        return self.status is not None and 200 <= self.status <= 299  # noqa: PLR2004 - RFC 9110, 15.3

    @property
    def failure(self) -> str | None:
        """The class of what went wrong: `error`, or `status` where another answer than 2xx came."""
        return None if self.delivered else self.error or "status"


class WebhookHttp(Protocol):
    """POSTs to callers' endpoints.

    Judges the resolved address at every attempt, follows no redirect.
    """

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> WebhookAnswer:
        """One attempt, never raising for what a receiver does; one deadline over everything."""
