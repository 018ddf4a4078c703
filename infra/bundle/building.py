"""Builds every function for one architecture."""

import base64
import hashlib
import json
import platform
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

from infra.bundle.archive import compiled, unpack, write_zip
from infra.bundle.functions import DOORS, FUNCTIONS, Needs, all_needs, handler_of
from infra.bundle.interpreter import version_of
from infra.bundle.methods import compiled_methods
from infra.bundle.wheels import MACHINES, PYTHON, Wheel, check_machine, chosen, fetched

CONTENTS: Final = "contents.json"
"""In each zip, and beside it."""
METHODS: Final = "service/entrypoints/methods.bin"
"""As `service.entrypoints` looks for it."""
WITHOUT_METHODS: Final = (
    "NOTE: what is packaged cannot be imported here, so the methods of its classes are compiled at "
    "each start, which takes longer"
)
UNZIPPED_MOST: Final = 250 * 1024 * 1024
"""Lambda's quota for a package (developer guide, "Lambda quotas")."""


class TooLargeError(Exception):
    """Lambda would refuse the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a zip holds, for whoever looks into it."""

    function: str
    handler: str
    runtime: str
    architecture: str
    bytecode: str | None
    """The Python that compiled it."""
    packages: Mapping[str, str]
    modules: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """One zip."""

    contents: Contents
    path: Path
    files: int
    zipped: int
    unzipped: int
    sha256: str
    """In base64, as Lambda and Terraform's `source_code_hash` tell it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where things are."""

    project: Path
    out: Path
    wheels: Path


def build(architecture: str, place: Place, python: str | None) -> list[Built]:
    """Write `<out>/<architecture>/<function>.zip` for each; without `python`, without bytecode.

    Raises UnwantedError, MissingWheelError, TooLargeError.
    """
    wheels = wheels_of(architecture, place)
    needs = all_needs()
    wanted = {
        function: chosen(wheels, each.packages, MACHINES[architecture])
        for function, each in needs.items()
    }
    ours = {name for each in needs.values() for name in each.modules}
    shared = _files({wheel.name: wheel for each in wanted.values() for wheel in each}.values())
    check_machine(shared, MACHINES[architecture])
    bytecode = _bytecode(_sources(ours, place.project) | shared, python)
    methods = _methods(place, python) if python else {}

    def write(function: str) -> Built:
        parts = _Parts(needs[function], wanted[function], bytecode, methods)
        return _write(function, architecture, place, parts)

    # To compress takes most of the time, and zlib lets others work meanwhile.
    with ThreadPoolExecutor() as beside:
        return list(beside.map(write, needs))


def wheels_of(architecture: str, place: Place) -> dict[str, Wheel]:
    """The wheels of the lock for that architecture, each looked at again."""
    lock = place.project / "requirements" / "runtime.txt"
    return fetched(lock, architecture, place.wheels / architecture)


@dataclass(frozen=True, slots=True)
class _Parts:
    needs: Needs
    wheels: Sequence[Wheel]
    bytecode: "_Bytecode"
    methods: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class _Bytecode:
    version: str | None
    by_source: Mapping[str, tuple[str, bytes]]


def _bytecode(sources: Mapping[str, bytes], python: str | None) -> _Bytecode:
    if python is None:
        return _Bytecode(None, {})
    with tempfile.TemporaryDirectory() as folder:
        made = compiled(sources, python, Path(folder))
    version = ".".join(map(str, version_of(python)))
    return _Bytecode(version, {_source_of(name): (name, code) for name, code in made.items()})


@cache
def _methods(place: Place, python: str) -> Mapping[str, bytes]:
    """The same for every architecture and function; only here, code for this machine can run."""
    machine = platform.machine()
    here = next((name for name, each in MACHINES.items() if each == machine), None)
    if here is None or sys.platform != "linux":
        print(WITHOUT_METHODS, file=sys.stderr)
        return {}
    needs, wheels = all_needs().values(), wheels_of(here, place)
    packages = {name for each in needs for name in each.packages}
    modules = {name for each in needs for name in each.modules}
    files = _sources(modules, place.project) | _files(chosen(wheels, packages, machine))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        unpack(files, folder)
        doors = [f"{DOORS}.{function}" for function in FUNCTIONS]
        try:
            return {METHODS: compiled_methods(doors, python, folder)}
        except subprocess.CalledProcessError:
            print(WITHOUT_METHODS, file=sys.stderr)
            return {}


def _source_of(name: str) -> str:
    """`a/__pycache__/b.cpython-313.pyc` is that of `a/b.py`."""
    path = PurePosixPath(name)
    return (path.parent.parent / f"{path.name.split('.')[0]}.py").as_posix()


def _sources(modules: set[str] | frozenset[str], project: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for module in sorted(modules):
        path = Path(*module.split("."))
        file = path / "__init__.py" if (project / path).is_dir() else path.with_suffix(".py")
        found[file.as_posix()] = (project / file).read_bytes()
    return found


def _files(wheels: Iterable[Wheel]) -> dict[str, bytes]:
    return {name: content for wheel in wheels for name, content in wheel.files.items()}


def _write(function: str, architecture: str, place: Place, parts: _Parts) -> Built:
    files = _sources(parts.needs.modules, place.project) | _files(parts.wheels)
    bytecode = parts.bytecode.by_source
    files |= dict(bytecode[name] for name in files if name in bytecode)
    files |= parts.methods
    contents = Contents(
        function=function,
        handler=handler_of(function),
        runtime=f"python{PYTHON}",
        architecture=architecture,
        bytecode=parts.bytecode.version,
        packages={wheel.name: wheel.version for wheel in parts.wheels},
        modules=sorted(parts.needs.modules),
    )
    listed = f"{json.dumps(asdict(contents), indent=2)}\n".encode()
    files[CONTENTS] = listed
    unzipped = sum(map(len, files.values()))
    if unzipped > UNZIPPED_MOST:
        fault = f"{function}: {unzipped} bytes, of which Lambda takes {UNZIPPED_MOST}"
        raise TooLargeError(fault)
    path = place.out / architecture / f"{function}.zip"
    write_zip(files, path)
    path.with_suffix(".json").write_bytes(listed)
    return built_before(path)


def built_before(path: Path) -> Built:
    """The zip at that path, looked at again. Raises OSError, ValueError where there is none."""
    zipped = path.read_bytes()
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            contents = Contents(**json.loads(archive.read(CONTENTS)))
    except (zipfile.BadZipFile, KeyError, TypeError) as exc:
        fault = f"{path} is no package"
        raise ValueError(fault) from exc
    return Built(
        contents=contents,
        path=path,
        files=len(entries),
        zipped=len(zipped),
        unzipped=sum(entry.file_size for entry in entries),
        sha256=base64.b64encode(hashlib.sha256(zipped).digest()).decode(),
    )
