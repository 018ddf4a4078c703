"""A port that fails on order: each call named takes its next error, then goes through."""

from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class _Losing:
    def __init__(self, inner: object, errors: dict[str, list[Exception]]) -> None:
        self._inner = inner
        self._errors = errors

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method of any port
        method = getattr(self._inner, name)
        errors = self._errors.get(name)
        if errors is None:
            return method

        async def failing(*arguments: object, **named: object) -> object:
            if errors:
                raise errors.pop(0)
            return await method(*arguments, **named)

        return failing


def losing(port: T, **errors: Sequence[Exception]) -> T:
    """The port with those errors before it."""
    wrapped: Any = _Losing(port, {name: list(some) for name, some in errors.items()})
    stand_in: T = wrapped
    return stand_in
