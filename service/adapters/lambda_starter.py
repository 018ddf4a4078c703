"""Starts listeners as Lambda functions: one asynchronous invocation each, no answer waited for.

Asking twice starts two, of which one finds nothing to hold and ends itself. What fails is noticed
by the next request or sweep, which asks again.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from service.adapters.aws import AwsSession, Clients
from service.domain.errors import ConfigurationError

_log = logging.getLogger(__name__)

THREADS: Final = 4
ATTEMPTS: Final = 2
PAYLOAD: Final = b"{}"
"""Nothing travels with a start: what is to be held stands in the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaSettings:
    """Which function, and how patient to be: a request waits while it asks.

    What is None is left to boto3's own environment and files.
    """

    function: str
    """Name, ARN, or either with an alias."""
    endpoint_url: str | None = None
    region: str | None = None
    connect_timeout_seconds: float = 1.0
    read_timeout_seconds: float = 2.0


class LambdaStarter:
    """The Starter over Lambda's Invoke."""

    def __init__(self, settings: LambdaSettings, session: Clients | None = None) -> None:
        self.function = settings.function
        self.started = 0
        self.failed = 0
        config = Config(
            max_pool_connections=THREADS,
            connect_timeout=settings.connect_timeout_seconds,
            read_timeout=settings.read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        )
        try:
            self._client = (session or AwsSession()).client(
                "lambda",
                endpoint_url=settings.endpoint_url,
                region_name=settings.region,
                config=config,
            )
        except BotoCoreError as exc:
            fault = f"AWS: {exc}"
            raise ConfigurationError(fault) from exc
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="starter")

    async def start(self, count: int) -> None:
        """Ask for that many listeners. A failure is logged and counted, not raised."""
        await asyncio.gather(*(self._ask() for _ in range(count)))

    async def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._pool, self._invoke)
        except (BotoCoreError, ClientError) as failure:
            self.failed += 1
            code = failure.response["Error"]["Code"] if isinstance(failure, ClientError) else None
            _log.warning(
                "listener.start_failed",
                extra={"function": self.function, "error": type(failure).__name__, "code": code},
            )
        else:
            self.started += 1

    def _invoke(self) -> None:
        self._client.invoke(FunctionName=self.function, InvocationType="Event", Payload=PAYLOAD)

    async def close(self) -> None:
        """Let go of threads and connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()
