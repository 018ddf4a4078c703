"""What DynamoDB's refusals and failures mean to us.

One function of the error, nothing of botocore beyond it.

Codes: DynamoDB developer guide, "Error handling"; API reference, TransactWriteItems,
"CancellationReasons".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from service.adapters.aws_codes import NOT_SET
from service.adapters.dynamodb.expressions import plain_item
from service.adapters.table.driver import NotWrittenError, Outcome, Verdict
from service.adapters.table.limits import ITEM_BYTES
from service.domain.errors import ConfigurationError, TooLargeError, UnavailableError

REFUSED: Final = "ConditionalCheckFailed"
CONTENDED: Final = frozenset(
    {"TransactionConflict", "TransactionConflictException", "TransactionInProgressException"}
)
MISCONFIGURED: Final = frozenset(
    {
        "AccessDeniedException",
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
    }
)
TOO_LARGE: Final = "size"
"""What every message about a limit says, and no other: "Item size has exceeded ..."."""


def translated(error: ClientError | BotoCoreError) -> Exception:
    """The error of ours: NotWrittenError, TooLargeError, ConfigurationError or UnavailableError."""
    if isinstance(error, NOT_SET):
        return ConfigurationError(f"AWS: {error}")
    if not isinstance(error, ClientError):
        return UnavailableError(what=f"the table ({type(error).__name__})")
    response: Mapping[str, Any] = error.response
    code = str(response.get("Error", {}).get("Code", ""))
    message = str(response.get("Error", {}).get("Message", ""))
    if code == "ConditionalCheckFailedException":
        return NotWrittenError([Outcome(verdict=Verdict.REFUSED, item=_item(response))])
    if code == "TransactionCanceledException":
        return _cancelled(response.get("CancellationReasons", ()))
    if code in CONTENDED:
        return NotWrittenError([Outcome(verdict=Verdict.CONTENDED)])
    return _other(code, message)


def _cancelled(reasons: Sequence[Mapping[str, Any]]) -> Exception:
    codes = [str(reason.get("Code", "None")) for reason in reasons]
    if not codes or any(code not in {"None", REFUSED, *CONTENDED} for code in codes):
        first = next(
            (reason for reason in reasons if reason.get("Code") not in {"None", REFUSED}), {}
        )
        return _other(str(first.get("Code", "")), str(first.get("Message", "")))
    return NotWrittenError([_outcome(reason) for reason in reasons])


def _outcome(reason: Mapping[str, Any]) -> Outcome:
    code = reason.get("Code", "None")
    if code == REFUSED:
        return Outcome(verdict=Verdict.REFUSED, item=_item(reason))
    return Outcome(verdict=Verdict.CONTENDED if code in CONTENDED else Verdict.PASSED)


def _item(reason: Mapping[str, Any]) -> Mapping[str, Any] | None:
    item = reason.get("Item")
    return plain_item(item) if item else None


def _other(code: str, message: str) -> Exception:
    if code in {"ValidationError", "ValidationException"} and TOO_LARGE in message:
        return TooLargeError(what="an item or a transaction", limit=ITEM_BYTES)
    if code in MISCONFIGURED:
        return ConfigurationError(f"DynamoDB refuses the table: {code}: {message}")
    return UnavailableError(what=f"the table ({code})")
