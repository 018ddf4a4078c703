"""Where a deployment may lead."""

import pytest

from service.domain.region import GENESYS, Regions, domains, rule

REGIONS = (  # as the vendor's client libraries list them
    *("mypurecloud.com", "mypurecloud.ie", "mypurecloud.de", "mypurecloud.com.au"),
    *("mypurecloud.jp", "usw2.pure.cloud", "cac1.pure.cloud", "euw2.pure.cloud"),
    *("euc2.pure.cloud", "aps1.pure.cloud", "apse1.pure.cloud", "apne2.pure.cloud"),
    *("apne3.pure.cloud", "sae1.pure.cloud", "mec1.pure.cloud", "mxc1.pure.cloud"),
    *("use1.pure.cloud", "use2.us-gov-pure.cloud", "edee1.eusc-pure.cloud"),
)


@pytest.mark.parametrize("domain", [*REGIONS, "new9.pure.cloud"])
def test_every_region_is_allowed(domain: str) -> None:
    assert Regions().allow(domain)


@pytest.mark.parametrize(
    "domain",
    [
        *("example.com", "mypurecloud.fr", "evil-pure.cloud", "pure.cloud", "us-gov-pure.cloud"),
        *("mypurecloud.com.evil.test", "api.mypurecloud.com", "api.usw2.pure.cloud", "cloud"),
        *("usw2.pure.cloud.evil.test", "notmypurecloud.com", "*.pure.cloud.test", ""),
    ],
)
def test_nothing_else_is(domain: str) -> None:
    assert not Regions().allow(domain)


def test_an_operator_allows_more() -> None:
    regions = Regions(more=domains("example.com, *.example.net"))

    assert regions.allow("example.com")
    assert regions.allow("one.example.net")
    assert regions.allow("mypurecloud.de")
    assert not regions.allow("one.example.com")
    assert not regions.allow("example.net")
    assert not regions.allow("two.one.example.net")


def test_a_list_is_parted_by_commas_and_blanks() -> None:
    assert domains(" a.test,b.test  *.c.test,") == ("a.test", "b.test", "*.c.test")
    assert domains("") == ()


@pytest.mark.parametrize(
    "text",
    ["*", "*.com", "localhost", "https://a.test", "A.test", "a.test/x", "*.*.a.test", "1.2.3.4"],
)
def test_what_is_no_domain_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no domain such as example\.com"):
        domains(f"a.test,{text}")


def test_the_rule_names_all_and_who_may_allow_more() -> None:
    assert all(domain in rule() for domain in GENESYS)
    assert "BROKER_ALLOW_DOMAINS" in rule()
