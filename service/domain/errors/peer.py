"""What the contact centre or the network did. Carries codes, never content."""

from typing import Final

from service.domain.errors.roots import PeerError

_PASSING: Final = frozenset({408, 429})
_SERVER_ERROR: Final = 500


class GuestProtocolError(PeerError):
    """A frame that cannot be one. Names the place and the problem, never the content."""

    def __init__(self, *, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"at {self.path}: {self.problem}"


class LinkDeniedError(PeerError):
    """The WebSocket upgrade was answered with an HTTP status instead of 101."""

    def __init__(self, *, status: int, retry_after_seconds: float | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        return f"the upgrade was refused with HTTP {self.status}"


class LinkLostError(PeerError):
    """The link is gone; `code` is its close code (RFC 6455, 7.4), 1006 where none came."""

    def __init__(self, *, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"the link closed with {self.code}"


class HistoryUnavailableError(PeerError):
    """The history could not be read now."""

    def __init__(self, *, status: int | None, retry_after_seconds: float | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        return f"history could not be read (HTTP {self.status})"


class PlatformUnavailableError(PeerError):
    """The platform API or the deployment's public files could not be read now.

    `failure` says how no answer came (status None): dns, timeout, tls, refused or other.
    """

    def __init__(
        self,
        *,
        what: str,
        status: int | None,
        failure: str = "other",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(what, status)
        self.retry_after_seconds = retry_after_seconds
        self.what = what
        self.status = status
        self.failure = failure

    def __str__(self) -> str:
        return f"{self.what} could not be read (HTTP {self.status})"


class FileTransferError(PeerError):
    """A file could not be moved to or from an address of Genesys's; None: no answer came."""

    def __init__(self, *, status: int | None) -> None:
        super().__init__(status)
        self.status = status

    @property
    def may_pass(self) -> bool:
        """Whether the same may go well a moment later: nobody refused it."""
        return self.status is None or self.status in _PASSING or self.status >= _SERVER_ERROR

    def __str__(self) -> str:
        return f"the file could not be moved (HTTP {self.status})"


class RejectedByGenesysError(PeerError):
    """Genesys refused a message for good."""

    def __init__(self, *, provider_code: str, detail: str) -> None:
        super().__init__(provider_code, detail)
        self.provider_code = provider_code
        self.detail = detail

    def __str__(self) -> str:
        return f"Genesys refused the message ({self.provider_code}): {self.detail}"


class ClearRefusedError(PeerError):
    """Genesys would not clear the guest's history: the deployment does not allow it."""

    def __str__(self) -> str:
        return "Genesys refused to clear: the deployment does not let guests clear conversations"


class OutcomeUnknownError(PeerError):
    """A message was written and whether it arrived can never be proven any more."""

    def __str__(self) -> str:
        return "the message was written, but whether it arrived can no longer be proven"
