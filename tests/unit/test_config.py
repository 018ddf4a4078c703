"""Settings come from the environment, frozen, with every fault named and no secret shown."""

import traceback
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.config import (
    LOOPBACK,
    ApiFunctionSettings,
    BrokerSettings,
    FunctionSettings,
    ListenerFunctionSettings,
    ListenerServiceSettings,
    ListenerSettings,
    LocalSettings,
    StoreKind,
)
from service.domain.errors import ConfigurationError


def variables(monkeypatch: pytest.MonkeyPatch, **given: str) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)


def faults_of(monkeypatch: pytest.MonkeyPatch, **given: str) -> list[str]:
    variables(monkeypatch, **given)
    with pytest.raises(ConfigurationError) as caught:
        LocalSettings.read()
    return list(caught.value.faults)


def test_everything_is_optional_on_one_machine() -> None:
    settings = LocalSettings.read()

    assert (settings.port, settings.shards, settings.retry_scale) == (8080, 64, 1.0)
    assert (settings.store, settings.data_dir) == (StoreKind.EMBEDDED, Path(".data"))
    assert (settings.simulator, settings.simulator_port) == (True, 0)
    assert (settings.allow_endpoint, settings.webhook_allow) == (True, LOOPBACK)
    assert (settings.admin_key, settings.ca_file, settings.aws_endpoint_url) == (None, None, None)
    assert (settings.max_links, settings.generation_seconds) == (800, None)
    assert settings.dormant_seconds == 1800
    assert settings.connections_per_minute == 1000


def test_every_variable_of_the_local_table_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    variables(
        monkeypatch,
        BROKER_PORT="0",
        BROKER_ADMIN_KEY="k-1",
        BROKER_STORE="dynamodb",
        BROKER_DATA_DIR="elsewhere/data",
        BROKER_SIMULATOR="off",
        BROKER_WEBHOOK_ALLOW="10.0.0.0/8, 192.168.1.4 fd00::/8",
        BROKER_ALLOW_DOMAINS="example.com, *.example.net",
        BROKER_SHARDS="8",
        BROKER_RETRY_SCALE="0.001",
        BROKER_ALLOW_ENDPOINT="false",
        BROKER_CA_FILE="ca.pem",
        BROKER_SIMULATOR_PORT="9090",
        BROKER_TABLE="my-table",
        BROKER_QUEUE_PREFIX="mine",
        BROKER_MAX_LINKS="800",
        BROKER_CONNECTIONS_PER_MINUTE="5000",
        BROKER_GENERATION_SECONDS="12.5",
        AWS_ENDPOINT_URL="http://127.0.0.1:4566",
        AWS_ENDPOINT_URL_LAMBDA="http://127.0.0.1:4567",
        BROKER_LISTENER_FUNCTION="holds-links",
    )

    settings = LocalSettings.read()

    key = settings.admin_key.get_secret_value() if settings.admin_key else None
    assert settings.allow_domains == ("example.com", "*.example.net")
    allowed = [str(network) for network in settings.webhook_allow]
    assert (settings.port, key, settings.store) == (0, "k-1", StoreKind.DYNAMODB)
    assert (settings.data_dir, settings.simulator) == (Path("elsewhere/data"), False)
    assert allowed == ["10.0.0.0/8", "192.168.1.4/32", "fd00::/8"]
    assert (settings.shards, settings.retry_scale, settings.allow_endpoint) == (8, 0.001, False)
    assert (settings.ca_file, settings.simulator_port) == (Path("ca.pem"), 9090)
    assert (settings.table, settings.queue_prefix) == ("my-table", "mine")
    assert (settings.max_links, settings.generation_seconds) == (800, 12.5)
    assert settings.connections_per_minute == 5000
    assert settings.aws_endpoint_url == "http://127.0.0.1:4566"
    assert settings.lambda_endpoint_url == "http://127.0.0.1:4567"
    assert settings.listener_function == "holds-links"


def test_an_empty_allow_list_allows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    variables(monkeypatch, BROKER_WEBHOOK_ALLOW="")

    assert LocalSettings.read().webhook_allow == ()


