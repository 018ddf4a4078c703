"""Proves infra/ with Terraform itself: format, validation, tests, a whole life on a stand-in.

Works on a copy, so it leaves nothing in the checkout but the packages in dist. While the stand-in
has what was applied, tests/applied uses it. Terraform mostly waits, so what needs no other step
runs beside it. Without Terraform, or where the provider or Python 3.13 is not to be had, it says
loudly what was not run and ends well; with INFRA_REQUIRED=1 it fails. Used by `make infra-check`.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from infra.bundle.interpreter import find
from tests.support import stand_in
from tests.support.applied import Applied, proxies
from tests.support.emulator import ARCHITECTURE, VENV
from tests.support.stand_in_state import (
    expect_as_before,
    expect_every_kind,
    expect_what_the_code_wants,
    keep_a_key,
    what_there_is,
)
from tests.support.terraform_runs import FailedError, init, terraform

ROOT: Final = Path(__file__).parent.parent
STAND_IN_ROOT: Final = Path("tests/infra/root")
TESTED: Final = (Path("infra/modules/broker"), Path("infra/modules/function"))
VALIDATED: Final = (Path("infra/envs/dev"), Path("infra/envs/prod"))
"""What nothing else here reads; tests and plans validate the rest."""
NAME: Final = "broker-check"
SHARDS: Final = 2
PARALLEL: Final = "-parallelism=30"
"""The provider mostly waits: 25 s for each queue."""
FUNCTIONS: Final = ("api", "listener", "courier", "sweeper")
ADMIN_KEY: Final = f"/{NAME}/admin-key"
"""The parameter that holds it."""
REQUIRED: Final = "INFRA_REQUIRED"
"""A variable: with 1, what could not be run is a failure."""
NOWHERE: Final = ("192.0.2.1", 9)
"""RFC 5737: an address that nobody has. Nothing is sent there."""
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
STORY_SECONDS: Final = 300


def main() -> int:
    """Run all steps; 0 when what could be run held."""
    try:
        if shutil.which("terraform") is None:
            not_run("Terraform is not on this machine")
            return 0
        with tempfile.TemporaryDirectory(prefix="infra-check-") as folder:
            _check(Path(folder))
    except FailedError as failure:
        print(f"infra-check: FAILED\n{failure}", flush=True)
        return 1
    return 0


def _check(folder: Path) -> None:
    began = time.monotonic()
    with _step("terraform fmt -check"):
        terraform(ROOT / "infra", "fmt", "-check", "-diff", "-recursive")
        terraform(ROOT / STAND_IN_ROOT, "fmt", "-check", "-diff")
    for part in (Path("infra"), STAND_IN_ROOT):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns(".terraform*"))
    modules = [folder / each for each in (STAND_IN_ROOT, *TESTED, *VALIDATED)]
    with ThreadPoolExecutor() as beside:
        packages = beside.submit(_packages, folder / "packages")
        try:
            with _step("terraform init"):
                told = init(modules)
        except FailedError as failure:
            if "Failed to query available provider packages" not in str(failure):
                raise
            not_run("there is no mirror of the AWS provider, and no way to its registry")
            return
        print(f"  provider: {told}", flush=True)
        # One after the other: they take processors, and the life beside them mostly waits.
        without_aws = beside.submit(_without_aws, folder)
        _live(folder, packages)
        without_aws.result()
    print(f"infra-check: all steps held, {time.monotonic() - began:.0f} s", flush=True)


def _without_aws(folder: Path) -> None:
    for module in TESTED:
        with _step(f"terraform test {module}"):
            terraform(folder / module, "test")
    for module in VALIDATED:
        with _step(f"terraform validate {module}"):
            terraform(folder / module, "validate")


# ----------------------------------------------------------------------------- a life on a stand-in


@dataclass(frozen=True, slots=True)
class Packages:
    """A folder of zips; `real`: they can be run."""

    folder: Path
    real: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What is made of the root for the stand-in."""

    root: Path
    packages: Packages
    endpoint: str
    door: int
    admin_key: str
    admin_key_ref: str
    host: str | None
    shards: int = SHARDS

    def terraform(self, verb: str, *arguments: str) -> str:
        """With the variables of this life."""
        given = {
            "endpoint": self.endpoint,
            "packages": str(self.packages.folder),
            "shards": str(self.shards),
            "architecture": ARCHITECTURE,
            "admin_key_ref": self.admin_key_ref,
            "webhook_allow": json.dumps([f"{self.host}/32"] if self.host else []),
        }
        variables = {f"TF_VAR_{name}": value for name, value in given.items()}
        return terraform(self.root, verb, "-input=false", *arguments, **variables)


