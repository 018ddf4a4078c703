"""Which URLs may be webhook targets: syntax, scheme, host and port. Pure; it resolves nothing.

The same check runs when an endpoint is made, when it is changed, and at each attempt. Names are
judged once more by every address they resolve to, with `judge_address`, by whoever connects.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote

from service.domain.errors import BlockedTargetError, FieldFault, InvalidRequestError
from service.webhook.addresses import Network, is_allowed, judge_address, networks

__all__ = ["Network", "ParsedTarget", "check_url", "judge_address", "networks"]

URL_MAX: Final = 2048

_PORT_MAX: Final = 65535
_NAME_MAX: Final = 253  # RFC 1035, 2.3.4, as text

_SHAPE: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)"
    r"(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?:#.*)?"
)
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f\\]")
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_AMBIGUOUS: Final = re.compile("[\u00df\u03c2\u1e9e\u200c\u200d]")
"""Characters that IDNA 2003 and 2008 map to different hosts: the caller must say which is meant."""
_ASCII: Final = "".join(chr(code) for code in range(0x21, 0x7F))
_METADATA_NAMES: Final = frozenset(
    {"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"}
)
_LOOPBACK_NAMES: Final = ("127.0.0.1", "::1")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_BLOCKED_PORTS: Final = frozenset(
    # Services that could take an HTTP request for commands of their own; most stand in Fetch.
    {7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 79, 110, 111, 113, 119}
    | {123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 548, 554, 563, 587}
    | {601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 2375, 3306, 3659, 4045, 5060, 5061}
    | {5432, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6697, 10080, 11211, 27017}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedTarget:
    """A URL that may be tried, in the one spelling that name server, Host and TLS all get."""

    scheme: str
    host: str
    """A lower-case ASCII name, or an IP address without brackets."""
    port: int
    path: str
    """Path and query as the request line carries them; a fragment is never sent."""
    is_address: bool

    @property
    def authority(self) -> str:
        """The Host header: brackets for IPv6, no port where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def check_url(
    url: str, *, allow_http: bool = False, allowed_networks: Sequence[Network] = ()
) -> ParsedTarget:
    """Take a URL apart and judge what can be judged without resolving its name.

    Plain http is for `allow_http`, and for hosts that an allowed network opened by address (or as
    localhost).

    Raises:
        InvalidRequestError: it is no URL of ours; names the rule, at `/url`.
        BlockedTargetError: it is one, and may not be reached.
    """
    found = _shape(url)
    scheme = found["scheme"].lower()
    if scheme not in _DEFAULT_PORTS:
        raise _invalid(detail="must begin with https://")
    host_text, port_text = _authority(found["authority"])
    host, is_address = _host(host_text)
    port = _port(port_text, scheme)
    local = _judge_host(host, is_address=is_address, allowed_networks=allowed_networks)
    if scheme == "http" and not (allow_http or local):
        raise _invalid(detail="must begin with https://")
    target = quote((found["path"] or "/") + (found["query"] or ""), safe=_ASCII)
    return ParsedTarget(scheme=scheme, host=host, port=port, path=target, is_address=is_address)


def _shape(url: str) -> re.Match[str]:
    if len(url) > URL_MAX:
        raise _invalid(detail=f"must not be longer than {URL_MAX} characters")
    if _UNSAFE.search(url):
        raise _invalid(detail="must not contain blanks, control characters or backslashes")
    if any("\ud800" <= char <= "\udfff" for char in url):
        raise _invalid(detail="must not contain lone surrogates")
    found = _SHAPE.fullmatch(url)
    if found is None:
        raise _invalid(detail="must be an absolute URL")
    return found


def _authority(text: str) -> tuple[str, str | None]:
    if "@" in text:
        raise _invalid(detail="must not carry credentials: use a header")
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise _invalid(detail="has broken brackets")
        return _ipv6(host), rest[1:] if rest else None
    host, colon, port = text.partition(":")
    return host, port if colon else None


def _ipv6(text: str) -> str:
    try:
        if "%" not in text:  # a zone id has no meaning to a peer (RFC 9844)
            return str(IPv6Address(text))
    except AddressValueError as exc:
        raise _invalid(detail="has brackets around something that is no IPv6 address") from exc
    raise _invalid(detail="must not carry an IPv6 zone")


def _host(text: str) -> tuple[str, bool]:
    if ":" in text:
        return text, True
    host = _ascii_host(text)
    labels = host.split(".")
    if _NUMERIC.fullmatch(labels[-1] or "-"):
        return _dotted_quad(host), True
    if len(host) > _NAME_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        raise _invalid(detail="has a host that is no valid name")
    return host, False


def _ascii_host(text: str) -> str:
    if _AMBIGUOUS.search(text):
        raise _invalid(detail="has a host with ambiguous characters: write it in its xn-- form")
    try:
        host = text.encode("idna").decode().lower()
    except UnicodeError as exc:
        raise _invalid(detail="has a host that is no valid name") from exc
    if not host:
        raise _invalid(detail="has no host")
    if host.endswith("."):
        # A dot at the end names the same host to a resolver and another one to certificates and
        # filters.
        raise BlockedTargetError(reason="the host ends with a dot")
    return host


def _dotted_quad(host: str) -> str:
    try:
        # Strict: resolvers also read octal, hex and short forms, each a way around a filter.
        return str(IPv4Address(host))
    except AddressValueError as exc:
        raise BlockedTargetError(reason="a numeric host that is not a plain IPv4 address") from exc


def _port(text: str | None, scheme: str) -> int:
    if text is None:
        return _DEFAULT_PORTS[scheme]
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) <= _PORT_MAX:
        raise _invalid(detail="has a port that is none")
    if int(text) in _BLOCKED_PORTS:
        raise BlockedTargetError(reason=f"port {int(text)} is not for webhooks")
    return int(text)


def _judge_host(host: str, *, is_address: bool, allowed_networks: Sequence[Network]) -> bool:
    """Whether an allowed network opened the host; raises where its text alone rules it out."""
    if host in _METADATA_NAMES:
        raise BlockedTargetError(reason="a metadata service")
    if is_address:
        reason = judge_address(host, allowed_networks)
        if reason is not None:
            raise BlockedTargetError(reason=reason)
        return is_allowed(host, allowed_networks)
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3: always loopback
        if not any(is_allowed(ip, allowed_networks) for ip in _LOOPBACK_NAMES):
            raise BlockedTargetError(reason="a private or special-purpose address")
        return True
    return False


def _invalid(*, detail: str) -> InvalidRequestError:
    return InvalidRequestError(FieldFault(pointer="/url", detail=detail))
