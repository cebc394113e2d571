"""Sizes of files as people read them."""

from __future__ import annotations


def size(count: int) -> str:
    """Bytes: "5.1 GB", "340.5 kB", "12 B"."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"
