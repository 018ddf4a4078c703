"""Lets coverage trace what tests run, and nothing of what runs tests.

`pytest --cov -p tests.traced_calls`. While a trace function is set, Python 3.11 goes slowly through
everything, measured or not. So it is set while a test, a fixture of ours or the import of a
measured module runs, and neither while pytest collects nor on its way from one test to the next.
"""

import functools
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any, Final

import pytest

MEASURED: Final = "service"


class Tracing:
    """Coverage's trace function, put aside until it is wanted; does nothing where there is none."""

    def __init__(self) -> None:
        self._aside: Any = None

    def put_aside(self) -> None:
        """Trace nothing from here on but what is wanted."""
        self._aside = sys.gettrace()
        sys.settrace(None)

    @contextmanager
    def wanted(self) -> Iterator[None]:
        """Trace what runs here."""
        if self._aside is None:
            yield
            return
        before = sys.gettrace()
        sys.settrace(self._aside)
        try:
            yield
        finally:
            sys.settrace(before)

    def enough(self) -> None:
        """Do not trace the rest of what was wanted."""
        if self._aside is not None:
            sys.settrace(None)


TRACING: Final = Tracing()


class _TracedLoader(SourceFileLoader):
    """Most lines of a module run once, when it is imported."""

    def exec_module(self, module: ModuleType) -> None:
        with TRACING.wanted():
            super().exec_module(module)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != MEASURED:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.origin and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _TracedLoader(fullname, spec.origin)
        return spec


def pytest_sessionstart() -> None:
    """Coverage has been started."""
    sys.meta_path.insert(0, _Finder())
    TRACING.put_aside()


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Where a test begins and ends; of a property test, where each of its examples does."""
    property_test = getattr(pyfuncitem.obj, "hypothesis", None)
    if property_test is None:
        with TRACING.wanted():
            return (yield)
    plain = property_test.inner_test
    property_test.inner_test = _traced(plain)
    try:
        return (yield)
    finally:
        property_test.inner_test = plain


def _traced(example: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(example)
    def traced(*arguments: object, **named: object) -> object:
        with TRACING.wanted():
            return example(*arguments, **named)

    return traced


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
    """Tests say what they need as fixtures too; those of plugins have nothing to do with us."""
    if not fixturedef.baseid:  # of a plugin
        return (yield)
    with TRACING.wanted():
        return (yield)
