"""Finds a Python of the version that Lambda runs; `python -m infra.bundle.interpreter` prints it.

Its bytecode is that of every 3.13. Runs on any Python, without a package. Each candidate is started
to know: a name on PATH may belong to a version manager that has nothing behind it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

WANTED = (3, 13)
VARIABLE = "PYTHON313"
SECONDS = 20


def find() -> str | None:
    """The path of one that works, or None."""
    return next((path for path in _candidates() if version_of(path)[:2] == WANTED), None)


def version_of(python: str) -> tuple[int, ...]:
    """The version of an interpreter, by asking it; empty when it does not start."""
    ask = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    try:
        told = subprocess.run(  # noqa: S603 - the point
            [python, "-I", "-c", ask], capture_output=True, text=True, timeout=SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(int(part) for part in told.split("."))


def _candidates() -> Iterator[str]:
    given = os.environ.get(VARIABLE)
    if given:
        yield given
        return
    name = f"python{WANTED[0]}.{WANTED[1]}"
    yield sys.executable
    for folder in os.get_exec_path():
        found = shutil.which(name, path=folder)
        if found:
            yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for version in sorted(pyenv.glob(f"versions/{WANTED[0]}.{WANTED[1]}*"), reverse=True):
        yield str(version / "bin" / name)


if __name__ == "__main__":
    print(find() or "")
