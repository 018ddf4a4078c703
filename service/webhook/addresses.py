"""Which network addresses a webhook may reach: an explicit table. Pure; it resolves nothing.

`ipaddress.is_global` is no filter: it calls NAT64, multicast and more of them global, and its
answers change between Python versions. Sources: the IANA special-purpose registries for IPv4 and
IPv6, RFC 6052, 3056, 4380, 5214.
"""

from collections.abc import Sequence
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

from service.domain.errors import ConfigurationError

Network = IPv4Network | IPv6Network

_NEVER_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # "this host": Linux connects to itself
        "100.100.100.200/32",  # Alibaba Cloud metadata
        "168.63.129.16/32",  # Azure host services
        "169.254.0.0/16",  # link-local: metadata of most clouds, container credentials, X-Ray
        "192.0.0.192/32",  # Oracle Cloud metadata
        "224.0.0.0/4",  # multicast
        "255.255.255.255/32",
    )
)
_SPECIAL_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "240.0.0.0/4",
    )
)
_NEVER_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        "::/128",
        "fd00:ec2::/32",  # EC2 metadata and EKS pod identity
        "fd20:ce::254/128",  # Google Cloud metadata
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local, withdrawn
        "ff00::/8",  # multicast
    )
)
_UNICAST_V6: Final = IPv6Network("2000::/3")
_SPECIAL_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_EMBEDDING: Final = (  # deprecated or local ways to carry IPv4 in the last 32 bits
    IPv6Network("::/96"),
    IPv6Network("::ffff:0:0:0/96"),
)
_LOOPBACK_V6: Final = IPv6Address("::1")
_TEREDO: Final = IPv6Network("2001::/32")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})  # RFC 5214, 6.1


def networks(text: str) -> tuple[Network, ...]:
    """Networks from a comma-separated setting such as `127.0.0.0/8, ::1/128`.

    Raises:
        ConfigurationError: names every entry that is none.
    """
    found: list[Network] = []
    faults: list[str] = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(ip_network(entry))
        except ValueError:
            faults.append(f"{entry!r} is not a network such as 10.0.0.0/8")
    if faults:
        raise ConfigurationError(*faults)
    return tuple(found)


def judge_address(ip: str, allowed_networks: Sequence[Network] = ()) -> str | None:
    """Why that address may not be reached, or None if it may.

    An allowed network opens private addresses; it never opens link-local, metadata or multicast.
    """
    try:
        address = ip_address(ip)
    except (AddressValueError, ValueError):
        return "not an IP address"
    if isinstance(address, IPv4Address):
        return _judge_v4(address, allowed_networks)
    return _judge_v6(address, allowed_networks)


def is_allowed(ip: str, allowed_networks: Sequence[Network]) -> bool:
    """Whether that address lies in an allowed network and may be reached."""
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    return _within(address, allowed_networks) and judge_address(ip, allowed_networks) is None


def _judge_v4(address: IPv4Address, allowed: Sequence[Network]) -> str | None:
    if _within(address, _NEVER_V4):
        return "a link-local, metadata or multicast address"
    if _within(address, allowed):
        return None
    if _within(address, _SPECIAL_V4):
        return "a private or special-purpose address"
    return None


def _judge_v6(address: IPv6Address, allowed: Sequence[Network]) -> str | None:
    if _within(address, _NEVER_V6):
        return "a link-local, metadata or multicast address"
    inner = _inner(address)
    if inner is not None and (reason := _judge_v4(inner, allowed)) is not None:
        return f"carries {reason}"
    if _within(address, (_MAPPED, _NAT64)) or _within(address, allowed):
        return None
    if address not in _UNICAST_V6 or _within(address, _SPECIAL_V6):
        return "a private or special-purpose address"
    return None


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside an IPv6 one, in each way that some stack or gateway understands."""
    number = int(address)
    if address == _LOOPBACK_V6:
        return None
    if _within(address, (_MAPPED, _NAT64, *_EMBEDDING)) or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(number & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address((number >> 80) & 0xFFFFFFFF)
    if address in _TEREDO:
        return IPv4Address(~number & 0xFFFFFFFF)
    if (
        address in _LOCAL_NAT64
    ):  # RFC 6052, 2.2: a /48 prefix parts the address around bits 64 to 71
        return IPv4Address(((number >> 64) & 0xFFFF) << 16 | (number >> 40) & 0xFFFF)
    return None


def _within(address: IPv4Address | IPv6Address, group: Sequence[Network]) -> bool:
    return any(address in network for network in group)
