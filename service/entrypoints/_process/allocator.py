"""How the C library's allocator behaves in a process that holds many links."""

import ctypes
from collections.abc import Callable
from typing import Final

M_ARENA_MAX: Final = -8
M_MMAP_THRESHOLD: Final = -3
"""Names of glibc's malloc.h; mallopt(3) describes both."""
ONE_ARENA: Final = 1
LARGE_BYTES: Final = 128 * 1024
"""glibc's own first threshold. It moves up when a block of that size is freed."""

Mallopt = Callable[[int, int], int]


def keep_memory_small(mallopt: Mallopt | None = None) -> bool:
    """Have one arena, and give large blocks pages of their own; whether the allocator took it.

    uvloop allots 256 KiB to a TLS link and touches little of it. After the first link that closes,
    glibc would serve such blocks from the heap, whose pages were touched before. And each thread of
    the table would keep an arena of its own. Where there is no glibc nothing is changed.
    """
    if mallopt is None:
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    # Both are called, whatever the first one says: mallopt(3) returns 1 for success.
    took = [mallopt(M_ARENA_MAX, ONE_ARENA), mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)]
    return all(took)
