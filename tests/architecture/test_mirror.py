"""tests/unit has the shape of service, so that the test of a module is found without searching."""

import ast
from pathlib import Path
from typing import Final

from tests.architecture.tree import SERVICE, UNIT, functions, modules, shown

MIRRORED: Final = ("domain", "guest", "webhook", "usecases")
DEPTH_OF_A_MODULE: Final = 2  # domain/log.py; what is deeper was split out of one module

# Modules that are tested through another one, each with the reason. Keep this short.
WITHOUT_TEST_OF_ITS_OWN: Final[dict[str, str]] = {}

# Unit tests that are about more than one module, each with the reason. Keep this short.
WITHOUT_SOURCE: Final[dict[str, str]] = {}


def test_every_unit_test_has_its_source() -> None:
    orphans = [
        shown(test)
        for test in sorted(UNIT.rglob("test_*.py"))
        if shown(test) not in WITHOUT_SOURCE and not _source_exists(test)
    ]

    assert orphans == []


def test_every_module_of_the_core_has_its_unit_test() -> None:
    untested = [
        shown(module)
        for module in modules(*MIRRORED)
        if _decides_something(module)
        and shown(module) not in WITHOUT_TEST_OF_ITS_OWN
        and not _is_tested(module)
    ]

    assert untested == []


def test_exceptions_are_still_needed() -> None:
    """A name in a list of exceptions that is gone, or is tested by now, has to go from there."""
    root = SERVICE.parent
    needless = [
        name
        for name in WITHOUT_TEST_OF_ITS_OWN
        if not (root / name).exists() or _is_tested(root / name)
    ] + [
        name for name in WITHOUT_SOURCE if not (root / name).exists() or _source_exists(root / name)
    ]

    assert needless == []


def _source_exists(test: Path) -> bool:
    mirrored = SERVICE / test.relative_to(UNIT).parent / test.name.removeprefix("test_")
    return mirrored.exists() or (mirrored.with_suffix("") / "__init__.py").exists()


def _is_tested(module: Path) -> bool:
    """By the test of its name, or by that of the package it was split out of."""
    inside = module.relative_to(SERVICE)
    mirrored = UNIT / inside.parent
    of_its_package = (
        len(inside.parts) > DEPTH_OF_A_MODULE
        and mirrored.with_name(f"test_{mirrored.name}.py").exists()
    )
    return of_its_package or (mirrored / f"test_{inside.name}").exists()


def _decides_something(module: Path) -> bool:
    """Types and constants alone are proved by the type checker and by those who use them."""
    return any(
        statement
        for function in functions(module)
        for statement in function.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    )
