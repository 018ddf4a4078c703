"""A package's file spares the compiling of methods, and never changes what a class is."""

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.bundle.methods import code_of, compiled_methods, texts_while
from service.entrypoints._function.methods import FILE, use_compiled

ROOT = Path(__file__).parents[4]
DOOR = """
from dataclasses import dataclass

@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Packaged:
    name: str
    size: int = 3
"""
STARTING = """
import sys
from pathlib import Path
from service.entrypoints._function.methods import use_compiled

compiled = []
def note(event, given):
    if event == "compile" and b"__create_fn__" in (given[0] or b""):
        compiled.append(given)

print(use_compiled(Path(sys.argv[1])))
sys.addaudithook(note)
import door
print(len(compiled))
print(door.Packaged(name="a"), door.Packaged(name="a") == door.Packaged(name="a", size=3))
"""


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    vars(dataclasses).pop("exec", None)


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    (tmp_path / "door.py").write_text(DOOR, "ascii")
    (tmp_path / FILE).write_bytes(compiled_methods(["door"], sys.executable, tmp_path))
    return tmp_path


def start(folder: Path) -> tuple[int, int, str]:
    """In a process of its own: texts in the file, texts compiled all the same, what was made."""
    told = subprocess.run(
        [sys.executable, "-c", STARTING, str(folder)],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{folder}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return int(told[0]), int(told[1]), told[2]


def test_a_packaged_class_is_made_without_compiling(packaged: Path) -> None:
    texts, compiled, made = start(packaged)

    assert texts > 0
    assert (compiled, made) == (0, "Packaged(name='a', size=3) True")


def test_without_the_file_all_is_as_ever(packaged: Path) -> None:
    (packaged / FILE).unlink()

    texts, compiled, made = start(packaged)

    assert texts == 0
    assert compiled > 0
    assert made == "Packaged(name='a', size=3) True"


def test_what_changed_since_is_compiled(packaged: Path) -> None:
    (packaged / "door.py").write_text(DOOR.replace("= 3", "= 4"), "ascii")
    other_default = start(packaged)
    (packaged / "door.py").write_text(
        DOOR.replace("    size", "    more: int = 0\n    size"), "ascii"
    )
    other_field = start(packaged)

    # A default is passed to what is compiled, and no part of it.
    assert other_default[1:] == (0, "Packaged(name='a', size=4) False")
    assert other_field[1] > 0
    assert other_field[2] == "Packaged(name='a', more=0, size=3) True"


def test_bytecode_of_another_python_is_not_looked_at(packaged: Path) -> None:
    (packaged / FILE).write_bytes(b"\0" + (packaged / FILE).read_bytes()[1:])

    assert use_compiled(packaged) == 0
    assert "exec" not in vars(dataclasses)


def test_a_class_is_the_same_either_way(tmp_path: Path) -> None:
    def make() -> type:
        @dataclass(frozen=True, slots=True)
        class Made:
            token: str = field(repr=False)
            words: list[str] = field(default_factory=list, hash=False)

        return Made

    plain = make()
    (tmp_path / FILE).write_bytes(code_of(texts_while(make)))
    assert use_compiled(tmp_path) > 0
    packaged = make()

    for name in ("__init__", "__eq__", "__repr__", "__hash__", "__setattr__", "__delattr__"):
        one, other = (getattr(each, name).__code__ for each in (plain, packaged))
        assert (one, one.co_filename, [*one.co_lines()]) == (
            other,
            other.co_filename,
            [*other.co_lines()],
        )


def test_the_file_is_the_same_each_time(packaged: Path) -> None:
    again = compiled_methods(["door"], sys.executable, packaged)

    assert again == (packaged / FILE).read_bytes()


def test_a_door_that_cannot_be_imported_is_told(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        compiled_methods(["door"], sys.executable, tmp_path)
