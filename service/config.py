"""The environment as frozen settings: read when they are made, never at import.

The base has what every door needs; each door's class adds its own. Only the local class has
defaults for what differs between environments. Never resolves a secret's reference and never shows
a secret's value.
"""

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.domain.budget import MINUTE_LIMIT
from service.domain.errors import ConfigurationError
from service.domain.lease import MOST_LINKS
from service.domain.region import domains

PREFIX: Final = "BROKER_"
DATA_DIR: Final = Path(".data")
NOT_SET: Final = Path()
LAYER_DIR: Final = Path("/opt/broker")
"""Where a layer with the folder `broker` appears (developer guide, "Packaging layers")."""
MOST_SHARDS: Final = 4_096

Network = IPv4Network | IPv6Network

LOOPBACK: Final[tuple[Network, ...]] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_LINK_LOCAL: Final[tuple[Network, ...]] = (
    ip_network("169.254.0.0/16"),  # RFC 3927; clouds answer for their metadata there
    ip_network("fe80::/10"),  # RFC 4291, 2.5.6
    ip_network("fd00:ec2::254/128"),  # EC2's metadata over IPv6
    ip_network("::ffff:169.254.0.0/112"),  # the first once more, as RFC 4291, 2.5.5.2 spells it
)


class StoreKind(StrEnum):
    """Where table and queues are."""

    EMBEDDED = "embedded"
    DYNAMODB = "dynamodb"


def _networks(given: object) -> object:
    """Split text at commas and blanks; other values are those of a test or a default."""
    if not isinstance(given, str):
        return given
    return tuple(_network(word) for word in given.replace(",", " ").split())


def _domains(given: object) -> object:
    return domains(given) if isinstance(given, str) else given


def _network(word: str) -> Network:
    try:
        network = ip_network(word)
    except ValueError as exc:
        fault = f"{word!r} is no network such as 10.0.0.0/8: {exc}"
        raise ValueError(fault) from exc
    for forbidden in _LINK_LOCAL:
        if _lies_in(network, forbidden):
            fault = f"{word} is link-local; no webhook may ever reach that"
            raise ValueError(fault)
    return network


def _lies_in(inner: Network, outer: Network) -> bool:
    match inner, outer:
        case (IPv4Network(), IPv4Network()) | (IPv6Network(), IPv6Network()):
            return inner.subnet_of(outer)  # type: ignore[arg-type]  # one version each, as matched
        case _:
            return False


def _without_loopback(allowed: tuple[Network, ...]) -> tuple[Network, ...]:
    """Lambda's runtime API listens there, for whoever can reach it (`AWS_LAMBDA_RUNTIME_API`)."""
    for network in allowed:
        if any(_lies_in(own, network) or _lies_in(network, own) for own in LOOPBACK):
            fault = f"{network} holds addresses of the function itself; no webhook may reach those"
            raise ValueError(fault)
    return allowed


def _none_if_empty(given: object) -> object:
    """`VARIABLE=` in a shell or an env file means that it is not set."""
    return None if given == "" else given


def _not_the_working_folder(given: object) -> object:
    """Empty means not set: an empty path is the working folder, where keys get committed."""
    return DATA_DIR if given == "" else given


def _key_folder(given: object, info: ValidationInfo) -> object:
    """A function's key is in a file that it is given, or KMS has it."""
    if given not in {"", NOT_SET}:
        return given
    if info.data.get("kms_key") is not None:
        return LAYER_DIR
    fault = "neither this nor BROKER_KMS_KEY is set, so nothing encrypts what is secret"
    raise ValueError(fault)


