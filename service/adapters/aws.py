"""What makes clients of AWS: botocore, of which boto3 is a cover.

boto3's own session loads what S3 alone needs, 3 % of what the API imports; its clients are those of
botocore. Tests hand sessions of boto3 in.
"""

from collections.abc import Callable
from typing import Any, Protocol

from botocore.session import get_session


class Clients(Protocol):
    """What a session of boto3 is, too."""

    @property
    def client(self) -> Callable[..., Any]:
        """Make a client of the service that is named first."""
        ...


class AwsSession:
    """One for all clients: loading what botocore knows is most of the cost of making a client.

    Region, keys and endpoints come from the environment and the files that AWS's tools share.
    """

    def __init__(self) -> None:
        self.client: Callable[..., Any] = get_session().create_client
