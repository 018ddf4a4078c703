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
    """Count from `def` to the last line, but for the docstring and for functions inside."""
    inside = [node for node in function.body if isinstance(node, Function)]
    documented = ast.get_docstring(function, clean=False) is not None
    docstring = function.body[:1] if documented else []
    return _span(function) - sum(_span(node) for node in [*docstring, *inside])


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
