"""How fast something is, on a machine that has other things to do."""

from __future__ import annotations

import time
from collections.abc import Callable


def quickest(do: Callable[[], object], soon_s: float, tries: int = 20) -> float:
    """Seconds of the quickest call, at the latest the first that takes less than `soon_s`: one that other
    work has held up says nothing."""
    best = float("inf")
    for _ in range(tries):
        began = time.perf_counter()
        do()
        best = min(best, time.perf_counter() - began)
        if best < soon_s:
            break
    return best
