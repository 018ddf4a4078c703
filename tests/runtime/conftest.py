"""The code of each function, unpacked once, and environments for it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contract.conftest import aws_endpoint, aws_session
from tests.functions.conftest import Stage, faults, stage
from tests.support.emulator import Emulator, emulated, unpacked

__all__ = ["aws_endpoint", "aws_session", "faults", "stage"]

KEY = "the-admin-key-of-the-function"
TIMEOUTS = {"api": 29, "courier": 60, "listener": 60, "sweeper": 60}
DOORS = Path(__file__).parent / "doors"

Start = Callable[..., Emulator]


@pytest.fixture(scope="session", name="code")
def _code(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a function's code."""
    folder = tmp_path_factory.mktemp("code")
    found: dict[str, Path] = {}

    def code(function: str) -> Path:
        if function not in found:
            found[function] = unpacked(function, folder)
        return found[function]

    return code


@pytest.fixture(name="bare")
def _bare(code: Callable[[str], Path], tmp_path: Path) -> Iterator[Start]:
    """Starts a function with these variables and no others."""
    with ExitStack() as stack:

        def start(
            function: str, *, handler: str = "", timeout: int = 0, **variables: str
        ) -> Emulator:
            return stack.enter_context(
                emulated(
                    code=code(function),
                    handler=handler or f"service.entrypoints.{function}.handler",
                    folder=tmp_path,
                    timeout=timeout or TIMEOUTS[function],
                    variables=variables,
                    also=DOORS,
                )
            )

        yield start


@pytest.fixture(name="start")
def _start(bare: Start, stage: Stage) -> Start:
    """Starts a function on the stage's table and queues."""

    def start(function: str, *, handler: str = "", timeout: int = 0, **variables: str) -> Emulator:
        given = {
            "AWS_ENDPOINT_URL": str(stage.settings.aws_endpoint_url),
            "BROKER_TABLE": stage.settings.table,
            "BROKER_QUEUE_PREFIX": stage.settings.queue_prefix,
            "BROKER_SHARDS": str(stage.settings.shards),
            "BROKER_DATA_DIR": str(stage.settings.data_dir),
            "BROKER_RETRY_SCALE": str(stage.settings.retry_scale),
            **({"BROKER_ADMIN_KEY": KEY} if function == "api" else {}),
        }
        return bare(function, handler=handler, timeout=timeout, **{**given, **variables})

    return start
