"""A batch as SQS's trigger hands it over, and the answer to it."""

import json
from typing import Any

import pytest

from service.domain.errors import ConfigurationError
from service.entrypoints._batch import Record, batch_answer, read_batch

RECORDED = json.loads("""
{
  "Records": [
    {
      "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
      "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
      "body": "{\\"v\\":1,\\"endpoint\\":\\"whk_1\\",\\"session\\":\\"ses_1\\",\\"hops\\":0}",
      "attributes": {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": "1545082649183",
        "SenderId": "AIDAIENQZJOLO23YVJ4VO",
        "ApproximateFirstReceiveTimestamp": "1545082649185"
      },
      "messageAttributes": {},
      "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
      "eventSource": "aws:sqs",
      "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:my-queue",
      "awsRegion": "us-east-2"
    },
    {"messageId": "2e1424d4-f796-459a-8184-9c92662be6da", "body": ""}
  ]
}
""")
"""As the developer guide shows it ("Using Lambda with Amazon SQS"), shortened."""


def test_messages_are_read_in_their_order() -> None:
    first, second = read_batch(RECORDED)

    assert first.message_id == "059f36b4-87a3-44ab-83d2-661975830a7d"
    assert json.loads(first.body)["session"] == "ses_1"
    assert second == Record("2e1424d4-f796-459a-8184-9c92662be6da", "")
    assert read_batch({"Records": []}) == []


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "Records",
        {},
        {"Records": None},
        {"Records": {"messageId": "a", "body": ""}},
        {"Records": [None]},
        {"Records": [{"messageId": "a", "body": "{}"}, {"body": "{}"}]},
        {"Records": [{"messageId": "", "body": "{}"}]},
        {"Records": [{"messageId": 7, "body": "{}"}]},
        {"Records": [{"messageId": "a"}]},
        {"Records": [{"eventID": "1", "kinesis": {"data": "aGVsbG8="}}]},
        {"version": "0", "detail-type": "Scheduled Event", "detail": {}},
    ],
)
def test_what_is_no_batch_is_the_fault_of_the_trigger(event: Any) -> None:  # noqa: ANN401 - anything
    with pytest.raises(ConfigurationError, match="trigger"):
        read_batch(event)


def test_the_answer_names_what_failed_and_nothing_else() -> None:
    assert batch_answer(["a", "b"]) == {
        "batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "b"}]
    }
    assert batch_answer([]) == {"batchItemFailures": []}
