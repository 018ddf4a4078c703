"""What was built last is taken again only where nothing has changed, neither before nor after."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from infra.bundle.archive import write_zip
from infra.bundle.building import CONTENTS, Built, Contents, Place, built_before
from infra.bundle.functions import FUNCTIONS
from infra.bundle.kept import inputs, keep, kept
from infra.bundle.wheels import STAMP, Wheel, fetched

ARCHITECTURE = "arm64"
PYTHON = (3, 13, 0)
WHEEL = "door-1.0-py3-none-any.whl"


def a_project(folder: Path) -> Place:
    names = ("service/a.py", "infra/bundle/b.py", "requirements/runtime.txt", f".wheels/{WHEEL}")
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}\n", "ascii")
    return Place(project=folder, out=folder / "dist", wheels=folder / ".wheels")


def wheels(folder: Path) -> list[Wheel]:
    return [Wheel(path) for path in (folder / ".wheels").iterdir()]


def a_zip(place: Place, function: str) -> Built:
    contents = Contents(
        function=function,
        handler=f"{function}.handler",
        runtime="python3.13",
        architecture=ARCHITECTURE,
        bytecode=None,
        packages={"boto3": "1"},
        modules=["service.a"],
    )
    path = place.out / ARCHITECTURE / f"{function}.zip"
    write_zip({CONTENTS: json.dumps(asdict(contents)).encode(), "a.py": b"1"}, path)
    return built_before(path)


def build(place: Place) -> list[Built]:
    made = [a_zip(place, each) for each in FUNCTIONS]
    keep(place, ARCHITECTURE, inputs(place.project, PYTHON, wheels(place.project)), made)
    return made


def test_what_was_built_from_the_same_is_taken_again(tmp_path: Path) -> None:
    place = a_project(tmp_path)
    made = build(place)

    assert kept(place, ARCHITECTURE, inputs(tmp_path, PYTHON, wheels(tmp_path))) == made
    assert (made[0].files, made[0].contents.packages) == (2, {"boto3": "1"})


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "service/a.py").write_text("# b\n", "ascii"),
        lambda folder: (folder / "service/c.py").write_text("", "ascii"),
        lambda folder: (folder / "infra/bundle/b.py").write_text("# b\n", "ascii"),
        lambda folder: (folder / "requirements/runtime.txt").write_text("", "ascii"),
        lambda folder: (folder / ".wheels" / WHEEL).write_bytes(b"another build of it"),
        lambda folder: (folder / "dist/arm64/api.zip").unlink(),
        lambda folder: (folder / "dist/arm64/api.zip").write_bytes(b"no zip"),
        lambda folder: write_zip({"a.py": b"1"}, folder / "dist/arm64/api.zip"),
    ],
    ids=["source", "another source", "builder", "lock", "wheel", "no zip", "broken", "not ours"],
)
def test_what_has_changed_is_built_anew(tmp_path: Path, change: Callable[[Path], object]) -> None:
    place = a_project(tmp_path)
    build(place)
    change(tmp_path)

    assert kept(place, ARCHITECTURE, inputs(tmp_path, PYTHON, wheels(tmp_path))) is None


def test_another_zip_of_the_same_name_is_built_anew(tmp_path: Path) -> None:
    place = a_project(tmp_path)
    [first, *_] = build(place)
    write_zip({CONTENTS: json.dumps(asdict(first.contents)).encode(), "a.py": b"2"}, first.path)

    assert kept(place, ARCHITECTURE, inputs(tmp_path, PYTHON, wheels(tmp_path))) is None


def test_another_python_builds_anew(tmp_path: Path) -> None:
    place = a_project(tmp_path)
    build(place)

    assert kept(place, ARCHITECTURE, inputs(tmp_path, (3, 13, 1), wheels(tmp_path))) is None
    assert kept(place, "x86_64", inputs(tmp_path, PYTHON, wheels(tmp_path))) is None


def test_another_zlib_builds_anew(tmp_path: Path) -> None:
    place = a_project(tmp_path)
    build(place)

    other = inputs(tmp_path, PYTHON, wheels(tmp_path), zlib_version="1.3.1.zlib-ng")
    assert kept(place, ARCHITECTURE, other) is None


def test_a_wheel_that_the_lock_does_not_name_is_never_used(tmp_path: Path) -> None:
    """There is no such project, so what pip looks for instead it does not find."""
    lock, wheel = tmp_path / "runtime.txt", tmp_path / ARCHITECTURE / WHEEL
    wheel.parent.mkdir()
    wheel.write_bytes(b"as it was downloaded")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock.write_text(f"door @ file:///nowhere/door-1.0.tar.gz --hash=sha256:{digest}\n", "ascii")
    (wheel.parent / STAMP).write_text(hashlib.sha256(lock.read_bytes()).hexdigest(), "ascii")
    assert [*fetched(lock, ARCHITECTURE, wheel.parent)] == ["door"]

    wheel.write_bytes(b"as somebody changed it")
    with pytest.raises(subprocess.CalledProcessError):
        fetched(lock, ARCHITECTURE, wheel.parent)
    assert not wheel.exists()
