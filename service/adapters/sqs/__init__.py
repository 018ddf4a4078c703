"""Hints through SQS, by boto3. The only package that knows boto3's SQS client."""

from service.adapters.sqs.opening import SqsHintQueues, open_sqs
from service.adapters.sqs.queues import SqsSettings

__all__ = ["SqsHintQueues", "SqsSettings", "open_sqs"]
