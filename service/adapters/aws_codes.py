"""What the code of a refusal by AWS says: whether the same call may work a moment later."""

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import (
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

SERVER_FAULT: Final = 500
NOT_SET: Final = (NoCredentialsError, NoRegionError, PartialCredentialsError)
"""What the environment lacks, so no other try helps. Their texts name no secret."""
PASSING: Final = frozenset(
    {
        "DependencyTimeoutException",
        "InternalFailure",
        "InternalServerError",
        "InternalServiceError",
        "KMSInternalException",
        "KeyUnavailableException",
        "LimitExceededException",
        "RequestTimeout",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
    }
)
"""API references of KMS, Secrets Manager and Systems Manager, "Common errors" and those of Decrypt,
GenerateDataKey, GetSecretValue and GetParameter. All other codes are refusals: no right, no such
thing, disabled, about to be deleted, another context."""


def code_of(error: ClientError) -> str:
    """AWS's name for what went wrong; never its message, which names accounts and roles."""
    response: Mapping[str, Any] = error.response
    return str(response.get("Error", {}).get("Code", ""))


def may_pass(error: ClientError) -> bool:
    """Whether it is worth another try."""
    response: Mapping[str, Any] = error.response
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return code_of(error) in PASSING or status >= SERVER_FAULT
