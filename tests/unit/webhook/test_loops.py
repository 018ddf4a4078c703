"""Deliveries that come back to us are known, and nobody else's request is taken for one."""

import pytest

from service.webhook.headers import delivery_headers
from service.webhook.loops import is_delivery, is_own_api

SIGNED = {"webhook-id": "evt_1", "webhook-timestamp": "1", "webhook-signature": "v1,x"}


def test_each_of_our_deliveries_is_known_whatever_its_owner_adds() -> None:
    custom = {"User-Agent": "curl", "X-Own": "1", "Webhook-Signature": "mine"}

    assert is_delivery(delivery_headers(custom, signed=SIGNED, lane_sequence=None))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"user-agent": "guest-session-broker/0.1.0"},
        {"user-agent": "guest-session-brokers-friend/1", **SIGNED},
        {"user-agent": "python-httpx", **SIGNED},
        SIGNED,
    ],
)
def test_what_is_not_ours_or_not_signed_is_no_delivery(headers: dict[str, str]) -> None:
    assert not is_delivery(headers)


@pytest.mark.parametrize(
    ("url", "host", "root", "own"),
    [
        ("https://api.example/v1/sessions", "api.example", "", True),
        ("https://API.example:443/v1/x?y", "api.example", "", True),
        ("https://api.example/v1/x", "Api.Example:443", "", True),
        ("http://127.0.0.1:8080/v1/x", "127.0.0.1:8080", "", True),
        ("https://api.example/broker/v1/x", "api.example", "/broker", True),
        ("https://api.example/v1/x", "api.example", "/broker", False),
        ("https://api.example/hook", "api.example", "", False),
        ("https://api.example:8443/v1/x", "api.example", "", False),
        ("https://hooks.example/v1/x", "api.example", "", False),
        ("https://[/v1/x", "[", "", False),
    ],
)
def test_our_own_api_is_known_by_host_and_path(
    url: str,
    host: str,
    root: str,
    *,
    own: bool,
) -> None:
    assert is_own_api(url, host=host, root=root) is own