def _by_reference(key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    """Whoever may read a function's configuration would read the key; so only on a stand-in."""
    if key is None or info.data.get("aws_endpoint_url") is not None:
        return key
    fault = "on AWS a secret is named, not given: set BROKER_ADMIN_KEY_REF instead"
    raise ValueError(fault)


def _only_one(reference: str | None, info: ValidationInfo) -> str | None:
    if reference is not None and info.data.get("admin_key") is not None:
        fault = "BROKER_ADMIN_KEY is set too: which one?"
        raise ValueError(fault)
    return reference


def _header_safe(key: SecretStr | None) -> SecretStr | None:
    """The key travels in a header. Names the rule, never the value."""
    text = "" if key is None else key.get_secret_value()
    if text.isascii() and text.isprintable() and " " not in text:
        return key
    fault = "an API key is printable ASCII without blanks"
    raise ValueError(fault)


Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)]
Domains = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_domains)]
OptionalFile = Annotated[Path | None, BeforeValidator(_none_if_empty)]
DataDir = Annotated[Path, BeforeValidator(_not_the_working_folder)]
KeyDir = Annotated[Path, BeforeValidator(_key_folder)]
OptionalText = Annotated[str | None, BeforeValidator(_none_if_empty)]
MetricsName = Annotated[
    Annotated[str, Field(max_length=255, pattern=r"^[A-Za-z0-9_.-]+$")] | None,
    BeforeValidator(_none_if_empty),
]
"""CloudWatch API reference, Dimension: ASCII without control characters."""
OptionalSeconds = Annotated[
    Annotated[float, Field(gt=0, allow_inf_nan=False)] | None, BeforeValidator(_none_if_empty)
]
OptionalKey = Annotated[
    SecretStr | None, BeforeValidator(_none_if_empty), AfterValidator(_header_safe)
]
SecretRef = Annotated[
    Annotated[
        str,
        Field(
            pattern=r"^(arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^\s#]+(#[^\s#]+)?|ssm:/[A-Za-z0-9_./-]+)$"
        ),
    ]
    | None,
    BeforeValidator(_none_if_empty),
    AfterValidator(_only_one),
]
"""Secrets Manager's ARN, with `#member` where the secret is JSON, or `ssm:/name/of/a/parameter`."""
KmsKey = Annotated[
    Annotated[
        str,
        Field(
            pattern=r"^(arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/\S+|alias/\S+|[\w-]{36})$"
        ),
    ]
    | None,
    BeforeValidator(_none_if_empty),
]
"""KMS API reference, GenerateDataKey, "KeyId": ARN or id of a key, ARN or name of an alias."""
QueuePrefix = Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
"""SQS API reference, CreateQueue: at most 80 of these; the names end in `-mailbox-4095` at most."""
Port = Annotated[int, Field(ge=0, le=65_535)]


class EnvironmentSettings(BaseSettings):
    """Settings from `BROKER_…` variables; make them with `read()`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        defer_build=True,  # a process reads one of these classes, and starts without the others
    )

    @classmethod
    def read(cls) -> Self:
        """Read the environment. Raises ConfigurationError with every fault, by variable."""
        try:
            return cls()
        except ValidationError as exc:
            faults = exc.errors(include_url=False, include_context=False, include_input=False)
        # Outside the handler: the first error may hold what was given.
        raise ConfigurationError(
            *(f"{_variable(cls, fault['loc'])}: {fault['msg']}" for fault in faults)
        )


class BrokerSettings(EnvironmentSettings):
    """What every door on AWS needs. No default for what differs per environment."""

    table: Annotated[str, Field(min_length=3, max_length=255)]
    """The DynamoDB table's name."""
    queue_prefix: QueuePrefix
    """What the names of the SQS queues begin with."""
    shards: Annotated[int, Field(ge=1, le=MOST_SHARDS)]
    """Fixed for the life of an environment."""
    webhook_allow: Networks = ()
    """Networks that a webhook may reach although they are private."""
    listener_function: OptionalText = None
    """The Lambda function to start as a listener; None: listeners run by themselves."""
    allow_endpoint: bool = False
    """Whether a deployment may name an address of its own instead of a region's domain."""
    allow_domains: Domains = ()
    """Domains that a deployment may name besides those of Genesys Cloud's regions."""
    connections_per_minute: Annotated[int, Field(ge=100, le=1_000_000)] = MINUTE_LIMIT
    """How many new connections a minute Genesys takes for one deployment; all processes say the
    same.
    """


