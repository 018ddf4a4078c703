"""Every failure of DynamoDB's is one of ours, and says whose fault it is."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from service.adapters.dynamodb.failures import translated
from service.adapters.table.driver import NotWrittenError, Outcome, Verdict
from service.domain.errors import ConfigurationError, TooLargeError, UnavailableError


def failure(code: str, message: str = "", **members: Any) -> ClientError:  # noqa: ANN401 - of any kind
    response: Any = {"Error": {"Code": code, "Message": message}, **members}
    return ClientError(response, "Operation")


def outcomes(error: ClientError) -> list[Outcome]:
    found = translated(error)
    assert isinstance(found, NotWrittenError)
    return list(found.outcomes)


def test_a_refused_write_brings_what_refused_it() -> None:
    error = failure("ConditionalCheckFailedException", Item={"pk": {"S": "a"}, "n": {"N": "3"}})

    assert outcomes(error) == [Outcome(verdict=Verdict.REFUSED, item={"pk": "a", "n": 3})]


def test_a_write_refused_by_nothing_brings_nothing() -> None:
    assert outcomes(failure("ConditionalCheckFailedException")) == [
        Outcome(verdict=Verdict.REFUSED)
    ]


def test_a_cancelled_transaction_tells_of_each_write() -> None:
    error = failure(
        "TransactionCanceledException",
        CancellationReasons=[
            {"Code": "None"},
            {"Code": "ConditionalCheckFailed", "Item": {"pk": {"S": "a"}}},
            {"Code": "TransactionConflict"},
        ],
    )

    assert outcomes(error) == [
        Outcome(verdict=Verdict.PASSED),
        Outcome(verdict=Verdict.REFUSED, item={"pk": "a"}),
        Outcome(verdict=Verdict.CONTENDED),
    ]


@pytest.mark.parametrize("code", ["TransactionConflictException", "TransactionInProgressException"])
def test_a_conflict_on_one_item_tells_nothing_of_its_condition(code: str) -> None:
    assert outcomes(failure(code)) == [Outcome(verdict=Verdict.CONTENDED)]


@pytest.mark.parametrize(
    "error",
    [
        failure("InternalServerError"),
        failure("ThrottlingException"),
        failure("ValidationException", "a word is reserved"),
        failure("TransactionCanceledException"),
        failure("TransactionCanceledException", CancellationReasons=[{"Code": "ThrottlingError"}]),
        failure(
            "TransactionCanceledException",
            CancellationReasons=[{"Code": "ConditionalCheckFailed"}, {"Code": "ThrottlingError"}],
        ),
        ReadTimeoutError(endpoint_url="http://x"),
        ConnectTimeoutError(endpoint_url="http://x"),
    ],
)
def test_what_may_pass_is_unavailable(error: ClientError) -> None:
    assert isinstance(translated(error), UnavailableError)


@pytest.mark.parametrize(
    "error",
    [
        failure("ValidationException", "Item size has exceeded the maximum allowed size"),
        failure(
            "TransactionCanceledException",
            CancellationReasons=[
                {
                    "Code": "ValidationError",
                    "Message": "Item size to update has exceeded the maximum allowed size",
                }
            ],
        ),
    ],
)
def test_what_is_too_large_is_said_to_be(error: ClientError) -> None:
    assert isinstance(translated(error), TooLargeError)


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_what_only_settings_can_help_is_a_matter_of_settings(code: str) -> None:
    found = translated(failure(code, "no such table"))

    assert isinstance(found, ConfigurationError)
    assert "no such table" in str(found)
