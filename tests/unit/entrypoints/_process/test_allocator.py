"""The allocator of a process that holds many links."""

import platform
import subprocess
import sys

import pytest

from service.entrypoints._process.allocator import keep_memory_small

LEFT_BEHIND = """
import ctypes, sys
from service.entrypoints._process.allocator import keep_memory_small

if "small" in sys.argv:
    assert keep_memory_small()
libc, size, blocks = ctypes.CDLL(None), 256 * 1024, 64
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

def touch_and_free():
    taken = [libc.malloc(size) for _ in range(blocks)]
    for block in taken:
        ctypes.memset(ctypes.c_void_p(block), 1, size)
    pin = libc.malloc(100 * 1024)
    for block in taken:
        libc.free(block)

before = resident()
touch_and_free()
touch_and_free()
print((resident() - before) // size)
"""
"""How many of 64 blocks of a TLS link's size stay in memory once they were freed."""


def test_both_settings_are_asked_for_whatever_comes_of_the_first() -> None:
    asked: list[tuple[int, int]] = []

    def mallopt(name: int, value: int) -> int:
        asked.append((name, value))
        return len(asked) - 1

    assert keep_memory_small(mallopt) is False
    assert asked == [(-8, 1), (-3, 131_072)]


def test_what_links_had_is_given_back_when_they_close() -> None:
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("only glibc has mallopt")

    assert _left_behind() > 32
    assert _left_behind("small") < 8


def _left_behind(*how: str) -> int:
    command = [sys.executable, "-c", LEFT_BEHIND, *how]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(answer.stdout)
