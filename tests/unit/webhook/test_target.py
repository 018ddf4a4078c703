"""Which URLs may be webhook targets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import BlockedTargetError, InvalidRequestError
from service.webhook.addresses import networks
from service.webhook.target import URL_MAX, ParsedTarget, check_url

LOOPBACK = networks("127.0.0.0/8,::1/128")
EVERYTHING = networks("0.0.0.0/0, ::/0")


def test_a_url_is_taken_apart_as_it_will_be_sent() -> None:
    assert check_url("HTTPS://Hooks.Example.COM:8443/a%2Fb/../c?x=%7e&y=z#part") == ParsedTarget(
        scheme="https",
        host="hooks.example.com",
        port=8443,
        path="/a%2Fb/../c?x=%7e&y=z",
        is_address=False,
    )


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://example.com", "example.com", "/"),
        ("https://example.com?x", "example.com", "/?x"),
        ("https://example.com:443/", "example.com", "/"),
        ("https://example.com:8443/", "example.com:8443", "/"),
        ("https://example.com/#f?x", "example.com", "/"),
        ("https://example.com/caf\u00e9", "example.com", "/caf%C3%A9"),
        ("https://1.1.1.1/", "1.1.1.1", "/"),
        ("https://[2606:4700:0::1111]:444/", "[2606:4700::1111]:444", "/"),
        ("https://b\u00fccher.example/", "xn--bcher-kva.example", "/"),
        ("https://example\u3002com/", "example.com", "/"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", "/"),
        ("https://\U0001f600.example/", "xn--e28h.example", "/"),
        ("https://a_b.example/", "a_b.example", "/"),
        ("https://\u0131.example/", "xn--cfa.example", "/"),
        ("https://p\u0430ypal.example/", "xn--pypal-4ve.example", "/"),
        (
            "https://example.com/%2e%2e/%0d%0a?a=%00&b=c#d",
            "example.com",
            "/%2e%2e/%0d%0a?a=%00&b=c",
        ),
        ("https://example.com/?\u2028", "example.com", "/?%E2%80%A8"),
    ],
)
def test_host_and_path_have_one_spelling(url: str, authority: str, path: str) -> None:
    target = check_url(url)

    assert (target.authority, target.path) == (authority, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "https:example.com",
        "//example.com/",
        "https:///path",
        "https://",
        "https://:443/",
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "data:text/plain,x",
        "https://user:pass@example.com/",
        "https://good.example@169.254.169.254/",
        "https://exa mple.com/",
        "https://example.com/a b",
        "https://example.com\\@evil.example/",
        "https://example.com/\r\nx: y",
        "https://example.com/\ta",
        "https://example.com/\0",
        " https://example.com/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:-1/",
        "https://example.com:/",
        "https://example.com:8e3/",
        "https://example.com:\u0661/",
        "https://[fe80::1%25eth0]/",
        "https://[[::1]]/",
        "https://[127.0.0.1]/",
        "https://[[1.1.1.1]]/",
        "https://[::ffff:127.0.0.1%25lo]/",
        "https://127%2e0%2e0%2e1/",
        "https://example.com%00.evil.example/",
        "https://example.com:80:443/",
        "https://example.com:+443/",
        "https://example.com: 443/",
        "https://@example.com/",
        "https://example.com:pass@10.0.0.1/",
        "https:\\\\example.com/",
        "https:/example.com/",
        "https://exam\nple.com/",
        "https://example.com/\x7f",
        "https://a\u200db.example/",
        "https://\ud83d.example/",
        "https://" + "\u00fc" * 64 + ".example/",
        "https://example.com/?" + "q" * 65536,
        "https://[::1/",
        "https://[::1]x/",
        "https://example.com:1:2/",
        "https://stra\u00dfe.example/",
        "https://-a.example/",
        "https://a..example/",
        f"https://{'a' * 64}.example/",
        f"https://{'a.' * 130}example/",
        "https://ex!ample.com/",
        "https://example.com/\ud800",
        "https://example.com/?" + "q" * URL_MAX,
    ],
)
def test_what_is_no_plain_https_url_is_refused_at_its_field(url: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        check_url(url)

    assert refused.value.faults[0].pointer == "/url"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:9001",
        "127.0.0.1.",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "0x",
        "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
        "127\u30020\u30020\u30021",
        "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
        "0177.0x0.0.1",
        "127.0.0.08",
        "00000127.0.0.1",
        "0",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "1.2.3.4.5",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[::ffff:0:7f00:1]",
        "[::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::1]",
        "[2001:0:4136:e378:8000:63bf:5601:5601]",
        "[2a00:1450::5efe:7f00:1]",
        "169.254.170.2",
        "169.254.170.23",
        "169.254.79.129",
        "224.0.0.1",
        "255.255.255.255",
        "[fd00:ec2::254]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "foo.localhost",
        "foo.localhost.",
        "\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54",
        "local\u00adhost",
        "metadata",
        "metadata.google.internal",
        "metadata.google.internal.",
        "instance-data",
    ],
)
def test_a_host_inside_is_blocked_in_every_spelling(host: str) -> None:
    with pytest.raises(BlockedTargetError):
        check_url(f"https://{host}/hook")


@pytest.mark.parametrize(
    "host",
    [
        *["169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.79.129"],
        *["[fd00:ec2::254]", "[fe80::1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]"],
        "metadata.google.internal",
    ],
)
def test_metadata_and_link_local_stay_shut_where_everything_is_allowed(host: str) -> None:
    with pytest.raises(BlockedTargetError):
        check_url(f"https://{host}/", allow_http=True, allowed_networks=EVERYTHING)


@pytest.mark.parametrize("port", [22, 25, 6379, 5432, 11211])
def test_ports_of_other_services_are_blocked(port: int) -> None:
    with pytest.raises(BlockedTargetError, match=str(port)):
        check_url(f"https://example.com:{port}/")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9000/hook",
        "http://[::1]:9000/hook",
        "http://localhost:9000/hook",
        "https://app.localhost/hook",
    ],
)
def test_an_allowed_network_opens_its_hosts_to_plain_http_too(url: str) -> None:
    assert check_url(url, allowed_networks=LOOPBACK).path == "/hook"


def test_an_allowed_network_does_not_open_plain_http_to_the_world() -> None:
    with pytest.raises(InvalidRequestError):
        check_url("http://1.1.1.1/", allowed_networks=LOOPBACK)


def test_plain_http_can_be_allowed() -> None:
    assert check_url("http://example.com/", allow_http=True).authority == "example.com"


def test_allowing_http_opens_no_address() -> None:
    with pytest.raises(BlockedTargetError):
        check_url("http://127.0.0.1/", allow_http=True)


@given(st.text(max_size=60))
def test_no_text_does_anything_but_pass_or_be_refused(text: str) -> None:
    try:
        target = check_url("https://" + text)
    except (InvalidRequestError, BlockedTargetError):
        return

    assert target.host.isascii()
    assert target.path.isascii()
    assert "\r" not in target.path
    assert "\n" not in target.path
