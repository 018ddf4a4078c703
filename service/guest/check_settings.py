"""The doctor's judgement of a deployment's public files. Pure: fetching them is done elsewhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from service.domain.deployment import Deployment
from service.domain.errors import GuestProtocolError
from service.domain.finding import Finding
from service.guest.check_words import found
from service.guest.codec import decode_domains
from service.guest.json_text import parse_short_object
from service.guest.rest import AllowedDomains, DeploymentConfig, MessengerSettings, UploadMode
from service.guest.rest_wire import read_deployment_config, read_messenger_settings

_ABSENT: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
"""The public files lie in a bucket that answers 403 for what it does not have."""
_SHORT_SECONDS: Final = 3600
_ALIASES: Final = {
    f"webmessaging.{alias}.pure.cloud": f"webmessaging.mypurecloud.{country}"
    for alias, country in (
        ("use1", "com"),
        ("euw1", "ie"),
        ("euc1", "de"),
        ("apne1", "jp"),
        ("apse2", "com.au"),
    )
}
"""Older regions have two names each, as the vendor's client libraries list them."""
_LISTED: Final = 20
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Why something could not be read: the status that came, or the failure where none came."""

    status: int | None
    failure: str = "other"
    what: str = ""
    """What it was, as the error names it."""

    @property
    def words(self) -> str:
        """What happened, in plain words."""
        if self.status is not None:
            return f"The answer was HTTP {self.status}."
        return _FAILURES.get(self.failure, "No complete answer came.")


_FAILURES: Final = {
    "dns": "The name of the host does not exist.",
    "timeout": "No answer came in time.",
    "tls": "No secure connection came about (TLS).",
    "not_allowed": "This broker asks nobody there.",
    "refused": "The connection was refused or cut.",
}


def check_configuration(deployment: Deployment, fetched: str | Unread) -> Sequence[Finding]:
    """What the public configuration says, setting by setting."""
    if isinstance(fetched, Unread):
        return [_unread(deployment, fetched)]
    findings: list[Finding] = []
    try:
        tree = parse_short_object(fetched)
        config = read_deployment_config(tree)
        findings += _by_config(deployment, config)
        findings += _by_settings(deployment, read_messenger_settings(tree))
    except GuestProtocolError as fault:
        return [*findings, found("configuration_malformed", f"The file is wrong {_place(fault)}.")]
    if replace(config, status=None) == DeploymentConfig():
        # Another JSON object, such as the word of a proxy.
        return [found("configuration_malformed", "It has none of a deployment's settings.")]
    version = "without a version" if config.version is None else f"of version {cut(config.version)}"
    return [found("configuration_read", f"It is {version}."), *findings]


def check_domains(deployment: Deployment, fetched: str | Unread) -> Finding:
    """Whether the deployment lets the broker's origin in."""
    if isinstance(fetched, Unread):
        return found("origins_unreadable", fetched.words)
    try:
        allowed = decode_domains(fetched)
    except GuestProtocolError as fault:
        return found("origins_malformed", f"The file is wrong {_place(fault)}.")
    return _origin(deployment.origin, allowed)


def media_words(types: Sequence[str], max_kb: int | None) -> str:
    """Which files may be sent, and how large they may be."""
    size = "of any size" if max_kb is None else f"of at most {max_kb} KB"
    return f"Files {size}: {listed(types)}."


def listed(names: Sequence[str]) -> str:
    """Some names for people to read: cut, and not too many."""
    more = len(names) - _LISTED
    tail = [f"and {more} more"] if more > 0 else []
    return ", ".join([*(cut(name) for name in names[:_LISTED]), *tail]) or "none"


def _unread(deployment: Deployment, unread: Unread) -> Finding:
    if unread.status in _ABSENT:
        return found("configuration_not_found", unread.words)
    if unread.failure == "dns":
        return found("configuration_host_unknown", unread.words)
    join = "sends Join all the same" if deployment.auto_start else "sends no Join meanwhile"
    here = "" if deployment.auto_start is None else ", as autoStart says here"
    return found("configuration_unreachable", f"{unread.words} The broker {join}{here}.")


def _by_config(deployment: Deployment, config: DeploymentConfig) -> Iterator[Finding]:
    yield _status(config.status)
    if config.messaging_endpoint is not None:
        yield _endpoint(deployment, config.messaging_endpoint)
    yield _disconnect(config)
    if config.conversation_clear:
        yield found("clear_on", "POST /v1/sessions/{id}/clear works.")
    else:
        yield found("clear_off", "POST /v1/sessions/{id}/clear will be refused.")
    yield _auto_start(deployment, config.auto_start or False)
    yield _typing(config)
    yield _lifetime(config.session_duration_seconds)


def _status(status: str | None) -> Finding:
    if status is None:
        return found("deployment_status_untold", "The file has no status.")
    if status.lower() == "active":
        return found("deployment_active", "Its status is Active.")
    return found("deployment_inactive", f"Its status is {cut(status)}; connections are refused.")


