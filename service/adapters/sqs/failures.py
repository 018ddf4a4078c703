"""What SQS's refusals and failures mean to us.

One function of the error, nothing of botocore beyond it.

Codes: SQS API reference, "Common error types" and the errors of each action; in JSON answers a
queue's own errors also carry the name they had in the query protocol.
"""

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from service.adapters.aws_codes import NOT_SET
from service.domain.errors import ConfigurationError, UnavailableError

MISCONFIGURED: Final = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "AccessDenied",
        "AccessDeniedException",
        "IncompleteSignature",
        "InvalidAddress",
        "InvalidClientTokenId",
        "InvalidParameterValue",
        "InvalidSecurity",
        "KMS.AccessDeniedException",
        "KMS.DisabledException",
        "KMS.NotFoundException",
        "KmsAccessDenied",
        "KmsDisabled",
        "KmsNotFound",
        "MissingAuthenticationToken",
        "QueueDoesNotExist",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
TAKEN_NAMES: Final = frozenset({"QueueAlreadyExists", "QueueNameExists"})
"""The queue is there, with other attributes than were asked for."""


def translated(
    error: ClientError | BotoCoreError, queue: str
) -> ConfigurationError | UnavailableError:
    """The error of ours, about that queue."""
    if isinstance(error, NOT_SET):
        return ConfigurationError(f"AWS: {error}")
    if not isinstance(error, ClientError):
        return UnavailableError(what=f"the queue {queue} ({type(error).__name__})")
    return refusal(_told(error), queue)


def refusal(told: Mapping[str, Any], queue: str) -> ConfigurationError | UnavailableError:
    """The error of ours for an error answer, or for one entry of a batch that failed."""
    code, message = str(told.get("Code", "")), told.get("Message", "")
    if code in MISCONFIGURED:
        return ConfigurationError(f"SQS refuses the queue {queue}: {code}: {message}")
    return UnavailableError(what=f"the queue {queue} ({code})")


def code_of(error: ClientError) -> str:
    """SQS's word for what is wrong."""
    return str(_told(error).get("Code", ""))


def _told(error: ClientError) -> Mapping[str, Any]:
    response: Mapping[str, Any] = error.response
    told: Mapping[str, Any] = response.get("Error", {})
    return told
