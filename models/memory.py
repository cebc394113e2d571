"""Keeps glibc from hoarding: pictures are megabytes each, made and dropped by several threads.

By default each thread fills a heap of its own and freed pictures stay there, so a process that needs
500 MB holds 700. Mapping every picture anew would hold least, and costs a tenth of the speed.
"""

from __future__ import annotations

import ctypes
import gc
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # malloc.h


def share_one_heap() -> None:
    """Threads that start from now on use the same heap, and its free end goes back to the system."""
    if malloc := _glibc("mallopt"):
        malloc(M_ARENA_MAX, 1)
        malloc(M_MMAP_THRESHOLD, 32 * 2**20)
        malloc(M_TRIM_THRESHOLD, 16 * 2**20)


def give_back() -> None:
    """What is free now goes back to the system; worth its milliseconds between two stages."""
    gc.collect()
    if trim := _glibc("malloc_trim"):
        trim(0)


def _glibc(function: str) -> ctypes._NamedFuncPointer | None:
    return getattr(ctypes.CDLL(None), function, None) if sys.platform.startswith("linux") else None
