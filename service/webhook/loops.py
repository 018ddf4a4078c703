"""Deliveries that lead back to us: a webhook whose URL is our own API. Pure."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from service.webhook.headers import PRODUCT

API: Final = "/v1/"


def is_delivery(headers: Mapping[str, str]) -> bool:
    """Whether a request is a delivery of a broker: under our name, and signed.

    Nobody else's request carries both: a caller's own headers cannot replace either. Names are
    lower case.
    """
    by_us = headers.get("user-agent", "").startswith(f"{PRODUCT}/")
    return by_us and "webhook-signature" in headers


def is_own_api(url: str, *, host: str, root: str = "") -> bool:
    """Whether a URL names a path of the API that was asked under that Host header.

    As far as its text tells: another name for the same machine is only met when it is posted to.
    Other paths of the host may be somebody else's behind the same gateway.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False  # no URL at all, which is for others to say
    return _bare(parts.netloc) == _bare(host) and parts.path.startswith(root + API)


def _bare(authority: str) -> str:
    """Without the port that a scheme stands for: behind a gateway the Host header has none."""
    return authority.lower().removesuffix(":443").removesuffix(":80")
