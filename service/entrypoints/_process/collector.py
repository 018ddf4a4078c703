"""How often a process that stays looks for garbage: each full pass stops everything meanwhile."""

import gc
from typing import Final

YOUNG: Final = 5_000
"""New objects after which the youngest are looked through; CPython's own number is 700."""
MIDDLE: Final = 20
OLD: Final = 50
"""Passes of one generation after which the next one is looked through; CPython has 10."""


def collect_seldom() -> None:
    """Count what is there now as there for good, and look through the rest less often.

    To be called once everything is opened. A full pass over the code, the routes and the schemas of
    a broker takes a tenth of a second, in which no message is taken and none is delivered
    (CPython's manual of `gc`, `freeze` and `set_threshold`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
