"""No tracked file names a package index, somebody's machine, or work that was put off.

The patterns are spelled so that they do not match themselves.
"""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.tree import shown, tracked

FORBIDDEN: Final = {
    "a package index": r"(pypi|pythonhosted|npmjs)[.](org|com)|crates[.]io|proxy[.]golang",
    "a local package index": r"file:[/]{3}opt|/opt/(pypi|wheels)|index[-]url",
    "a folder outside the project": r"/wor[k]/|[.]{2}/share[d]",
    "a home directory": r"/hom[e]/\w|/roo[t]/|/User[s]/",
    "work put off": r"\b(TOD[O]|FIXM[E])\b",
    "uncounted code": r"pragma: no[ ]cover",
    "a bare exemption": r"# (type: ignore|noqa)(?![\[:])",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE[ ]KEY",
}


@pytest.fixture(name="texts", scope="module")
def _texts() -> dict[Path, str]:
    files = tracked()
    if files is None:
        pytest.skip("not a git checkout")
    return {file: text for file in files if (text := _text(file)) is not None}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_holds(what: str, texts: dict[Path, str]) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{shown(file)}:{number}"
        for file, text in texts.items()
        if pattern.search(text)
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]

    assert found == []


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None  # a picture