def test_an_empty_optional_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    variables(
        monkeypatch,
        BROKER_ADMIN_KEY="",
        BROKER_CA_FILE="",
        BROKER_DATA_DIR="",
        BROKER_GENERATION_SECONDS="",
        AWS_ENDPOINT_URL="",
    )

    settings = LocalSettings.read()

    assert (settings.admin_key, settings.ca_file) == (None, None)
    assert (settings.generation_seconds, settings.aws_endpoint_url) == (None, None)
    assert settings.data_dir == Path(".data")


@pytest.mark.parametrize(
    "network",
    [
        "169.254.169.254",
        "169.254.0.0/16",
        "169.254.8.0/24",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
    ],
)
def test_link_local_is_never_allowed(monkeypatch: pytest.MonkeyPatch, network: str) -> None:
    faults = faults_of(monkeypatch, BROKER_WEBHOOK_ALLOW=f"10.0.0.0/8,{network}")

    assert len(faults) == 1
    assert faults[0].startswith("BROKER_WEBHOOK_ALLOW:")
    assert f"{network} is link-local" in faults[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BROKER_PORT", "65536"),
        ("BROKER_STORE", "postgres"),
        ("BROKER_SIMULATOR", "maybe"),
        ("BROKER_WEBHOOK_ALLOW", "localhost"),
        ("BROKER_ALLOW_DOMAINS", "example.com,*"),
        ("BROKER_WEBHOOK_ALLOW", "10.1.2.3/8"),
        ("BROKER_SHARDS", "0"),
        ("BROKER_QUEUE_PREFIX", "two words"),
        ("BROKER_RETRY_SCALE", "0"),
        ("BROKER_RETRY_SCALE", "nan"),
        ("BROKER_MAX_LINKS", "801"),
        ("BROKER_CONNECTIONS_PER_MINUTE", "99"),
        ("BROKER_GENERATION_SECONDS", "-1"),
        ("BROKER_GENERATION_SECONDS", "inf"),
        ("BROKER_TABLE", ""),
    ],
)
def test_a_value_that_cannot_work_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    faults = faults_of(monkeypatch, **{name: value})

    assert [fault.split(":")[0] for fault in faults] == [name]


def test_all_faults_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = faults_of(
        monkeypatch, BROKER_PORT="http", BROKER_SHARDS="many", BROKER_WEBHOOK_ALLOW="fe80::/10"
    )

    named = {fault.split(":")[0] for fault in faults}
    assert named == {"BROKER_PORT", "BROKER_SHARDS", "BROKER_WEBHOOK_ALLOW"}


@pytest.mark.parametrize("key", ["two words", "ümlaut", "line\nbreak"])
def test_a_key_that_fits_no_header_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    variables(monkeypatch, BROKER_ADMIN_KEY=key)

    with pytest.raises(ConfigurationError, match="BROKER_ADMIN_KEY: ") as caught:
        LocalSettings.read()

    assert key not in "".join(traceback.format_exception(caught.value))


def test_even_the_library_s_own_error_does_not_show_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables(monkeypatch, BROKER_ADMIN_KEY="do not show")

    with pytest.raises(ValidationError) as caught:
        LocalSettings()

    assert "do not show" not in str(caught.value)


def test_the_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    variables(monkeypatch, BROKER_ADMIN_KEY="do-not-show")

    settings = LocalSettings.read()

    assert "do-not-show" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_settings_are_frozen() -> None:
    settings = LocalSettings.read()

    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc]  # what the test is about


def test_they_are_read_when_made_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    before = LocalSettings.read()
    variables(monkeypatch, BROKER_PORT="8081")

    assert (before.port, LocalSettings.read().port) == (8080, 8081)


def test_on_aws_nothing_that_differs_has_a_default() -> None:
    with pytest.raises(ConfigurationError) as caught:
        BrokerSettings.read()

    named = {fault.split(":")[0] for fault in caught.value.faults}
    assert named == {"BROKER_TABLE", "BROKER_QUEUE_PREFIX", "BROKER_SHARDS"}


def test_on_aws_no_private_network_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    variables(monkeypatch, BROKER_TABLE="prod", BROKER_QUEUE_PREFIX="prod", BROKER_SHARDS="64")

    settings = ListenerSettings.read()

    assert (settings.webhook_allow, settings.allow_endpoint) == ((), False)
    assert settings.allow_domains == ()


