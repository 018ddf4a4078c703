"""Secrets by reference: read once, from Secrets Manager or from a parameter of Systems Manager.

No fault and no log line ever shows a value; faults name the variable and AWS's code.
"""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from service.adapters.aws import AwsSession, Clients
from service.adapters.aws_codes import NOT_SET, code_of, may_pass
from service.domain.errors import ConfigurationError, UnavailableError

PARAMETER: Final = "ssm:"
LEAST_CHARACTERS: Final = 20
"""Of a key that opens everything; the module's own keys have 43."""
REGION: Final = 3
"""Which part of an ARN is the region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSettings:
    """Which secret, for which variable, and how patient to be."""

    variable: str
    """What faults name."""
    reference: str
    """`arn:…:secret:…`, with `#member` where the secret is JSON, or `ssm:/name/of/a/parameter`."""
    endpoint_url: str | None = None
    connect_timeout_seconds: float = 1.0
    read_timeout_seconds: float = 2.0
    attempts: int = 3


async def read_secret(settings: SecretSettings, session: Clients | None = None) -> str:
    """The secret's text. Raises ConfigurationError, UnavailableError; both name the variable."""
    loop = asyncio.get_running_loop()
    # One call in the life of a process.
    pool = ThreadPoolExecutor(1, thread_name_prefix="secrets")
    reader = _read_parameter if settings.reference.startswith(PARAMETER) else _read_arn
    try:
        text = await loop.run_in_executor(pool, reader, settings, session or AwsSession())
    except ClientError as exc:
        if may_pass(exc):
            raise UnavailableError(what=f"{settings.variable} ({code_of(exc)})") from None
        raise _fault(settings, f"AWS refuses the secret: {code_of(exc)}") from None
    except NOT_SET as exc:
        raise _fault(settings, str(exc)) from None
    except BotoCoreError as exc:
        raise UnavailableError(what=f"{settings.variable} ({type(exc).__name__})") from None
    finally:
        pool.shutdown(wait=False)
    return _checked(settings, text)


def _read_arn(settings: SecretSettings, session: Clients) -> str:
    arn, _, member = settings.reference.partition("#")
    # In the secret's own region: a broker may run in another one.
    client = session.client(
        "secretsmanager",
        endpoint_url=settings.endpoint_url,
        region_name=arn.split(":")[REGION],
        config=_config(settings),
    )
    try:
        text = client.get_secret_value(SecretId=arn).get("SecretString")
    finally:
        client.close()
    if text is None:
        raise _fault(settings, "the secret is binary; a key is text")
    return _member(settings, str(text), member) if member else str(text)


def _member(settings: SecretSettings, text: str, member: str) -> str:
    try:
        members = json.loads(text)
    except ValueError:
        members = None
    found = members.get(member) if isinstance(members, dict) else None
    if not isinstance(found, str):
        raise _fault(settings, f"the secret is no JSON object with text in {member!r}")
    return found


def _read_parameter(settings: SecretSettings, session: Clients) -> str:
    client = session.client("ssm", endpoint_url=settings.endpoint_url, config=_config(settings))
    try:
        name = settings.reference.removeprefix(PARAMETER)
        found: dict[str, Any] = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    finally:
        client.close()
    if found["Type"] != "SecureString":
        raise _fault(settings, f"the parameter is a {found['Type']}; a secret is a SecureString")
    return str(found["Value"])


def _config(settings: SecretSettings) -> Config:
    return Config(
        connect_timeout=settings.connect_timeout_seconds,
        read_timeout=settings.read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": settings.attempts},
    )


def _checked(settings: SecretSettings, text: str) -> str:
    """The key travels in a header, and nobody should guess it."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise _fault(settings, "the secret is not printable ASCII without blanks")
    if len(text) < LEAST_CHARACTERS:
        raise _fault(settings, f"the secret has fewer than {LEAST_CHARACTERS} characters")
    return text


def _fault(settings: SecretSettings, what: str) -> ConfigurationError:
    return ConfigurationError(f"{settings.variable}: {what}")
