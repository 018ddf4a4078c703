"""Methods of dataclasses come compiled with the package, so that no start has to compile them.

For each class `dataclasses` writes `__init__`, `__eq__` and the others as text, and executes it: at
every import Python compiles 500 of them anew, which bytecode does not spare it. `infra.bundle`
notes these texts and puts what they compile to beside this module; nowhere else is there such a
file, and nothing changes. A text that is not in it is compiled as ever, so no class can come out
different: not under another patch of Python, nor after a change that was not packaged.
"""

import dataclasses
import marshal
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import Any, Final

FILE: Final = "methods.bin"
"""Python's magic number, then a marshalled dict: of each text, its marshalled code."""


def use_compiled(folder: Path) -> int:
    """Let `dataclasses` take from that folder's file what it would compile.

    How many texts there are; 0 without a file, or with that of a Python with other bytecode.
    """
    try:
        given = (folder / FILE).read_bytes()
    except FileNotFoundError:
        return 0
    if not given.startswith(MAGIC_NUMBER):
        return 0
    # As much ours as the bytecode beside it.
    known: dict[str, bytes] = marshal.loads(given[len(MAGIC_NUMBER) :])  # noqa: S302

    def execute(text: str, names: dict[str, Any], into: dict[str, Any]) -> None:
        code = known.get(text)
        exec(text if code is None else marshal.loads(code), names, into)  # noqa: S102, S302

    # The built-in one, as that module alone sees it. One that executed otherwise would not notice.
    vars(dataclasses)["exec"] = execute
    return len(known)
