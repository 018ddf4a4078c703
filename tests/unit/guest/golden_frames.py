"""Access to the golden frames, and the invented ids they share."""

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent / "golden"

DEPLOYMENT: Final = "6e1d5d0c-2f43-4b52-9a0e-8a4b7c1f0d21"
TOKEN: Final = "c7a90f4e-51d8-4f0b-b1f6-3f2d9e6a7b10"
ATTACHMENT: Final = "d2c41b7e-9f05-4e3c-8a61-7b0c5d4e3f22"
OUTBOUND: Final = "1f0e2d3c4b5a69788796a5b4c3d2e1f0"
HEALTH_CHECK: Final = "SGVhbHRoQ2hlY2tNZXNzYWdlSWQ="


def golden(name: str) -> str:
    """Read one golden frame."""
    return (_FOLDER / f"{name}.json").read_text(encoding="utf-8")


def golden_names() -> list[str]:
    """List all of them."""
    return sorted(file.stem for file in _FOLDER.glob("*.json"))


def trace(number: int) -> str:
    """Give the tracing id that ends in ``number``."""
    return f"5f3b2c1a-0000-4000-8000-00000000000{number}"
