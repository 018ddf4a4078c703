"""Which names of the Guest API's wire a test tells a story of, so that one without any is found."""

from collections.abc import Callable
from typing import TypeVar

_Test = TypeVar("_Test", bound=Callable[..., object])


def tells(*names: str) -> Callable[[_Test], _Test]:
    """Say that the test drives these actions, classes, events or content types to an outcome.

    Changes nothing: an architecture test reads the decorators and compares them with the codec.
    """
    if not names or not all(names):
        message = "names at least one action, class, event or content type"
        raise ValueError(message)
    return lambda test: test
