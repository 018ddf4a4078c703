"""Tells whether what was built last is still what would be built, so that nothing is built twice.

The same inputs give the same bytes; so inputs and bytes are kept by their hashes, beside the zips.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from infra.bundle.building import Built, Place, built_before
from infra.bundle.functions import FUNCTIONS

KEPT: Final = "kept.json"
SOURCES: Final = ("service", "infra/bundle")


def inputs(project: Path, python_version: Sequence[int]) -> str:
    """A hash of all that the zips depend on: our sources, the lock, the Python that compiles."""
    digest = hashlib.sha256(repr(tuple(python_version)).encode())
    sources = [path for folder in SOURCES for path in sorted((project / folder).rglob("*.py"))]
    for path in (project / "requirements" / "runtime.txt", *sources):
        name = path.relative_to(project).as_posix()
        digest.update(f"\0{name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def keep(place: Place, architecture: str, given: str, built: Sequence[Built]) -> None:
    """Note what these zips were built from."""
    told = {"inputs": given, "zips": {each.contents.function: each.sha256 for each in built}}
    (place.out / architecture / KEPT).write_text(f"{json.dumps(told, indent=2)}\n", "ascii")


def kept(place: Place, architecture: str, given: str) -> list[Built] | None:
    """The zips, if they were built from that and nobody has touched them since."""
    folder = place.out / architecture
    try:
        told = json.loads((folder / KEPT).read_text("ascii"))
        built = [built_before(folder / f"{function}.zip") for function in FUNCTIONS]
    except (OSError, ValueError):
        return None
    zips = {each.contents.function: each.sha256 for each in built}
    return built if told == {"inputs": given, "zips": zips} else None
