"""The wheels of the hashed lock for another platform, and which of them a function needs."""

import email.parser
import hashlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from infra.bundle.functions import AWS_SERVICES

PYTHON: Final = "3.13"
MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
"""By Lambda's name of the architecture."""
PLATFORMS: Final = ("manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_34")
"""Lambda's python3.13 runs on Amazon Linux 2023, which has glibc 2.34."""
STAMP: Final = "lock.sha256"
LOCKED: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})\b")

SOURCES: Final = {".c", ".h", ".pxd", ".pxi", ".pyi", ".pyx"}
"""What only a compiler or a type checker reads."""
NOT_SHIPPED: Final = ("boto3/data", "boto3/examples", "uvloop/_testbase.py")
BOTOCORE_DATA: Final = PurePosixPath("botocore/data")


ELF: Final = b"\x7fELF"
ELF_MACHINES: Final = {"x86_64": 0x3E, "aarch64": 0xB7}
"""`e_machine` of the ELF header, in its bytes 18 and 19 (System V ABI)."""


class MissingWheelError(Exception):
    """The lock does not hold what a function needs, or not for that machine."""


@dataclass(frozen=True)
class Wheel:
    """One wheel in a folder."""

    path: Path

    @cached_property
    def name(self) -> str:
        """The distribution's, in its canonical form."""
        return str(parse_wheel_filename(self.path.name)[0])

    @cached_property
    def version(self) -> str:
        """As the lock pins it."""
        return str(parse_wheel_filename(self.path.name)[1])

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """What of it is shipped, by path."""
        with zipfile.ZipFile(self.path) as wheel:
            names = [name for name in wheel.namelist() if is_shipped(name)]
            return {name: wheel.read(name) for name in names}

    @property
    def imports(self) -> set[str]:
        """The top-level names that it can be imported by."""
        tops = {name.split("/")[0].split(".")[0] for name in self.files}
        # `six-1.17.0.dist-info` is none.
        return {top for top in tops if top.isidentifier()}

    def requires(self, machine: str) -> set[str]:
        """The distributions that it needs there, without extras."""
        with zipfile.ZipFile(self.path) as wheel:
            [metadata] = [n for n in wheel.namelist() if n.endswith(".dist-info/METADATA")]
            told = email.parser.BytesParser().parsebytes(wheel.read(metadata))
        there = {
            "extra": "",
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{PYTHON}.0",
            "python_version": PYTHON,
            "sys_platform": "linux",
        }
        wanted = [Requirement(line) for line in told.get_all("Requires-Dist") or []]
        return {
            canonicalize_name(each.name)
            for each in wanted
            if each.marker is None or each.marker.evaluate(there)
        }


def is_shipped(name: str) -> bool:
    """Whether a file of a wheel is of any use in a function. Licences are always shipped."""
    path = PurePosixPath(name)
    if name.endswith("/") or path.suffix in SOURCES or name.startswith(NOT_SHIPPED):
        return False
    if path.parts[0].endswith(".data") or path.name in {"RECORD", "WHEEL", "INSTALLER"}:
        return False
    if "sboms" in path.parts or "__pycache__" in path.parts:
        return False
    return _is_needed_by_botocore(path)


def _is_needed_by_botocore(path: PurePosixPath) -> bool:
    if not path.is_relative_to(BOTOCORE_DATA):
        return True
    place = path.relative_to(BOTOCORE_DATA).parts
    return len(place) == 1 or place[0] in AWS_SERVICES


def check_machine(files: Mapping[str, bytes], machine: str) -> None:
    """Raises MissingWheelError where a compiled file is that of another machine."""
    for name, content in files.items():
        if (
            content.startswith(ELF)
            and int.from_bytes(content[18:20], "little") != (ELF_MACHINES[machine])
        ):
            fault = f"{name} is not compiled for {machine}"
            raise MissingWheelError(fault)


def fetched(lock: Path, architecture: str, folder: Path) -> dict[str, Wheel]:
    """The lock's wheels for that architecture, by name.

    Downloaded when the lock has changed, and when a wheel is none that the lock names: pip looks at
    hashes only as it downloads. Raises subprocess.CalledProcessError where pip finds no such wheel.
    """
    digest = sha256_of(lock)
    stamp = folder / STAMP
    same_lock = stamp.exists() and stamp.read_text(encoding="ascii") == digest
    if not same_lock or not _are_locked(folder, lock):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        subprocess.run(_download(lock, MACHINES[architecture], folder), check=True)  # noqa: S603 - ours
        stamp.write_text(digest, encoding="ascii")
    wheels = [Wheel(path) for path in sorted(folder.glob("*.whl"))]
    return {wheel.name: wheel for wheel in wheels}


def sha256_of(path: Path) -> str:
    """In hexadecimal, as the lock spells it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _are_locked(folder: Path, lock: Path) -> bool:
    named = set(LOCKED.findall(lock.read_text(encoding="utf-8")))
    return all(sha256_of(wheel) in named for wheel in folder.glob("*.whl"))


def _download(lock: Path, machine: str, folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--quiet", "--no-deps"),
        *("--require-hashes", "--requirement", str(lock), "--dest", str(folder)),
        *("--only-binary", ":all:", "--implementation", "cp", "--python-version", PYTHON),
        *("--abi", f"cp{PYTHON.replace('.', '')}", "--abi", "abi3", "--abi", "none"),
        *(part for each in PLATFORMS for part in ("--platform", f"{each}_{machine}")),
    ]


def chosen(wheels: Mapping[str, Wheel], packages: Iterable[str], machine: str) -> list[Wheel]:
    """Those that offer these packages, and all that they need. Raises MissingWheelError."""
    offers = {name: wheel.name for wheel in wheels.values() for name in wheel.imports}
    waiting, found = [offers.get(package, package) for package in packages], dict[str, Wheel]()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in wheels:
            fault = f"{name} is needed, and the lock has no wheel of it"
            raise MissingWheelError(fault)
        found[name] = wheels[name]
        waiting += wheels[name].requires(machine)
    return [found[name] for name in sorted(found)]
