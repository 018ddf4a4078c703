"""Writes a zip whose bytes depend on nothing but what is in it."""

import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can tell."""
FILE: Final = 0o100644 << 16
UNIX: Final = 3
TASK: Final = "/var/task"
"""Where Lambda unpacks it; it can write nothing there, so bytecode has to be there already."""


def write_zip(files: Mapping[str, bytes], target: Path) -> None:
    """One entry per file, in the order of their names, all of the same moment and mode."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".new")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=EPOCH)
            entry.external_attr = FILE
            entry.create_system = UNIX
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    draft.replace(target)


def unpack(files: Mapping[str, bytes], folder: Path) -> None:
    """Write each file below the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def compiled(files: Mapping[str, bytes], python: str, folder: Path) -> dict[str, bytes]:
    """The bytecode of every module, by path.

    Unchecked: nothing changes there, and looking at the source would cost. One process and one seed
    for all, so that it comes out the same again (PEP 552; what marshal shares depends on both).
    """
    unpack(files, folder)
    command = [
        *(python, "-s", "-m", "compileall", "-q", "-j", "1"),
        *("--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", TASK, str(folder)),
    ]
    subprocess.run(command, env={"PYTHONHASHSEED": "0"}, check=True)  # noqa: S603 - ours
    made = sorted(folder.rglob("*.pyc"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in made}
