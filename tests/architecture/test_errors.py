"""Every error the broker can raise has an answer on the wire, and no answer is for nobody."""

from types import ModuleType

import pytest


@pytest.fixture(name="errors")
def _errors() -> ModuleType:
    module: ModuleType = pytest.importorskip("service.domain.errors", exc_type=ModuleNotFoundError)
    return module


@pytest.fixture(name="table")
def _table() -> dict[type[Exception], tuple[int, str]]:
    answers = pytest.importorskip("service.api.errors", exc_type=ModuleNotFoundError)
    return dict(answers.STATUS_BY_ERROR)


def test_every_error_has_a_status_and_a_code(
    errors: ModuleType, table: dict[type[Exception], tuple[int, str]]
) -> None:
    unanswered = _leaves(errors.BrokerError) - set(table)

    assert {kind.__name__ for kind in unanswered} == set()


def test_every_answer_is_an_http_error_with_a_code(
    table: dict[type[Exception], tuple[int, str]],
) -> None:
    odd = {
        kind.__name__: (status, code)
        for kind, (status, code) in table.items()
        if not (400 <= status <= 599 and code and code == code.lower())
    }

    assert odd == {}


def test_every_error_says_what_it_means_and_ends_in_error(errors: ModuleType) -> None:
    nameless = {
        kind.__name__
        for kind in _family(errors.BrokerError)
        if not kind.__name__.endswith("Error") or not kind.__doc__
    }

    assert nameless == set()


def test_the_tree_in_the_docstring_is_the_tree_in_the_code(errors: ModuleType) -> None:
    """Each class stands there, below its parent."""
    drawn: dict[str, str | None] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        name = line.lstrip(" │├└─").split(" ", maxsplit=1)[0]
        if name.endswith("Error"):
            depth = line.index(name)
            above = [(column, parent) for column, parent in above if column < depth]
            drawn[name] = above[-1][1] if above else None
            above.append((depth, name))
    family = _family(errors.BrokerError) - {errors.BrokerError}

    written = {kind.__name__: kind.__mro__[1].__name__ for kind in family}

    assert written | {"BrokerError": None} == drawn


def _family(root: type[Exception]) -> set[type[Exception]]:
    """The class and all below it that the same package defines."""
    package = root.__module__.rpartition(".")[0]
    below = [kind for kind in root.__subclasses__() if kind.__module__.startswith(package)]
    return {root}.union(*(_family(kind) for kind in below))


def _leaves(root: type[Exception]) -> set[type[Exception]]:
    return {kind for kind in _family(root) if _family(kind) == {kind}}
