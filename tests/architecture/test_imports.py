"""Importing a module starts nothing, needs nothing, and loads no more than it has to."""

import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

import grimp
import pytest

from tests.architecture.tree import ROOT, SERVICE, dotted, modules

SERVES_HTTP: Final = ("service.api", "service.console", "service.entrypoints")
OURS_OR_PYTHONS: Final = {"service", "__mp_main__", *sys.stdlib_module_names}
HTTP_LIBRARIES: Final = ("fastapi", "mangum", "starlette", "uvicorn")

# Runs in a bare interpreter. An audit hook sees what the module does while it is imported; a hook
# that raises stops it.
IMPORT_EACH: Final = """
import importlib, os, sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen",
                 "os.system", "os.fork", "os.mkdir", "os.remove", "os.rename", "sqlite3.connect"):
        raise RuntimeError(f"{event} at import")
    if event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR):
        raise RuntimeError(f"{arguments[0]} is opened for writing at import")

sys.addaudithook(refuse)
failed = False
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed = True
        print(f"{name}: {error!r}")
sys.exit(failed)
"""

IMPORT_AND_LIST: Final = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print("\\n".join(sys.modules))
"""


def test_no_module_does_anything_at_import() -> None:
    report = _python(IMPORT_EACH, _importable())

    assert report == ""


def test_a_module_that_acts_at_import_is_seen(tmp_path: Path) -> None:
    (tmp_path / "acting.py").write_text("import socket\nsocket.create_connection(('::1', 9))\n")

    report = _python(IMPORT_EACH, ["acting"], folder=tmp_path)

    assert "socket.getaddrinfo at import" in report


def test_no_module_imports_itself_by_a_detour() -> None:
    """In a circle, it depends on who is imported first whether that works."""
    graph = grimp.build_graph("service", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}

    order = list(TopologicalSorter(imports).static_order())

    assert set(order) == graph.modules


def test_what_serves_no_http_does_not_load_the_http_libraries() -> None:
    names = [name for name in _importable() if not name.startswith(SERVES_HTTP)]

    loaded = _python(IMPORT_AND_LIST, names).splitlines()

    assert set(loaded).isdisjoint(HTTP_LIBRARIES)


@pytest.mark.parametrize("door", ["listener", "courier", "sweeper"])
def test_functions_that_serve_no_http_pay_for_none_of_it(door: str) -> None:
    loaded = _python(IMPORT_AND_LIST, [f"service.entrypoints.{door}"]).splitlines()

    assert f"service.entrypoints.{door}" in loaded
    assert set(loaded).isdisjoint(HTTP_LIBRARIES)


def test_the_function_that_serves_http_loads_no_server_and_nothing_of_this_machine() -> None:
    loaded = _python(IMPORT_AND_LIST, ["service.entrypoints.api"]).splitlines()

    assert {"service.entrypoints.api", "fastapi", "mangum"} <= set(loaded)
    assert set(loaded).isdisjoint({"uvicorn", "service.simulator", "service.console"})


@pytest.mark.parametrize("layer", ["domain", "guest", "webhook"])
def test_pure_packages_load_no_package_of_anybody_else(layer: str) -> None:
    names = [dotted(module) for module in modules(layer)]
    bare = set(_python(IMPORT_AND_LIST, []).splitlines())

    loaded = set(_python(IMPORT_AND_LIST, names).splitlines()) - bare
    foreign = {name.split(".")[0] for name in loaded} - OURS_OR_PYTHONS

    assert foreign == set()


def _importable() -> list[str]:
    """Every module but the doors, which are there to do something, and what starts on `-m`."""
    files = [file for file in sorted(SERVICE.rglob("*.py")) if file.name != "__main__.py"]
    names = [dotted(file) for file in files]
    return [name for name in names if not name.startswith("service.entrypoints.")]


def _python(script: str, names: list[str], *, folder: Path = ROOT) -> str:
    """Run a script in a new interpreter with an empty environment; what it printed."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", script, *names],
        cwd=folder,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr
