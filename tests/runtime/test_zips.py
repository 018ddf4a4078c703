"""What the zips of this machine hold."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.bundle.building import CONTENTS
from infra.bundle.functions import FUNCTIONS, HTTP_FUNCTION
from tests.support.emulator import ARCHITECTURE, ROOT, VENV, unpacked, zip_of


def digests(folder: Path) -> dict[str, str]:
    return {
        each: hashlib.sha256((folder / f"{each}.zip").read_bytes()).hexdigest()
        for each in FUNCTIONS
    }


@pytest.mark.timeout(300)
def test_they_come_out_the_same_again(tmp_path: Path) -> None:
    first = digests(zip_of("api").parent)
    subprocess.run(
        [sys.executable, "-m", "infra.bundle", ARCHITECTURE, "--out", str(tmp_path)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )

    assert digests(tmp_path / ARCHITECTURE) == first


@pytest.mark.parametrize("function", FUNCTIONS)
def test_they_list_what_they_hold_and_hold_nothing_else(function: str) -> None:
    with zipfile.ZipFile(zip_of(function)) as archive:
        names = archive.namelist()
        contents = json.loads(archive.read(CONTENTS))
        moments = {entry.date_time for entry in archive.infolist()}

    ours = {
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in names
        if name.startswith("service/") and name.endswith(".py")
    }
    assert names == sorted(names)
    assert moments == {(1980, 1, 1, 0, 0, 0)}
    assert ours == set(contents["modules"])
    assert contents["handler"] == f"service.entrypoints.{function}.handler"
    assert ("fastapi" in contents["packages"]) is (function == HTTP_FUNCTION)
    assert not any(
        name.startswith(("tests/", "service/console", "service/simulator")) for name in names
    )
    modules = [name for name in names if name.endswith(".py")]
    assert len([name for name in names if name.endswith(".pyc")]) == len(modules)


COMPILED = """
import importlib, sys

compiled = []
def note(event, given):
    if event == "compile" and b"__create_fn__" in (given[0] or b""):
        compiled.append(given[0])

sys.addaudithook(note)
importlib.import_module(sys.argv[1])
print(len(compiled))
"""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_start_compiles_the_methods_of_a_class(function: str, tmp_path: Path) -> None:
    started = subprocess.run(
        [str(VENV / "bin" / "python"), "-c", COMPILED, f"service.entrypoints.{function}"],
        cwd=unpacked(function, tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )

    assert started.stdout == "0\n"


def test_a_worker_has_no_http_framework_to_import(tmp_path: Path) -> None:
    code = unpacked("courier", tmp_path)
    tried = subprocess.run(
        [str(VENV / "bin" / "python"), "-c", "import service.entrypoints.courier, fastapi"],
        cwd=code,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "No module named 'fastapi'" in tried.stderr
