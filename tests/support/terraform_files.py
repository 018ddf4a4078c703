"""The Terraform of this project as plain data, read without Terraform.

python-hcl2 leaves quotes around text and writes an expression as `${…}`; here text is text, and an
expression stays what it was.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import hcl2

MODULES: Final = Path(__file__).parents[2] / "infra" / "modules"
FUNCTIONS: Final = ("api", "listener", "courier", "sweeper")

Block: TypeAlias = Mapping[str, Any]


class Files:
    """All files of one folder, as one."""

    def __init__(self, folder: Path) -> None:
        self._files = [_read(file) for file in sorted(folder.glob("*.tf"))]

    def resource(self, kind: str, name: str = "this") -> Block:
        """One resource."""
        return self._named("resource", kind)[name]  # type: ignore[no-any-return]  # a block

    def module(self, name: str) -> Block:
        """One call of another module."""
        return self._named("module", name)

    @property
    def variables(self) -> Mapping[str, Block]:
        """What it may be told, by name."""
        return {
            name: each
            for file in self._files
            for block in file.get("variable", ())
            for name, each in block.items()
        }

    @property
    def locals(self) -> Block:
        """What stands in `locals`, of all files."""
        return {
            name: value
            for file in self._files
            for block in file.get("locals", ())
            for name, value in block.items()
        }

    def variables_of(self, environment: str) -> set[str]:
        """The environment variables that a `merge(local.…)` or a local of maps brings together."""
        parts = re.findall(r"local[.](\w+)", environment)
        spelled = environment + "".join(str(self.locals[part]) for part in parts)
        return set(re.findall(r"BROKER_[A-Z_]+", spelled))

    def _named(self, kind: str, name: str) -> Block:
        found: dict[str, Any] = {}
        for file in self._files:
            for block in file.get(kind, ()):
                found |= block.get(name, {})
        return found


class Module(Files):
    """One of the modules."""

    def __init__(self, name: str) -> None:
        super().__init__(MODULES / name)


@cache  # All files of a module take half a second.
def _read(file: Path) -> Block:
    with file.open(encoding="utf-8") as text:
        read: Block = _plain(hcl2.load(text))
    return read


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever the file holds
    match value:
        case dict():
            return {
                _text(name): _plain(inner)
                for name, inner in value.items()
                if name not in {"__is_block__", "__comments__", "__inline_comments__"}
            }
        case list():
            return [_plain(inner) for inner in value]
        case str():
            return _text(value)
        case _:
            return value


def _text(given: str) -> str:
    quoted = re.fullmatch(r'"(.*)"', given, re.DOTALL)
    return given if quoted is None else quoted.group(1).replace('\\"', '"')
