"""Runs Terraform, offline where a mirror of the AWS provider is on this machine."""

import os
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

PROVIDER: Final = Path("hashicorp", "aws")
MIRROR_DEPTH: Final = 5
NO_PLACE: Final = {"dev", "proc", "run", "sys", "tmp"}
LONGEST_SECONDS: Final = 900


class FailedError(Exception):
    """A step that did not hold, and what it printed."""


def init(modules: Iterable[Path]) -> str:
    """Initialise these modules, side by side; where the provider came from. Raises FailedError."""
    mirror = _mirror()
    place = [] if mirror is None else [f"-plugin-dir={mirror}"]

    def begin(module: Path) -> None:
        terraform(module, "init", "-input=false", "-backend=false", *place)

    with ThreadPoolExecutor() as beside:
        list(beside.map(begin, modules))
    return "a mirror on this machine" if mirror else "its registry"


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


def terraform(folder: Path, *arguments: str, **variables: str) -> str:
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
