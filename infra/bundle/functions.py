"""Which modules and packages a function needs: all that its door imports, and nothing else."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import grimp

FUNCTIONS: Final = ("api", "courier", "listener", "sweeper")
DOORS: Final = "service.entrypoints"
ROOT: Final = "service"

BY_NAME: Final = ("uvloop",)
"""What every function loads by its name, so that no import statement tells of it."""
AWS_SERVICES: Final = ("dynamodb", "kms", "lambda", "secretsmanager", "sqs", "ssm")
"""Of the 400 services that botocore describes: those that our clients are made for."""

NEVER: Final = ("service.cli", "service.client", "service.console", "service.simulator", "tests")
FOR_HTTP: Final = ("fastapi", "mangum", "starlette", "uvicorn", "service.api")
HTTP_FUNCTION: Final = "api"


class UnwantedError(Exception):
    """A function would ship what does not belong into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What one function is made of."""

    modules: frozenset[str]
    """Ours, packages included."""
    packages: frozenset[str]
    """Top-level names of others' packages, as they are imported."""


def handler_of(function: str) -> str:
    """What Lambda is told to call."""
    return f"{DOORS}.{function}.handler"


def all_needs() -> Mapping[str, Needs]:
    """What each function needs. Raises UnwantedError."""
    graph = grimp.build_graph(ROOT, include_external_packages=True, cache_dir=None)
    needs = {function: _needs(graph, f"{DOORS}.{function}") for function in FUNCTIONS}
    for function, each in needs.items():
        check(function, each)
    return needs


def check(function: str, needs: Needs) -> None:
    """Raises UnwantedError where a function would ship what it must not."""
    unwanted = (*NEVER, *(() if function == HTTP_FUNCTION else FOR_HTTP))
    found = sorted(
        name
        for name in needs.modules | needs.packages
        if any(name == each or name.startswith(f"{each}.") for each in unwanted)
    )
    if found:
        fault = f"{function} would ship {', '.join(found)}"
        raise UnwantedError(fault)


def _needs(graph: grimp.ImportGraph, door: str) -> Needs:
    waiting, seen = [door], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if _is_ours(name):
            waiting += graph.find_modules_directly_imported_by(name)
            # To import a module runs the packages around it.
            waiting += [name.rpartition(".")[0]] if "." in name else []
    foreign = {name.split(".")[0] for name in seen if not _is_ours(name)}
    return Needs(
        modules=frozenset(name for name in seen if _is_ours(name)),
        packages=frozenset(foreign - sys.stdlib_module_names | set(BY_NAME)),
    )


def _is_ours(name: str) -> bool:
    return name == ROOT or name.startswith(f"{ROOT}.")
