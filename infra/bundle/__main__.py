"""`python -m infra.bundle [arm64] [x86_64]` writes dist/<architecture>/<function>.zip.

And prints sizes.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from infra.bundle.building import Built, Place, TooLargeError, build, wheels_of
from infra.bundle.functions import UnwantedError
from infra.bundle.interpreter import VARIABLE, find, version_of
from infra.bundle.kept import inputs, keep, kept
from infra.bundle.wheels import MACHINES, PYTHON, MissingWheelError

PROJECT: Final = Path(__file__).parents[2]
MIB: Final = 1024 * 1024
WITHOUT_BYTECODE: Final = (
    f"NOTE: no Python {PYTHON} here, so the packages hold no bytecode and start more slowly; "
    f"{VARIABLE} may name one"
)


def main(arguments: Sequence[str]) -> int:
    """Build; the exit status."""
    parser = argparse.ArgumentParser(prog="infra.bundle", description=__doc__)
    parser.add_argument("architectures", nargs="*", default=list(MACHINES), metavar="architecture")
    parser.add_argument("--out", type=Path, default=PROJECT / "dist")
    given = parser.parse_args(arguments)
    unknown = set(given.architectures) - set(MACHINES)
    if unknown:
        parser.error(f"there are {' and '.join(MACHINES)}, not {', '.join(sorted(unknown))}")
    python = find()
    if python is None:
        print(WITHOUT_BYTECODE, file=sys.stderr)
    place = Place(project=PROJECT, out=given.out, wheels=PROJECT / ".wheels")
    try:
        built = [each for name in given.architectures for each in _built(name, place, python)]
    except (UnwantedError, MissingWheelError, TooLargeError) as error:
        print(error, file=sys.stderr)
        return 1
    print(shown(built))
    return 0


def _built(architecture: str, place: Place, python: str | None) -> list[Built]:
    wheels = wheels_of(architecture, place).values()
    given = inputs(place.project, version_of(python) if python else (), wheels)
    before = kept(place, architecture, given)
    if before is not None:
        return before
    built = build(architecture, place, python)
    keep(place, architecture, given, built)
    return built


def shown(built: Sequence[Built]) -> str:
    """One line per zip."""
    titles = ("zip MiB", "unzipped", "files", "packages", "modules", "sha256")
    rows = ["{:20}{:>9}{:>10}{:>7}{:>10}{:>9}  {}".format("", *titles)]
    rows += [
        f"{each.path.parent.name + '/' + each.path.name:20}"
        f"{each.zipped / MIB:9.2f}{each.unzipped / MIB:10.2f}{each.files:7}"
        f"{len(each.contents.packages):10}{len(each.contents.modules):9}  {each.sha256}"
        for each in built
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
