"""Every failure of SQS's is one of ours, and says whose fault it is."""

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from service.adapters.sqs.failures import code_of, refusal, translated
from service.domain.errors import ConfigurationError, UnavailableError


def failure(code: str, message: str = "") -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}}
    return ClientError(response, "Operation")


@pytest.mark.parametrize(
    "code", ["AWS.SimpleQueueService.NonExistentQueue", "AccessDenied", "InvalidClientTokenId"]
)
def test_what_only_the_operator_can_put_right_names_the_queue_and_what_sqs_said(code: str) -> None:
    found = translated(failure(code, "no such thing"), "b-mailbox-3")

    assert isinstance(found, ConfigurationError)
    assert str(found) == f"SQS refuses the queue b-mailbox-3: {code}: no such thing"


@pytest.mark.parametrize(
    "error",
    [
        failure("RequestThrottled"),
        failure("InternalError"),
        failure(""),
        ReadTimeoutError(endpoint_url="http://sqs"),
        EndpointConnectionError(endpoint_url="http://sqs"),
    ],
)
def test_what_passes_by_itself_is_unavailability(error: Any) -> None:  # noqa: ANN401 - of either kind
    found = translated(error, "b-deliveries")

    assert isinstance(found, UnavailableError)
    assert "the queue b-deliveries" in str(found)


def test_what_the_environment_lacks_is_a_fault_of_the_settings() -> None:
    found = translated(NoCredentialsError(), "b-deliveries")

    assert isinstance(found, ConfigurationError)
    assert str(found) == "AWS: Unable to locate credentials"


def test_an_answer_without_an_error_in_it_has_no_code() -> None:
    assert code_of(ClientError({}, "Operation")) == ""


def test_an_entry_of_a_batch_that_failed_means_what_an_error_would() -> None:
    refused = refusal({"Id": "0", "Code": "AccessDenied", "SenderFault": True}, "q")
    failed = refusal({"Id": "0", "Code": "InternalError", "SenderFault": False}, "q")

    assert (type(refused), type(failed)) == (ConfigurationError, UnavailableError)
