"""What is put into a function's zip is what it needs, and the zip depends on nothing else."""

import re
import stat
import zipfile
from pathlib import Path

import pytest

from infra.bundle.archive import write_zip
from infra.bundle.functions import (
    AWS_SERVICES,
    BY_NAME,
    FUNCTIONS,
    HTTP_FUNCTION,
    Needs,
    UnwantedError,
    all_needs,
    check,
    handler_of,
)
from infra.bundle.interpreter import VARIABLE, find, version_of
from infra.bundle.wheels import MissingWheelError, Wheel, check_machine, chosen, is_shipped
from tests.architecture.tree import SERVICE

CLIENT = re.compile(r'\.client\(\s*"([a-z-]+)"')
LOADED = re.compile(r'import_module\("(\w+)"\)')


def found(pattern: re.Pattern[str], folder: Path) -> set[str]:
    texts = [file.read_text(encoding="utf-8") for file in folder.rglob("*.py")]
    return {name for text in texts for name in pattern.findall(text)}


def test_each_function_has_what_its_door_imports_and_no_more() -> None:
    needs = all_needs()

    assert set(needs) == set(FUNCTIONS)
    for function, each in needs.items():
        assert handler_of(function) == f"service.entrypoints.{function}.handler"
        doors = {name for name in each.modules if name.startswith("service.entrypoints.")}
        others = {f"service.entrypoints.{other}" for other in FUNCTIONS if other != function}
        assert f"service.entrypoints.{function}" in doors
        assert doors.isdisjoint(others)
        assert {"service", "service.domain.session", "service.adapters.dynamodb"} <= each.modules
        assert {"botocore", "uvloop", "websockets"} <= each.packages
        # A cover of botocore that loads what S3 alone needs.
        assert "boto3" not in each.packages
        assert ("fastapi" in each.packages) is (function == HTTP_FUNCTION)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        ("courier", "fastapi"),
        ("sweeper", "service.api.app"),
        ("api", "service.simulator"),
        ("api", "service.console.routes"),
        ("listener", "tests.support"),
    ],
)
def test_what_does_not_belong_into_a_function_is_refused(function: str, name: str) -> None:
    ours = {name} if name.startswith("service") else set[str]()
    needs = Needs(modules=frozenset(ours), packages=frozenset({name} - ours))

    with pytest.raises(UnwantedError, match=f"{function} would ship {name}"):
        check(function, needs)


def test_what_no_import_statement_tells_of_is_named() -> None:
    assert found(CLIENT, SERVICE / "adapters") == set(AWS_SERVICES)
    assert found(LOADED, SERVICE) == set(BY_NAME)


@pytest.mark.parametrize(
    ("name", "shipped"),
    [
        ("boto3/session.py", True),
        ("boto3/data/ec2/2014-10-01/resources-1.json", False),
        ("botocore/data/endpoints.json", True),
        ("botocore/data/sqs/2012-11-05/service-2.json.gz", True),
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", False),
        ("uvloop/loop.cpython-313-aarch64-linux-gnu.so", True),
        ("uvloop/loop.pyx", False),
        ("uvloop/includes/", False),
        ("pydantic_core/core_schema.pyi", False),
        ("pydantic-2.14.3.dist-info/METADATA", True),
        ("pydantic-2.14.3.dist-info/licenses/LICENSE", True),
        ("pydantic-2.14.3.dist-info/RECORD", False),
        ("cryptography-50.0.2.dist-info/sboms/rust.cyclonedx.json", False),
        ("fastapi-0.165.0.data/scripts/fastapi", False),
    ],
)
def test_what_is_of_use_in_a_function(name: str, *, shipped: bool) -> None:
    assert is_shipped(name) is shipped


def a_wheel(folder: Path, name: str, *requires: str, **files: bytes) -> Wheel:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    metadata = "".join(f"Requires-Dist: {each}\n" for each in requires)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Name: {name}\n{metadata}")
        for each, content in files.items():
            archive.writestr(f"{each}.py", content)
    return Wheel(path)


def test_a_package_brings_what_it_requires_there(tmp_path: Path) -> None:
    made = [
        a_wheel(
            tmp_path,
            "door",
            "inner>=1",
            'arm_only; platform_machine == "aarch64"',
            'old; python_version < "3.13"',
            'extra; extra == "all"',
            door=b"",
        ),
        a_wheel(tmp_path, "inner", "door", other_name=b""),
        a_wheel(tmp_path, "arm_only", arm=b""),
        a_wheel(tmp_path, "old", old=b""),
    ]
    wheels = {wheel.name: wheel for wheel in made}

    assert [each.name for each in chosen(wheels, {"door"}, "x86_64")] == ["door", "inner"]
    assert [each.name for each in chosen(wheels, {"other_name"}, "aarch64")] == [
        "arm-only",
        "door",
        "inner",
    ]
    with pytest.raises(MissingWheelError, match="nowhere is needed"):
        chosen(wheels, {"nowhere"}, "x86_64")


def test_what_is_compiled_for_another_machine_is_refused() -> None:
    header = b"\x7fELF" + b"\0" * 14
    check_machine({"a.so": header + b"\x3e\0", "b.py": b"import a"}, "x86_64")

    with pytest.raises(MissingWheelError, match=r"a\.so is not compiled for aarch64"):
        check_machine({"a.so": header + b"\x3e\0"}, "aarch64")


def test_a_zip_depends_on_nothing_but_what_is_in_it(tmp_path: Path) -> None:
    files = {"b.py": b"b = 1\n", "a/__init__.py": b"", "a/c.json": b"{}" * 1000}
    write_zip(files, tmp_path / "one.zip")
    write_zip(dict(reversed(files.items())), tmp_path / "folder" / "two.zip")
    write_zip({**files, "b.py": b"b = 2\n"}, tmp_path / "other.zip")

    one, two, other = [
        (tmp_path / name).read_bytes() for name in ("one.zip", "folder/two.zip", "other.zip")
    ]
    assert one == two != other
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        modes = {stat.filemode(entry.external_attr >> 16) for entry in archive.infolist()}
        assert {name: archive.read(name) for name in archive.namelist()} == files
    assert modes == {"-rw-r--r--"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "one.zip", "other.zip"]


def test_an_interpreter_is_one_that_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim, real = tmp_path / "shim", tmp_path / "real"
    shim.write_text("#!/bin/sh\necho 'python3.13: command not found' >&2\nexit 127\n")
    real.write_text("#!/bin/sh\necho 3.13.9\n")
    for each in (shim, real):
        each.chmod(0o755)
    told = {}
    for each in (shim, real, tmp_path / "nothing"):
        monkeypatch.setenv(VARIABLE, str(each))
        told[each.name] = find()

    assert told == {"shim": None, "real": str(real), "nothing": None}
    assert version_of(str(real)) == (3, 13, 9)
