"""Tells whether what was built last is still what would be built, so that nothing is built twice.

The same inputs give the same bytes; so inputs and bytes are kept by their hashes, beside the zips.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from infra.bundle.building import Built, Place, built_before
from infra.bundle.functions import FUNCTIONS
from infra.bundle.wheels import Wheel, sha256_of

KEPT: Final = "kept.json"
SOURCES: Final = ("service", "infra/bundle")


def inputs(
    project: Path,
    python_version: Sequence[int],
    wheels: Iterable[Wheel],
    zlib_version: str = zlib.ZLIB_RUNTIME_VERSION,
) -> str:
    """A hash of all that the zips depend on.

    Our sources, the lock, the wheels that were taken of it, the Python that compiles, and what
    compresses: another zlib makes other bytes of the same files.
    """
    digest = hashlib.sha256(repr((tuple(python_version), zlib_version)).encode())
    for wheel in sorted(wheels, key=lambda each: each.path.name):
        digest.update(f"\0{wheel.path.name}\0{sha256_of(wheel.path)}\0".encode())
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
