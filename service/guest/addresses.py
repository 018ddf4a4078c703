"""What a signed address tells of itself. Nothing of it is ever logged."""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

_MOST_SECONDS: Final = 7 * 24 * 3600
"""AWS Signature Version 4, query parameters: no signature is good for longer."""


def expires_at(url: str, *, now: float, otherwise: float) -> float:
    """Until when the address works: as its signature says, else so many seconds from now.

    AWS Signature Version 4, query parameters: X-Amz-Date and X-Amz-Expires.
    """
    try:
        query = parse_qs(urlsplit(url).query)
        signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        seconds = int(query["X-Amz-Expires"][0])
    except (KeyError, ValueError):
        return now + otherwise
    if not 0 < seconds <= _MOST_SECONDS:
        return now + otherwise
    return signed.timestamp() + seconds
