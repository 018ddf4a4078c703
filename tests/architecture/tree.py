"""The project's own files, as the tests of this folder see them."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

ROOT: Final = Path(__file__).parent.parent.parent
SERVICE: Final = ROOT / "service"
UNIT: Final = ROOT / "tests" / "unit"

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def modules(*folders: str) -> list[Path]:
    """Every module of `service`, or of these of its packages, but for `__init__`."""
    roots = [SERVICE / folder for folder in folders] or [SERVICE]
    found = (file for root in roots for file in root.rglob("*.py"))
    return sorted(file for file in found if file.name != "__init__.py")


def dotted(file: Path) -> str:
    """Name a source file as `import` does."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def shown(file: Path) -> str:
    """Name a file as git does."""
    return file.relative_to(ROOT).as_posix()


def tracked() -> list[Path] | None:
    """Every file git knows and the disk has; None where this is no checkout."""
    if not (ROOT / ".git").exists():
        return None
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def functions(file: Path) -> Iterator[Function]:
    """Every function and method of a source file, nested ones too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield node
