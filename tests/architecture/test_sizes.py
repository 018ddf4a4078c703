"""Nothing in service grows past what fits on a page or two."""

import ast
from typing import Final

from tests.architecture.tree import SERVICE, Function, functions, shown

LINES_OF_A_FILE: Final = 350
LINES_OF_A_FUNCTION: Final = 40


def test_no_file_is_too_long() -> None:
    too_long = {
        shown(file): count
        for file in sorted(SERVICE.rglob("*.py"))
        if (count := len(file.read_text(encoding="utf-8").splitlines())) > LINES_OF_A_FILE
    }

    assert too_long == {}


def test_no_function_is_too_long() -> None:
    too_long = {
        f"{shown(file)}:{function.lineno} {function.name}": count
        for file in sorted(SERVICE.rglob("*.py"))
        for function in functions(file)
        if (count := _lines(function)) > LINES_OF_A_FUNCTION
    }

    assert too_long == {}


def _lines(function: Function) -> int:
    """Count from `def` to the last line, functions inside too, but for all docstrings."""
    every = [node for node in ast.walk(function) if isinstance(node, Function)]
    documented = [node for node in every if ast.get_docstring(node, clean=False) is not None]
    return _span(function) - sum(_span(node.body[0]) for node in documented)


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
