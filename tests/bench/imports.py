"""How long a function takes to be there, and how large it is, beside a bare FastAPI application.

Out of its zip on Python 3.13, as Lambda runs it; cold starts under AWS's own runtime client and
emulator. The bare application has FastAPI, Mangum and boto3, one route, and the two clients that
ours has; its package is what pip installs. For times it gets bytecode as ours has it.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from infra.bundle.archive import compiled, write_zip
from infra.bundle.functions import FUNCTIONS, HTTP_FUNCTION
from infra.bundle.interpreter import VARIABLE, find
from infra.bundle.wheels import MACHINES, chosen, fetched
from service.adapters.cipher import file_key
from tests.bench.report import Line, table
from tests.support.emulator import ARCHITECTURE, ROOT, VENV, emulated, unpacked, zip_of
from tests.support.gateway_event import a_request
from tests.support.stand_in import ministack

IMPORTS: Final = 9
COLD_STARTS: Final = 5
WARM_CALLS: Final = 100
MIB: Final = 1024 * 1024
BARE: Final = "bare"
BARE_PACKAGES: Final = ("boto3", "fastapi", "mangum")
BARE_APP: Final = b"""
import boto3
from fastapi import FastAPI
from mangum import Mangum

table = boto3.client("dynamodb")
queue = boto3.client("sqs")
app = FastAPI()

@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}

handler = Mangum(app, lifespan="off")
"""
IMPORT: Final = (
    "import time, sys; begun = time.process_time(); __import__(sys.argv[1]); "
    "print(time.process_time() - begun)"
)
"""Processor time: an import waits for nothing, and the clock on the wall tells of others' work."""

show = table


@dataclass(frozen=True, kw_only=True)
class Package:
    """One function: where it is unpacked, what is imported, how large it is."""

    code: Path
    module: str
    zipped: int
    unzipped: int
    variables: Mapping[str, str] = field(default_factory=dict)


async def run() -> Sequence[Line]:
    """Every line. Takes a minute or two."""
    return await asyncio.to_thread(_measure)


def _measure() -> Sequence[Line]:
    python = find()
    if python is None:
        sys.exit(f"NOT MEASURED: there is no Python 3.13 here; {VARIABLE} may name one")
    subprocess.run(["make", "--no-print-directory", f"{VENV.name}/.ready"], cwd=ROOT, check=True)
    subprocess.run([sys.executable, "-m", "infra.bundle", ARCHITECTURE], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as name, ministack() as aws:
        folder = Path(name)
        file_key(folder / "data" / "encryption.key")
        bare = _bare(folder, python)
        ours = {each: _ours(each, folder, aws) for each in FUNCTIONS}
        return [
            *_import_lines(ours, bare),
            *_size_lines(ours, bare),
            *_start_lines(ours[HTTP_FUNCTION], bare, folder),
        ]


def _ours(function: str, folder: Path, aws: str) -> Package:
    code = unpacked(function, folder)
    given = {"TABLE": "bench", "QUEUE_PREFIX": "bench", "SHARDS": "1"}
    given |= {"DATA_DIR": str(folder / "data")}
    return Package(
        code=code,
        module=f"service.entrypoints.{function}",
        zipped=zip_of(function).stat().st_size,
        unzipped=_size(code),
        variables={"AWS_ENDPOINT_URL": aws, **{f"BROKER_{n}": v for n, v in given.items()}},
    )


def _bare(folder: Path, python: str) -> Package:
    wheels = fetched(
        ROOT / "requirements" / "runtime.txt", ARCHITECTURE, ROOT / ".wheels" / ARCHITECTURE
    )
    files = {"app.py": BARE_APP}
    for wheel in chosen(wheels, BARE_PACKAGES, MACHINES[ARCHITECTURE]):
        with zipfile.ZipFile(wheel.path) as archive:
            names = [each for each in archive.namelist() if not each.endswith("/")]
            files |= {each: archive.read(each) for each in names}
    write_zip(files, folder / f"{BARE}.zip")
    # Leaves the sources there, and puts bytecode beside them.
    compiled(files, python, folder / BARE)
    return Package(
        code=folder / BARE,
        module="app",
        zipped=(folder / f"{BARE}.zip").stat().st_size,
        unzipped=sum(map(len, files.values())),
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _import_lines(ours: Mapping[str, Package], bare: Package) -> list[Line]:
    packages = {**ours, BARE: bare}
    took: dict[str, list[float]] = {name: [] for name in packages}
    # In turns, so that whatever else the machine does hits all alike; the first one warms the disk.
    for at in range(IMPORTS + 1):
        for name, package in packages.items():
            seconds = _import_seconds(package)
            if at:
                took[name].append(seconds)
    median = {name: 1000 * statistics.median(each) for name, each in took.items()}
    return [
        Line(what=f"import {name}", unit="ms", ours=median[name], bare=median[BARE])
        for name in ours
    ]


def _import_seconds(package: Package) -> float:
    told = subprocess.run(
        [str(VENV / "bin" / "python"), "-c", IMPORT, package.module],
        cwd=package.code,
        env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "eu-central-1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return float(told)


def _size_lines(ours: Mapping[str, Package], bare: Package) -> list[Line]:
    zipped = [
        Line(what=f"zip of {n}", unit="MiB", ours=each.zipped / MIB, bare=bare.zipped / MIB)
        for n, each in ours.items()
    ]
    unzipped = [
        Line(what=f"unzipped {n}", unit="MiB", ours=each.unzipped / MIB, bare=bare.unzipped / MIB)
        for n, each in ours.items()
    ]
    return [*zipped, *unzipped]


@dataclass(frozen=True, slots=True)
class Start:
    """One environment's life, in milliseconds."""

    init: float
    first: float
    warm: float


def _start_lines(ours: Package, bare: Package, folder: Path) -> list[Line]:
    starts = [(_start(ours, folder), _start(bare, folder)) for _ in range(COLD_STARTS)]

    def line(what: str, name: str) -> Line:
        mine, theirs = ([getattr(each[at], name) for each in starts] for at in (0, 1))
        median = statistics.median
        return Line(what=what, unit="ms", ours=median(mine), bare=median(theirs))

    return [
        line("api: Lambda's init phase", "init"),
        line("api: first answer after it, clients opened", "first"),
        line("api: warm answer", "warm"),
    ]


def _took(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - begun)


def _start(package: Package, folder: Path) -> Start:
    asked = a_request("GET", "/healthz")
    with emulated(
        code=package.code,
        handler=f"{package.module}.handler",
        folder=folder,
        timeout=29,
        variables=package.variables,
    ) as emulator:
        first = _took(lambda: emulator.invoke(asked))
        warm = [_took(lambda: emulator.invoke(asked)) for _ in range(WARM_CALLS)]
        [init] = emulator.inits()
    return Start(init, first - init, statistics.median(warm))
