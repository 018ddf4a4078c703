"""The table on DynamoDB, through boto3. The only package that knows boto3's DynamoDB client."""

from service.adapters.dynamodb.driver import DynamoSettings
from service.adapters.dynamodb.opening import DynamoTable, open_dynamodb

__all__ = ["DynamoSettings", "DynamoTable", "open_dynamodb"]
