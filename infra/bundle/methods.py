"""Compiles the methods that `dataclasses` writes, for `service.entrypoints._function.methods`.

Runs on the Python of Lambda too, without a package, as `python methods.py text <door>...`, which
imports the doors and tells the texts, and as `python methods.py code`, which compiles them. The
second is a process of its own that has imported nothing: what marshal shares between objects
depends on what else there is, and the same commit is to give the same bytes.
"""

import dataclasses
import importlib
import json
import marshal
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import Any

NAME = "<string>"
"""Where a traceback says that such a method is, as without all this."""


def compiled_methods(doors: Sequence[str], python: str, folder: Path) -> bytes:
    """What the file holds for functions with those doors, whose code is unpacked in the folder.

    Raises subprocess.CalledProcessError: a door cannot be imported here.
    """
    texts = _run(python, folder, ["text", *doors], b"")
    return _run(python, folder, ["code"], texts)


def _run(python: str, folder: Path, arguments: Sequence[str], given: bytes) -> bytes:
    # Neither this environment's packages nor its variables: -I and -S.
    command = [python, "-I", "-S", "-B", str(Path(__file__).resolve()), *arguments]
    return subprocess.run(  # noqa: S603 - ours
        command,
        cwd=folder,
        env={"PYTHONHASHSEED": "0"},
        input=given,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


def texts_while(act: Callable[[], object]) -> list[str]:
    """What `dataclasses` executes meanwhile."""
    seen: set[str] = set()

    def execute(text: str, names: dict[str, Any], into: dict[str, Any]) -> None:
        seen.add(text)
        exec(text, names, into)  # noqa: S102 - as `dataclasses` does

    vars(dataclasses)["exec"] = execute
    try:
        act()
    finally:
        del vars(dataclasses)["exec"]
    return sorted(seen)


def code_of(texts: Sequence[str]) -> bytes:
    """The file's content."""
    made = {text: marshal.dumps(compile(text, NAME, "exec")) for text in texts}
    return MAGIC_NUMBER + marshal.dumps(made)


def main(arguments: Sequence[str]) -> None:
    """One of the two steps."""
    if arguments[0] == "text":
        sys.path.insert(0, str(Path.cwd()))
        texts = texts_while(lambda: [importlib.import_module(door) for door in arguments[1:]])
        out = json.dumps(texts).encode()
    else:
        out = code_of(json.loads(sys.stdin.buffer.read()))
    sys.stdout.buffer.write(out)


if __name__ == "__main__":
    main(sys.argv[1:])