def _live(folder: Path, built: "Future[Packages]") -> None:
    if not (stand_in.BINARIES / "ministack").exists():
        not_run("apply, plan and destroy: `make setup` makes .venv-aws")
        return
    door, packages = stand_in.free_port(), built.result()
    names = [f"{NAME}-{each}" for each in FUNCTIONS]
    with stand_in.ministack("", variables=proxies(names, door)) as endpoint:
        key = secrets.token_urlsafe()
        life = Life(
            root=folder / STAND_IN_ROOT,
            packages=packages,
            endpoint=endpoint,
            door=door,
            admin_key=key,
            admin_key_ref=keep_a_key(endpoint, ADMIN_KEY, key),
            host=_own_address(),
        )
        before = what_there_is(endpoint)
        with _step("terraform apply"):
            life.terraform("apply", "-auto-approve", PARALLEL)
            expect_every_kind(before, what_there_is(endpoint))
        with ThreadPoolExecutor() as beside:
            refusal = beside.submit(_expect_refusal, replace(life, shards=SHARDS + 1))
            _use(life)
            refusal.result()
        with _step("table and queues are those that the code looks for, and no others"):
            expect_what_the_code_wants(endpoint, NAME, SHARDS)
        with _step("terraform plan: nothing to change"):
            life.terraform("plan", "-out=again", PARALLEL)
            expect_no_change(json.loads(terraform(life.root, "show", "-json", "again")))
        with _step("terraform destroy"):
            # The plan has looked at everything a moment ago.
            life.terraform("destroy", "-auto-approve", "-refresh=false", PARALLEL)
        with _step("nothing is left"):
            expect_as_before(before, what_there_is(endpoint))


def _use(life: Life) -> None:
    if not life.packages.real or life.host is None:
        what = "no Python 3.13" if not life.packages.real else "no address besides loopback"
        not_run(f"the applied functions in use: there is {what} here")
        return
    told = json.loads(terraform(life.root, "output", "-json"))["broker"]["value"]
    applied = Applied(
        endpoint=life.endpoint,
        door=life.door,
        outputs=told,
        admin_key=life.admin_key,
        host=life.host,
    )
    with _step("the applied functions hold a conversation"):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "tests/applied"],
            cwd=ROOT,
            env={**os.environ, Applied.VARIABLE: json.dumps(asdict(applied))},
            capture_output=True,
            text=True,
            timeout=STORY_SECONDS,
            check=False,
        )
        if done.returncode:
            raise FailedError(done.stdout + done.stderr)


def _packages(folder: Path) -> Packages:
    """The functions' zips for this machine.

    Where nothing can run them, zips that hold nothing of use: they are kept and never run.
    """
    folder.mkdir()
    real = find() is not None and (VENV / ".ready").exists()
    if real:
        with _step("make package"):
            command = [sys.executable, "-m", "infra.bundle", ARCHITECTURE]
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    for name in FUNCTIONS:
        if real:
            shutil.copy(ROOT / "dist" / ARCHITECTURE / f"{name}.zip", folder)
        else:
            with zipfile.ZipFile(folder / f"{name}.zip", "w") as package:
                package.writestr("nothing.txt", name)
    return Packages(folder, real)


def _own_address() -> str | None:
    """One of this machine's that is not loopback: functions let no webhook lead there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(NOWHERE)
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return None if address.startswith("127.") else address


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


def _expect_refusal(life: Life) -> None:
    with _step("another number of shards is refused"):
        try:
            life.terraform("plan", "-refresh=false", "-lock=false")
        except FailedError as refusal:
            if "fixed for the life of a broker" in " ".join(str(refusal).split()):
                return
            raise
        message = "a plan with another number of shards went through"
        raise FailedError(message)


# ------------------------------------------------------------------------------------- reporting


@contextmanager
def _step(name: str) -> Iterator[None]:
    started = time.monotonic()
    yield  # a step that fails is told of by what it raises
    print(f"infra-check: {name}: held, {time.monotonic() - started:.0f} s", flush=True)


def not_run(why: str) -> None:
    """Say it loudly. Raises FailedError where nothing may be left out."""
    line = f"NOT RUN: infra-check: {why}"
    if os.environ.get(REQUIRED) == "1":
        message = f"{line}; {REQUIRED}=1 wants all of it"
        raise FailedError(message)
    print(f"{'=' * len(line)}\n{line}\n{'=' * len(line)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
