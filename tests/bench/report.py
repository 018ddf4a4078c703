"""One measured number, beside the same of a bare client where there is one."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of a table."""

    what: str
    unit: str
    ours: float
    bare: float | None = None


def table(lines: Sequence[Line]) -> str:
    """Ours, bare, and how many times as much."""
    rows = [f"{'':58}{'ours':>10}{'bare':>10}{'ratio':>8}"]
    for line in lines:
        what = f"{line.what}, {line.unit}"
        beside = ""
        if line.bare is not None:
            ratio = f"{line.ours / line.bare:8.2f}" if line.bare else f"{'-':>8}"
            beside = f"{line.bare:10.2f}{ratio}"
        rows.append(f"{what:58}{line.ours:10.2f}{beside}")
    return "\n".join(rows)
