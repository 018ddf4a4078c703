"""The transcripts of this folder."""

from pathlib import Path
from typing import Final

from tests.support.transcript import Line, read_transcript

GOLDEN: Final = Path(__file__).parent / "golden"


def golden(name: str) -> list[Line]:
    """The lines of one."""
    return read_transcript(GOLDEN / f"{name}.txt")


def golden_names() -> list[str]:
    """All of them."""
    return sorted(file.stem for file in GOLDEN.glob("*.txt"))
