"""The address table, with what must be refused, what must not, and what looks harmless."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import ConfigurationError
from service.webhook.addresses import is_allowed, judge_address, networks

EVERYTHING = networks("0.0.0.0/0, ::/0")
LOOPBACK = networks("127.0.0.0/8,::1/128")
NEVER = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "169.254.79.129",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1",
    "239.1.1.1",
    "255.255.255.255",
    "::",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::ffff:0:a9fe:a9fe",
    "::a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1:a9fe:a9:fe00::",
    "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:5601:5601",
    "2a00:1450::5efe:a9fe:a9fe",
    "2a00:1450::200:5efe:a9fe:a9fe",
]
PRIVATE = [
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.255.254",
    "172.16.0.1",
    "172.31.255.254",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.254",
    "198.51.100.1",
    "203.0.113.1",
    "240.0.0.1",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "100::1",
    "2001:db8::1",
    "2001:2::1",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "64:ff9b:1::7f00:1",
    "::ffff:127.0.0.1",
    "::7f00:1",
    "::ffff:0:7f00:1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
    "2a00:1450::5efe:7f00:1",
    "::8.8.8.8",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.254",
    "100.128.0.1",
    "172.15.255.254",
    "172.32.0.1",
    "192.88.98.255",
    "223.255.255.255",
    "2001:4860:4860::8888",
    "2a00:1450:4001:80b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


@pytest.mark.parametrize("ip", NEVER)
def test_link_local_metadata_and_multicast_stay_shut_whatever_is_allowed(ip: str) -> None:
    assert judge_address(ip) is not None
    assert judge_address(ip, EVERYTHING) is not None


@pytest.mark.parametrize("ip", PRIVATE)
def test_private_and_special_addresses_are_refused(ip: str) -> None:
    assert judge_address(ip) is not None


@pytest.mark.parametrize("ip", PUBLIC)
def test_public_addresses_are_not_over_blocked(ip: str) -> None:
    assert judge_address(ip) is None


@pytest.mark.parametrize("ip", ["", "localhost", "127.1", "0x7f.0.0.1", "2130706433", "1.2.3.4.5"])
def test_what_is_no_address_is_refused(ip: str) -> None:
    assert judge_address(ip) == "not an IP address"
    assert not is_allowed(ip, EVERYTHING)


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_an_allowed_network_opens_its_addresses(ip: str) -> None:
    assert judge_address(ip, LOOPBACK) is None


def test_an_allowed_network_opens_nothing_else() -> None:
    assert judge_address("10.0.0.1", LOOPBACK) is not None
    assert judge_address("fd12::1", LOOPBACK) is not None


def test_only_what_an_allowed_network_opened_counts_as_allowed() -> None:
    assert is_allowed("127.0.0.1", LOOPBACK)
    assert not is_allowed("8.8.8.8", LOOPBACK)
    assert not is_allowed("169.254.169.254", EVERYTHING)


@given(st.ip_addresses())
def test_every_address_gets_a_verdict(ip: IPv4Address | IPv6Address) -> None:
    verdict = judge_address(str(ip))

    assert verdict is None or verdict
    # One way only: the standard library calls too much global, never too little, but for NAT64.
    if verdict is None and ip.version == 4:
        assert ip.is_global


def test_networks_come_from_a_setting() -> None:
    assert [str(net) for net in networks(" 10.0.0.0/8, ::1/128,,192.168.1.7 ")] == [
        "10.0.0.0/8",
        "::1/128",
        "192.168.1.7/32",
    ]
    assert networks("") == ()


def test_every_wrong_network_is_named() -> None:
    with pytest.raises(ConfigurationError) as refused:
        networks("10.0.0.1/8, loopback, ::1/128")

    assert len(refused.value.faults) == 2