class ListenerSettings(BrokerSettings):
    """What a process that holds links needs besides."""

    max_links: Annotated[int, Field(ge=1, le=MOST_LINKS)] = 250
    generation_seconds: OptionalSeconds = None
    """How long a listener lives before it hands over; None: as long as its process or
    invocation.
    """
    dormant_seconds: OptionalSeconds = 1800.0
    """After how long a quiet session's link is let go; None keeps it."""
    store: StoreKind = StoreKind.DYNAMODB
    kms_key: KmsKey = None
    """The KMS key that wraps the data keys; None: what is secret is encrypted with the key of a
    file.
    """
    kms_context: OptionalText = None
    """What the encryption context names; None: the table. For a table that was restored under
    another name.
    """
    kms_rotation_days: Annotated[int, Field(ge=7, le=3_650)] = 30
    """How long a data key encrypts. At the least of them the ring has room for 20 years."""
    data_dir: DataDir = DATA_DIR
    """Where the key is that encrypts secrets at rest, and the embedded table."""
    retry_scale: Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)] = 1.0
    """Multiplies the webhook schedule, never a Retry-After."""
    metrics_name: MetricsName = None
    """What the broker is called in CloudWatch: log lines then carry metrics. None: they do not."""
    ca_file: OptionalFile = None
    """An authority to trust besides the system's."""
    aws_endpoint_url: OptionalText = Field(default=None, validation_alias="AWS_ENDPOINT_URL")
    """boto3's own variable: only with it may missing tables and queues be made."""
    lambda_endpoint_url: OptionalText = Field(
        default=None, validation_alias="AWS_ENDPOINT_URL_LAMBDA"
    )
    """boto3's own too: where Lambda is, if elsewhere than the rest."""


class LocalSettings(ListenerSettings):
    """Everything in one process on one machine; every variable is optional."""

    table: Annotated[str, Field(min_length=3, max_length=255)] = "broker-local"
    queue_prefix: QueuePrefix = "broker-local"
    shards: Annotated[int, Field(ge=1, le=MOST_SHARDS)] = 64
    max_links: Annotated[int, Field(ge=1, le=MOST_LINKS)] = MOST_LINKS
    """There is no other process to leave links to."""
    webhook_allow: Networks = LOOPBACK
    allow_endpoint: bool = True

    port: Port = 8080
    """The API's port on 127.0.0.1; 0 takes a free one."""
    admin_key: OptionalKey = None
    """None: made up, kept in the data directory and printed."""
    store: StoreKind = StoreKind.EMBEDDED
    simulator: bool = True
    simulator_port: Port = 0
    """0 takes a free one."""


def _shared(store: StoreKind) -> StoreKind:
    """A table that other processes may open too."""
    if store is StoreKind.EMBEDDED:
        fault = (
            "a process of its own needs a table that several processes share: set dynamodb, "
            "or start service.entrypoints.local, which has everything inside"
        )
        raise ValueError(fault)
    return store


class ListenerServiceSettings(LocalSettings):
    """A listener in a process of its own, beside others on one table."""

    store: Annotated[StoreKind, AfterValidator(_shared)] = StoreKind.DYNAMODB
    liveness_host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    liveness_port: Port = 0
    """0 takes a free one."""


class FunctionSettings(ListenerSettings):
    """What every Lambda function needs: a courier and a sweeper need no more."""

    store: Annotated[StoreKind, AfterValidator(_shared)] = StoreKind.DYNAMODB
    webhook_allow: Annotated[Networks, AfterValidator(_without_loopback)] = ()
    data_dir: KeyDir = Field(default=NOT_SET, validate_default=True)
    """Holds `encryption.key`, which is only read: a function's own files do not last. Needed
    without `kms_key`; with it, for what was encrypted before.
    """


class ApiFunctionSettings(FunctionSettings):
    """The REST API as a Lambda function."""

    admin_key: Annotated[OptionalKey, AfterValidator(_by_reference)] = None
    """On a stand-in of AWS, instead of a reference."""
    admin_key_ref: SecretRef = None
    """Where the key is that is made known at every cold start, with every scope; None: the keys
    that are in the table.
    """


class ListenerFunctionSettings(FunctionSettings):
    """A listener that is one invocation of a Lambda function."""

    idle_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 90.0
    """How long an invocation lasts that has no session to hold."""


def _variable(settings: type[EnvironmentSettings], place: tuple[int | str, ...]) -> str:
    name = str(place[0]) if place else ""
    return f"{PREFIX}{name.upper()}" if name in settings.model_fields else name.upper()
