"""A guest's login on the wire: the documents of its endpoints, and what frames tell of it.

Field names are those of the vendor's SDKs. No document of this module is ever logged.
"""

import re
from enum import Enum, auto
from typing import Final

from service.domain.errors import GuestProtocolError
from service.domain.sign_in import LoginProof, Tokens
from service.guest.chat_events import Presence, PresenceType
from service.guest.json_text import parse_object, render
from service.guest.messages import ErrorFrame, ServerFrame, StructuredMessage
from service.guest.requests import AuthData, ConfigureAuthenticatedSession, ConfigureSession
from service.guest.translate import error_code

_UNAUTHORIZED: Final = "401"
_FORBIDDEN: Final = "403"
_SIGNED_IN: Final = "4017"
_STEP_UP_REFUSALS: Final = frozenset({"400", _FORBIDDEN, "404"})
_LOGIN_FAILED: Final = ("session authentication failed", "try to authenticate again")
"""How the texts begin that mean the login and not the deployment, whatever their case."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class LoginRefusal(Enum):
    """What a refused configure says of the login it was made with."""

    STALE = auto()
    """The JWT is not good any more: another one may be."""
    FAILED = auto()
    """No JWT of this login will do."""


def exchange_document(deployment_id: str, proof: LoginProof) -> str:
    """The body of the exchange of a code or an id token."""
    named = {
        "code": proof.code,
        "redirectUri": proof.redirect_uri,
        "codeVerifier": proof.code_verifier,
        "idToken": proof.id_token,
        "nonce": proof.nonce,
        "maxAge": proof.max_age,
        "iss": proof.iss,
    }
    oauth = {name: value for name, value in named.items() if value is not None}
    return render({"deploymentId": deployment_id, "oauth": oauth})


def refresh_document(refresh_token: str) -> str:
    """The body of a refresh."""
    return render({"refreshToken": refresh_token})


def read_tokens(text: str) -> Tokens:
    """What an exchange or a refresh brought. Raises GuestProtocolError."""
    tree = parse_object(text)
    jwt, refresh_token = tree.get("jwt"), tree.get("refreshToken")
    if not isinstance(jwt, str) or not jwt:
        raise GuestProtocolError(path="jwt", problem="must be a text")
    known = isinstance(refresh_token, str) and bool(refresh_token)
    return Tokens(jwt=jwt, refresh_token=str(refresh_token) if known else None)


def provider_code(text: str) -> str | None:
    """The code in the body of a refusal, if it is one that may be shown."""
    try:
        code = parse_object(text).get("code")
    except GuestProtocolError:
        return None
    return code if isinstance(code, str) and _PLAIN.fullmatch(code) else None


def configure_request(
    *, token: str, deployment_id: str, jwt: str | None, start_new: bool, tracing_id: str
) -> ConfigureSession | ConfigureAuthenticatedSession:
    """How a link is attached to a guest session: with a JWT as that of a signed-in guest."""
    if jwt is None:
        return ConfigureSession(
            token=token,
            deployment_id=deployment_id,
            start_new=start_new,
            tracing_id=tracing_id,
        )
    return ConfigureAuthenticatedSession(
        token=token,
        deployment_id=deployment_id,
        data=AuthData(code=jwt),
        start_new=start_new,
        tracing_id=tracing_id,
    )


def login_refusal(frame: ServerFrame, *, stepping_up: bool) -> LoginRefusal | None:
    """What an answer to an authenticated configure says against the login; None: nothing.

    Who steps up can go on without: any refusal of the request is one of the login then.
    """
    if not isinstance(frame, ErrorFrame):
        return None
    code = error_code(frame)
    if code == _UNAUTHORIZED:
        return LoginRefusal.STALE
    if stepping_up and code in _STEP_UP_REFUSALS:
        return LoginRefusal.FAILED
    return LoginRefusal.FAILED if code == _FORBIDDEN and _is_of_login(frame) else None


def is_signed_in_already(frame: ServerFrame) -> bool:
    """Whether an anonymous configure was refused because the guest session is no anonymous one."""
    return isinstance(frame, ErrorFrame) and error_code(frame) == _SIGNED_IN


def _is_of_login(frame: ErrorFrame) -> bool:
    texts = (frame.text, frame.error_message, frame.message)
    return any((text or "").strip().lower().startswith(_LOGIN_FAILED) for text in texts)


def name_of_guest(frame: ServerFrame) -> str | None:
    """Who signed in, where the frame is the guest's `SignIn` and names them."""
    if not isinstance(frame, StructuredMessage) or frame.body.direction == "Outbound":
        return None
    came = any(
        isinstance(e, Presence) and e.type == PresenceType.SIGN_IN for e in frame.body.events
    )
    sender = frame.body.channel.from_ if frame.body.channel else None
    if not came or sender is None:
        return None
    names = (sender.first_name, sender.last_name)
    return " ".join(name for name in names if name) or sender.nickname