def test_loopback_is_both_families() -> None:
    assert ip_network("127.0.0.0/8") in LOOPBACK
    assert ip_network("::1/128") in LOOPBACK


@pytest.fixture(autouse=True)
def _without_variables_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in (
        LocalSettings,
        BrokerSettings,
        ListenerFunctionSettings,
        ApiFunctionSettings,
    ):
        for field in settings.model_fields:
            monkeypatch.delenv(f"BROKER_{field.upper()}", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_LAMBDA", raising=False)


def test_a_listener_of_its_own_shares_its_table() -> None:
    settings = ListenerServiceSettings.read()

    assert settings.store is StoreKind.DYNAMODB
    assert (settings.liveness_host, settings.liveness_port) == ("127.0.0.1", 0)


def test_a_listener_of_its_own_refuses_a_table_that_only_one_may_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables(monkeypatch, BROKER_STORE="embedded")

    with pytest.raises(ConfigurationError) as caught:
        ListenerServiceSettings.read()

    [fault] = caught.value.faults
    assert fault.startswith("BROKER_STORE: ")
    assert "set dynamodb" in fault


def test_a_listener_function_takes_no_default_for_what_differs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables(monkeypatch, BROKER_DATA_DIR="")

    with pytest.raises(ConfigurationError) as caught:
        ListenerFunctionSettings.read()

    named = [fault.split(":")[0] for fault in caught.value.faults]
    assert named == ["BROKER_TABLE", "BROKER_QUEUE_PREFIX", "BROKER_SHARDS", "BROKER_DATA_DIR"]


def test_a_listener_function_ends_when_it_is_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    variables(
        monkeypatch,
        BROKER_TABLE="prod",
        BROKER_QUEUE_PREFIX="prod",
        BROKER_SHARDS="64",
        BROKER_DATA_DIR="/var/task/keys",
        BROKER_WEBHOOK_ALLOW="10.0.0.0/8",
    )

    settings = ListenerFunctionSettings.read()

    assert (settings.store, settings.max_links) == (StoreKind.DYNAMODB, 250)
    assert (settings.generation_seconds, settings.idle_seconds) == (None, 90.0)
    assert settings.data_dir == Path("/var/task/keys")
    assert settings.webhook_allow == (ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BROKER_STORE", "embedded"),
        ("BROKER_IDLE_SECONDS", "0"),
        ("BROKER_IDLE_SECONDS", ""),
        ("BROKER_WEBHOOK_ALLOW", "127.0.0.1"),
        ("BROKER_WEBHOOK_ALLOW", "10.0.0.0/8,0.0.0.0/0"),
        ("BROKER_WEBHOOK_ALLOW", "::1"),
    ],
)
def test_a_listener_function_refuses_what_it_cannot_do(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    variables(
        monkeypatch,
        BROKER_TABLE="prod",
        BROKER_QUEUE_PREFIX="prod",
        BROKER_SHARDS="64",
        BROKER_DATA_DIR="keys",
        **{name: value},
    )

    with pytest.raises(ConfigurationError) as caught:
        ListenerFunctionSettings.read()

    assert [fault.split(":")[0] for fault in caught.value.faults] == [name]


def test_an_api_function_needs_what_every_function_needs_and_may_be_given_a_first_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables(monkeypatch, BROKER_ADMIN_KEY="two words", BROKER_SHARDS="0")
    with pytest.raises(ConfigurationError) as caught:
        ApiFunctionSettings.read()
    named = {fault.split(":")[0] for fault in caught.value.faults}
    variables(
        monkeypatch,
        BROKER_TABLE="prod",
        BROKER_QUEUE_PREFIX="prod",
        BROKER_SHARDS="64",
        BROKER_DATA_DIR="keys",
        BROKER_ADMIN_KEY="",
    )
    keyless = ApiFunctionSettings.read()
    variables(monkeypatch, BROKER_ADMIN_KEY="k-1", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    key = ApiFunctionSettings.read().admin_key

    assert named == {
        "BROKER_TABLE",
        "BROKER_QUEUE_PREFIX",
        "BROKER_SHARDS",
        "BROKER_DATA_DIR",
        "BROKER_ADMIN_KEY",
    }
    assert keyless.admin_key is None
    assert key is not None
    assert key.get_secret_value() == "k-1"


FUNCTION = {"BROKER_TABLE": "prod", "BROKER_QUEUE_PREFIX": "prod", "BROKER_SHARDS": "64"}
KMS_KEY = "arn:aws:kms:eu-central-1:123456789012:key/6028c78d-39e9-4e23-80bd-83ea04bd39ad"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:broker/admin-abcdef"


def function_faults(monkeypatch: pytest.MonkeyPatch, **given: str) -> list[str]:
    variables(monkeypatch, **FUNCTION, **given)
    with pytest.raises(ConfigurationError) as caught:
        ApiFunctionSettings.read()
    return list(caught.value.faults)


def test_a_function_with_a_kms_key_needs_no_folder_and_may_have_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables(monkeypatch, **FUNCTION, BROKER_KMS_KEY=KMS_KEY, BROKER_DATA_DIR="")
    without = FunctionSettings.read()
    variables(monkeypatch, BROKER_DATA_DIR="/opt/elsewhere", BROKER_KMS_CONTEXT="before")
    with_both = FunctionSettings.read()

    assert (without.kms_key, without.kms_context, without.kms_rotation_days) == (KMS_KEY, None, 30)
    assert without.data_dir == Path("/opt/broker")
    assert (with_both.data_dir, with_both.kms_context) == (Path("/opt/elsewhere"), "before")


def test_a_function_needs_one_of_the_two(monkeypatch: pytest.MonkeyPatch) -> None:
    [fault] = function_faults(monkeypatch)

    assert fault.startswith("BROKER_DATA_DIR: ")
    assert "BROKER_KMS_KEY" in fault


@pytest.mark.parametrize(
    "key",
    [
        KMS_KEY,
        "arn:aws-cn:kms:cn-north-1:123456789012:alias/broker",
        "alias/broker",
        "6028c78d-39e9-4e23-80bd-83ea04bd39ad",
        "mrk-1234abcd12ab34cd56ef1234567890ab",
    ],
)
def test_a_kms_key_is_named_as_kms_names_it(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    variables(monkeypatch, **FUNCTION, BROKER_KMS_KEY=key)

    assert FunctionSettings.read().kms_key == key


def test_what_names_no_key_or_no_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = function_faults(
        monkeypatch,
        BROKER_DATA_DIR="keys",
        BROKER_KMS_KEY="the usual one",
        BROKER_KMS_ROTATION_DAYS="6",
        BROKER_ADMIN_KEY_REF="the-key-itself",
    )

    assert {fault.split(":")[0] for fault in faults} == {
        "BROKER_KMS_KEY",
        "BROKER_KMS_ROTATION_DAYS",
        "BROKER_ADMIN_KEY_REF",
    }
    assert "the-key-itself" not in " ".join(faults)


@pytest.mark.parametrize("reference", [SECRET, f"{SECRET}#admin", "ssm:/broker/admin-key"])
def test_a_first_key_is_named(monkeypatch: pytest.MonkeyPatch, reference: str) -> None:
    variables(
        monkeypatch, **FUNCTION, BROKER_KMS_KEY="alias/broker", BROKER_ADMIN_KEY_REF=reference
    )

    assert ApiFunctionSettings.read().admin_key_ref == reference


def test_a_first_key_in_the_open_is_refused_on_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"BROKER_KMS_KEY": "alias/broker", "BROKER_ADMIN_KEY": "do-not-show"}
    [fault] = function_faults(monkeypatch, **given)

    assert fault.startswith("BROKER_ADMIN_KEY: ")
    assert "BROKER_ADMIN_KEY_REF" in fault
    assert "do-not-show" not in fault


def test_two_first_keys_are_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = function_faults(
        monkeypatch,
        BROKER_KMS_KEY="alias/broker",
        BROKER_ADMIN_KEY="do-not-show",
        BROKER_ADMIN_KEY_REF="ssm:/broker/admin-key",
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
    )

    assert [fault.split(":")[0] for fault in faults] == ["BROKER_ADMIN_KEY_REF"]
