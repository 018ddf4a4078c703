"""A batch of messages as Lambda hands it over from SQS, and the answer that it understands.

Developer guide, "Using Lambda with Amazon SQS", for the event; "Handling errors for an SQS event
source in Lambda" for the answer, which counts only where the mapping has
`ReportBatchItemFailures`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from service.domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Record:
    """One message of a batch."""

    message_id: str
    body: str


def read_batch(event: object) -> Sequence[Record]:
    """The messages of an event. Raises ConfigurationError where it is no batch from SQS.

    A body may hold anything: whoever may write to the queue made it.
    """
    records = event.get("Records") if isinstance(event, Mapping) else None
    if isinstance(records, list):
        read = [_record(each) for each in records]
        found = [each for each in read if each is not None]
        if len(found) == len(records):
            return found
    fault = "the function's trigger: its event is no batch of messages from SQS"
    raise ConfigurationError(fault)


def _record(given: object) -> Record | None:
    if not isinstance(given, Mapping):
        return None
    message_id, body = given.get("messageId"), given.get("body")
    if not isinstance(message_id, str) or not message_id or not isinstance(body, str):
        return None
    return Record(message_id, body)


def batch_answer(failed: Collection[str]) -> dict[str, object]:
    """The answer after which the queue hands out these messages again, and deletes the others."""
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
