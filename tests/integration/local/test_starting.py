"""A local broker that cannot start says which setting is wrong."""

import socket
from pathlib import Path

import pytest

from service.bootstrap.keys import KEY_FILE
from service.config import DATA_DIR, LocalSettings, StoreKind
from service.domain.errors import ConfigurationError
from service.entrypoints._local.machine import serve
from service.entrypoints._local.shards import pin_shards


async def test_a_port_of_the_simulator_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = LocalSettings(port=0, data_dir=tmp_path, simulator_port=port)

        with pytest.raises(ConfigurationError, match="BROKER_SIMULATOR_PORT"):
            await serve(settings)


async def test_a_data_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = LocalSettings(port=0, data_dir=tmp_path / "file", simulator=False)

    with pytest.raises(ConfigurationError, match="BROKER_DATA_DIR"):
        await serve(settings)


async def test_a_region_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    settings = LocalSettings(port=0, data_dir=tmp_path, store=StoreKind.DYNAMODB, simulator=False)

    with pytest.raises(ConfigurationError, match="region"):
        await serve(settings)


async def test_another_number_of_shards_than_the_data_has_is_refused(tmp_path: Path) -> None:
    pin_shards(LocalSettings(data_dir=tmp_path, shards=4))
    pin_shards(LocalSettings(data_dir=tmp_path, shards=4))

    with pytest.raises(ConfigurationError, match="BROKER_SHARDS: this data was made with 4"):
        await serve(LocalSettings(port=0, data_dir=tmp_path, simulator=False, shards=8))


async def test_a_function_for_listeners_needs_a_table_that_it_can_open(tmp_path: Path) -> None:
    settings = LocalSettings(
        port=0, data_dir=tmp_path, simulator=False, listener_function="holds-links"
    )

    with pytest.raises(ConfigurationError, match="BROKER_LISTENER_FUNCTION"):
        await serve(settings)


async def test_the_embedded_table_has_its_key_beside_it(tmp_path: Path) -> None:
    settings = LocalSettings(
        port=0,
        data_dir=tmp_path,
        simulator=False,
        kms_key="alias/broker",
        listener_function="listener",
    )

    with pytest.raises(ConfigurationError) as caught:
        await serve(settings)

    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "BROKER_LISTENER_FUNCTION",
        "BROKER_KMS_KEY",
    ]


async def test_a_file_that_may_be_there_by_chance_is_not_taken_for_the_brokers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make run` leaves one in the working folder; what it encrypts nobody else could read."""
    monkeypatch.chdir(tmp_path)
    DATA_DIR.mkdir()
    (DATA_DIR / KEY_FILE).touch()
    settings = LocalSettings(
        port=0, store=StoreKind.DYNAMODB, simulator=False, kms_key="alias/broker"
    )

    with pytest.raises(ConfigurationError, match=r"BROKER_DATA_DIR: .data/encryption.key is there"):
        await serve(settings)
