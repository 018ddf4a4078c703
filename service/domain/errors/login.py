"""What goes wrong with a guest's login. Carries statuses and codes, never a code or a token."""

from service.domain.errors.roots import CallerError, PeerError


class AuthenticationFailedError(CallerError):
    """Genesys refused what was to prove the guest's login."""

    def __init__(self, *, status: int, provider_code: str | None = None) -> None:
        super().__init__(status, provider_code)
        self.status = status
        self.provider_code = provider_code

    def __str__(self) -> str:
        named = f"HTTP {self.status}" + (f", {self.provider_code}" if self.provider_code else "")
        return (
            f"Genesys refused the guest's login ({named}): a code works once and not for long; "
            "check redirectUri, codeVerifier or nonce, "
            "and that authentication is turned on for this deployment"
        )


class NotSignedInError(CallerError):
    """The session is anonymous: there is nobody to sign out."""

    def __init__(self, *, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return f"session {self.session_id} is anonymous: nobody is signed in"


class LoginUnavailableError(PeerError):
    """Genesys could not be asked about a login, or had no answer now."""

    def __init__(self, *, status: int | None, retry_after_seconds: float | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        return f"the login could not be checked (HTTP {self.status})"


class StepUpRefusedError(PeerError):
    """Genesys does not let an anonymous session of this deployment become a signed-in one."""

    def __str__(self) -> str:
        return (
            "Genesys refused to sign this session in, it goes on anonymous: "
            "the deployment must allow it (auth.allowSessionUpgrade)"
        )