def _endpoint(deployment: Deployment, endpoint: str) -> Finding:
    ours, theirs = _host(deployment.socket_url()), _host(endpoint)
    if _ALIASES.get(ours, ours) == _ALIASES.get(theirs, theirs):
        return found("endpoint_matches", f"Both lead to {cut(ours)}.")
    return found(
        "endpoint_differs",
        f"The configuration leads to {cut(theirs) or 'no host'}, the broker to {cut(ours)}.",
    )


def _disconnect(config: DeploymentConfig) -> Finding:
    if not config.conversation_disconnect_enabled:
        return found(
            "disconnect_off",
            "Sessions stay open when an agent leaves: no session.ended by agent will come. The "
            "next message opens a conversation, or goes on in the one before.",
        )
    if config.conversation_disconnect_type == "ReadOnly":
        return found("disconnect_read_only", "What happens next is said by onReadOnly.")
    return found("disconnect_send", "The next message goes on in the same session.")


def _auto_start(deployment: Deployment, theirs: bool) -> Finding:  # noqa: FBT001 - one setting
    if deployment.auto_start is not None and deployment.auto_start is not theirs:
        here, there = _on(deployment.auto_start), _on(theirs)
        return found("auto_start_differs", f"It is {here} here and {there} at Genesys.")
    if theirs:
        return found("auto_start_on", "The broker sends Join once for each guest session.")
    return found("auto_start_off", "No greeting comes before it.")


def _typing(config: DeploymentConfig) -> Finding:
    shown = {
        "agents": config.show_agent_typing_indicator,
        "guests": config.show_user_typing_indicator,
    }
    off = [who for who, shows in shown.items() if shows is False]
    if off:
        return found("typing_off", f"Turned off for {' and '.join(off)}.")
    return found("typing_on", "Typing events come and go.")


def _lifetime(seconds: int | None) -> Finding:
    if seconds is None:
        return found("session_lifetime_untold", "Genesys's default is 72 hours.")
    if seconds < _SHORT_SECONDS:
        return found("session_lifetime_short", f"After {seconds} seconds without a message.")
    hours = f"{seconds / 3600:.1f}".removesuffix(".0")
    return found("session_lifetime", f"It expires {hours} hours after the last message.")


def _by_settings(deployment: Deployment, settings: MessengerSettings) -> Iterator[Finding]:
    if settings.conversations is False:
        yield found("messaging_off", "The configuration has conversations disabled.")
    yield _attachments(settings.attachments, settings.upload_modes)
    yield _locale(deployment.locale, settings)
    if settings.headless is not None:
        yield _headless(on=settings.headless)
    if settings.authentication:
        step_up = "may" if settings.step_up else "may not"
        yield found("authentication_on", f"An anonymous session {step_up} become a signed-in one.")
    else:
        yield found("authentication_off", "Signing in is turned off.")


def _headless(*, on: bool) -> Finding:
    if on:
        return found(
            "headless_on", "Pages draw the window themselves. The broker works either way."
        )
    return found("headless_off", "Pages show Genesys's window. The broker works either way.")


def _attachments(by_profile: bool | None, modes: Sequence[UploadMode]) -> Finding:  # noqa: FBT001 - one setting
    if by_profile:
        return found("attachments_by_profile", "Which files it allows, only a test session tells.")
    types = [name for mode in modes for name in mode.file_types]
    if by_profile is False or not types:
        return found("attachments_off", "Guests may send no files.")
    sizes = [mode.max_file_size_kb for mode in modes if mode.max_file_size_kb is not None]
    return found("attachments_by_configuration", media_words(types, max(sizes, default=None)))


def _locale(locale: str | None, settings: MessengerSettings) -> Finding:
    languages = listed(settings.languages)
    if locale is None:
        default = cut(settings.default_language or "not told")
        return found("locale_unset", f"The deployment's default is {default}.")
    wanted = locale.lower().replace("_", "-")
    if wanted in {language.lower().replace("_", "-") for language in settings.languages}:
        return found("locale_listed", f"{locale} is one of: {languages}.")
    return found(
        "locale_not_listed",
        f"{locale} is none of: {languages}. It travels as a custom attribute all the same.",
    )


def _origin(origin: str | None, allowed: AllowedDomains) -> Finding:
    if allowed.allow_all:
        return found("origins_all", "The deployment allows all domains.")
    if not allowed.domains:
        return found("origins_none", "All domains are not allowed, and none is listed.")
    domains = listed(allowed.domains)
    if origin is None:
        return found("origin_missing", f"Genesys may refuse connections. Allowed: {domains}.")
    host = _host(origin)
    entries = (entry.lower() for entry in allowed.domains)
    if any(host == entry or host.endswith(f".{entry}") for entry in entries):
        return found("origin_allowed", f"{origin} is of an allowed domain.")
    return found("origin_not_allowed", f"{origin} is of none of: {domains}.")


def _host(address: str) -> str:
    try:
        return urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""


def _place(fault: GuestProtocolError) -> str:
    place = "its beginning" if fault.path == "$" else cut(fault.path)
    return f"at {place}: {cut(fault.problem)}"


def _on(flag: bool) -> str:  # noqa: FBT001 - one word for one value
    return "on" if flag else "off"


def cut(text: str, most: int = _SHOWN) -> str:
    """Remote text, cut for people: nothing that a terminal obeys, not too long."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:most])
