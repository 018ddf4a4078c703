"""Proves infra/ with Terraform itself: format, validation, tests, a whole life on a stand-in.

Works on a copy, so it leaves nothing in the checkout. Without Terraform, or where the provider is
not to be had, it says loudly what was not run and ends well. Used by `make infra-check`.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from boto3.session import Session

from service.adapters.dynamodb.opening import table_request
from service.adapters.table.schema import TTL
from tests.support import stand_in

ROOT: Final = Path(__file__).parent.parent
STAND_IN_ROOT: Final = Path("tests/infra/root")
TESTED: Final = (Path("infra/modules/broker"), Path("infra/modules/function"))
VALIDATED: Final = (Path("infra/envs/dev"), Path("infra/envs/prod"))
"""What nothing else here reads; tests and plans validate the rest."""
NAME: Final = "broker-check"
SHARDS: Final = 2
PACKAGES: Final = ("api", "listener", "courier", "sweeper", "key")
PROVIDER: Final = Path("hashicorp", "aws")
MIRROR_DEPTH: Final = 5
NO_PLACE: Final = {"dev", "proc", "run", "sys", "tmp"}
NOT_GIVEN_BACK: Final = frozenset(
    {
        "actions_enabled",
        "alarm_description",
        "dimensions",
        "period",
        "statistic",
        "treat_missing_data",
    }
)
"""What ministack keeps of no alarm, so that a plan wants to set it again."""
ALARM: Final = "aws_cloudwatch_metric_alarm"
LONGEST_SECONDS: Final = 900


class FailedError(Exception):
    """A step that did not hold, and what it printed."""


def main() -> int:
    """Run all steps; 0 when what could be run held."""
    if shutil.which("terraform") is None:
        return _not_run("Terraform is not on this machine")
    with tempfile.TemporaryDirectory(prefix="infra-check-") as folder:
        try:
            return _check(Path(folder))
        except FailedError as failure:
            print(f"infra-check: FAILED\n{failure}", flush=True)
            return 1


def _check(folder: Path) -> int:
    with _step("terraform fmt -check"):
        _terraform(ROOT / "infra", "fmt", "-check", "-diff", "-recursive")
        _terraform(ROOT / STAND_IN_ROOT, "fmt", "-check", "-diff")
    for part in (Path("infra"), STAND_IN_ROOT):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns(".terraform*"))
    try:
        with _step("terraform init"):
            _init(folder)
    except FailedError as failure:
        if "Failed to query available provider packages" not in str(failure):
            raise
        return _not_run("there is neither a mirror of the AWS provider nor a way to its registry")
    for module in VALIDATED:
        with _step(f"terraform validate {module}"):
            _terraform(folder / module, "validate")
    for module in TESTED:
        with _step(f"terraform test {module}"):
            _terraform(folder / module, "test")
    if not (stand_in.BINARIES / "ministack").exists():
        return _not_run("apply, plan and destroy: `make setup` makes .venv-aws")
    with stand_in.ministack(services="") as endpoint:
        _live(folder, endpoint)
    print("infra-check: all steps held", flush=True)
    return 0


# ----------------------------------------------------------------------------- a life on a stand-in


def _live(folder: Path, endpoint: str) -> None:
    root = folder / STAND_IN_ROOT
    variables = {
        "TF_VAR_endpoint": endpoint,
        "TF_VAR_packages": str(_packages(folder / "packages")),
        "TF_VAR_shards": str(SHARDS),
    }
    with _step("terraform apply"):
        _terraform(root, "apply", "-auto-approve", "-input=false", **variables)
    with _step("terraform plan: nothing to change"):
        _terraform(root, "plan", "-input=false", "-out=again", **variables)
        expect_no_change(json.loads(_terraform(root, "show", "-json", "again", **variables)))
    with _step("table and queues are those that the code looks for"):
        _expect_what_the_code_wants(endpoint)
    with _step("another number of shards is refused"):
        _expect_refusal(root, variables | {"TF_VAR_shards": str(SHARDS + 1)})
    with _step("terraform destroy"):
        _terraform(root, "destroy", "-auto-approve", "-input=false", **variables)


def _packages(folder: Path) -> Path:
    """Zips that hold nothing of use: they are kept and never run."""
    folder.mkdir()
    for name in PACKAGES:
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as package:
            package.writestr("nothing.txt", name)
    return folder


def expect_no_change(plan: Mapping[str, Any]) -> None:
    """Raises FailedError with what a plan wants to change, but for what ministack never keeps."""
    changes = [
        f"{each['address']}: {', '.join(sorted(changed))}"
        for each in plan["resource_changes"]
        if (changed := _changed(each["change"]))
        and not (each["type"] == ALARM and changed <= NOT_GIVEN_BACK)
    ]
    if changes:
        raise FailedError("a second plan wants to change:\n" + "\n".join(changes))


def _changed(change: Mapping[str, Any]) -> set[str]:
    if change["actions"] in (["no-op"], ["read"]):
        return set()
    before, after = change["before"] or {}, change["after"] or {}
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    return changed | {name for name, unknown in change["after_unknown"].items() if unknown}


def _expect_what_the_code_wants(endpoint: str) -> None:
    session = Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1"
    )
    dynamodb = session.client("dynamodb", endpoint_url=endpoint)
    table, wanted = dynamodb.describe_table(TableName=NAME)["Table"], table_request(NAME)
    _expect_equal("keys", table["KeySchema"], wanted["KeySchema"])
    _expect_equal("indexes", _indexes(table), _indexes(wanted))
    expiry = dynamodb.describe_time_to_live(TableName=NAME)["TimeToLiveDescription"]
    _expect_equal("expiry", expiry.get("AttributeName"), TTL)
    sqs = session.client("sqs", endpoint_url=endpoint)
    urls = sqs.list_queues(QueueNamePrefix=NAME)["QueueUrls"]
    names = {"deliveries", "deliveries-dead", *(f"mailbox-{shard}" for shard in range(SHARDS))}
    _expect_equal(
        "queues",
        sorted(url.rpartition("/")[2] for url in urls),
        sorted(f"{NAME}-{name}" for name in names),
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


def _expect_refusal(root: Path, variables: Mapping[str, str]) -> None:
    try:
        _terraform(root, "plan", "-input=false", **variables)
    except FailedError as refusal:
        if "fixed for the life of a broker" in " ".join(str(refusal).split()):
            return
        raise
    message = "a plan with another number of shards went through"
    raise FailedError(message)


# ------------------------------------------------------------------------------------ Terraform


def _init(folder: Path) -> None:
    mirror = _mirror()
    print(f"  provider: {'a mirror on this machine' if mirror else 'its registry'}", flush=True)
    place = [] if mirror is None else [f"-plugin-dir={mirror}"]
    for module in (*TESTED, *VALIDATED, STAND_IN_ROOT):
        _terraform(folder / module, "init", "-input=false", "-backend=false", *place)


def _mirror() -> Path | None:
    """A folder that holds the AWS provider as a mirror does: <host>/hashicorp/aws/<version>."""
    for place, folders, _ in os.walk("/", onerror=lambda _: None):
        here = Path(place)
        if here.parts[-2:] == PROVIDER.parts and any(name[0].isdigit() for name in folders):
            return here.parents[2]
        deep = len(here.parts) > MIRROR_DEPTH
        folders[:] = (
            []
            if deep
            else [each for each in folders if len(here.parts) > 1 or each not in NO_PLACE]
        )
    return None


def _terraform(folder: Path, *arguments: str, **variables: str) -> str:
    """What it printed. Raises FailedError with all of it."""
    environment = {
        **os.environ,
        "CHECKPOINT_DISABLE": "1",
        # A file that is named but not there makes every command warn.
        "TF_CLI_CONFIG_FILE": _configuration(),
        "TF_IN_AUTOMATION": "1",
        **variables,
    }
    done = subprocess.run(
        ["terraform", *_colourless(arguments)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    if done.returncode:
        shown = f"terraform {' '.join(arguments)} in {folder.name}: {done.returncode}"
        message = f"{shown}\n{done.stdout}\n{done.stderr}"
        raise FailedError(message)
    return done.stdout


def _configuration() -> str:
    named = os.environ.get("TF_CLI_CONFIG_FILE", "")
    return named if Path(named).is_file() else os.devnull


def _colourless(arguments: Sequence[str]) -> list[str]:
    verb, *rest = arguments
    return [verb, "-no-color", *rest]


# ------------------------------------------------------------------------------------- reporting


@contextmanager
def _step(name: str) -> Iterator[None]:
    started = time.monotonic()
    print(f"infra-check: {name}", flush=True)
    yield
    print(f"  held, {time.monotonic() - started:.0f} s", flush=True)


def _not_run(why: str) -> int:
    line = f"NOT RUN: infra-check: {why}"
    print(f"{'=' * len(line)}\n{line}\n{'=' * len(line)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
