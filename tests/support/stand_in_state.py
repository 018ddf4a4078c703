"""What a stand-in of AWS has: before Terraform, after it applied, and after it destroyed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from boto3.session import Session

from service.adapters.dynamodb.opening import table_request
from service.adapters.table.schema import TTL
from tests.support.terraform_runs import FailedError

NO_LONGER: Final = {"PendingDeletion"}
"""Of KMS keys: Terraform can only ask that they be deleted later."""
OF_AWS: Final = ("alias/aws/",)
"""Aliases that nobody made."""

Listing = Callable[[Any], Iterable[str]]


def client(endpoint: str, service: str) -> Any:  # noqa: ANN401 - boto3's
    """A client of the stand-in."""
    session: Any = Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1"
    )
    return session.client(service, endpoint_url=endpoint)


def keep_a_key(endpoint: str, parameter: str, key: str) -> str:
    """Put the key where an operator puts it, before there is a broker; its reference."""
    client(endpoint, "ssm").put_parameter(Name=parameter, Value=key, Type="SecureString")
    return f"ssm:{parameter}"


def expect_what_the_code_wants(endpoint: str, name: str, shards: int) -> None:
    """Raises FailedError unless there are the table and the queues of that broker, and no more."""
    dynamodb = client(endpoint, "dynamodb")
    _expect_equal("tables", dynamodb.list_tables()["TableNames"], [name])
    table, wanted = dynamodb.describe_table(TableName=name)["Table"], table_request(name)
    _expect_equal("keys", table["KeySchema"], wanted["KeySchema"])
    _expect_equal("indexes", _indexes(table), _indexes(wanted))
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    _expect_equal("expiry", expiry.get("AttributeName"), TTL)
    urls = client(endpoint, "sqs").list_queues(QueueNamePrefix=name)["QueueUrls"]
    names = {"deliveries", "deliveries-dead", *(f"mailbox-{shard}" for shard in range(shards))}
    _expect_equal(
        "queues",
        sorted(url.rpartition("/")[2] for url in urls),
        sorted(f"{name}-{each}" for each in names),
    )


def _indexes(table: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        each["IndexName"]: (
            each["KeySchema"],
            each["Projection"]["ProjectionType"],
            sorted(each["Projection"].get("NonKeyAttributes", ())),
        )
        for each in table["GlobalSecondaryIndexes"]
    }


def _expect_equal(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        message = f"{what}: found {found!r}, the code wants {wanted!r}"
        raise FailedError(message)


def _named(operation: str, members: str, name: str) -> Listing:
    """The names that an answer of one page lists; a stand-in with so little has no second one."""

    def listed(of: Any) -> Iterable[str]:  # noqa: ANN401 - boto3's
        return [str(each[name]) for each in getattr(of, operation)().get(members, ())]

    return listed


def _keys(kms: Any) -> Iterable[str]:  # noqa: ANN401 - boto3's
    keys = [each["KeyId"] for each in kms.list_keys()["Keys"]]
    told = [kms.describe_key(KeyId=each)["KeyMetadata"] for each in keys]
    return [
        each["KeyId"]
        for each in told
        if each["KeyState"] not in NO_LONGER and each.get("KeyManager") != "AWS"
    ]


def _aliases(kms: Any) -> Iterable[str]:  # noqa: ANN401 - boto3's
    names = [each["AliasName"] for each in kms.list_aliases()["Aliases"]]
    return [name for name in names if not name.startswith(OF_AWS)]


LISTINGS: Final[Mapping[str, Sequence[tuple[str, Listing]]]] = {
    "apigatewayv2": [("APIs", _named("get_apis", "Items", "Name"))],
    "cloudwatch": [
        ("alarms", _named("describe_alarms", "MetricAlarms", "AlarmName")),
        ("dashboards", _named("list_dashboards", "DashboardEntries", "DashboardName")),
    ],
    "dynamodb": [("tables", lambda of: of.list_tables()["TableNames"])],
    "iam": [("roles", _named("list_roles", "Roles", "RoleName"))],
    "kms": [("keys", _keys), ("aliases", _aliases)],
    "lambda": [
        ("functions", _named("list_functions", "Functions", "FunctionName")),
        ("triggers", _named("list_event_source_mappings", "EventSourceMappings", "UUID")),
    ],
    "logs": [("log groups", _named("describe_log_groups", "logGroups", "logGroupName"))],
    "scheduler": [("schedules", _named("list_schedules", "Schedules", "Name"))],
    "sqs": [("queues", lambda of: of.list_queues().get("QueueUrls", ()))],
}
"""Everything of which the module makes something."""


def what_there_is(endpoint: str) -> frozenset[str]:
    """All that could be Terraform's, each with its kind."""
    return frozenset(
        f"{kind}: {name}"
        for service, listings in LISTINGS.items()
        for kind, listed in listings
        for name in listed(client(endpoint, service))
    )


def expect_every_kind(before: frozenset[str], applied: frozenset[str]) -> None:
    """Raises FailedError where of a kind nothing is seen: then what is left would not be either."""
    seen = {each.partition(":")[0] for each in applied - before}
    unseen = {kind for listings in LISTINGS.values() for kind, _ in listings} - seen
    if unseen:
        message = f"nothing applied is seen of these: {', '.join(sorted(unseen))}"
        raise FailedError(message)


def expect_as_before(before: frozenset[str], after: frozenset[str]) -> None:
    """Raises FailedError with what was not there before."""
    left = sorted(after - before)
    if left:
        raise FailedError("destroy left something behind:\n" + "\n".join(left))
