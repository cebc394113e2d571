"""How long ago something was last done: fed by the work itself, asked by whoever watches.

A timer must never beat it; that would tell of the timer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LONGEST_LOOK_S = 10.0


class Heart:
    """clock: monotonic seconds. `beat` and `age_s` may be called from any thread, and answer at once.

    `age_s` is to be asked every few seconds: what lies between two looks counts for longest_look_s at most.
    A longer gap means that the daemon itself stood still (SIGSTOP, a machine that swaps), and whoever works
    here stood still with it.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, longest_look_s: float = LONGEST_LOOK_S
    ) -> None:
        self._clock = clock
        self._longest_look_s = longest_look_s
        self._lock = threading.Lock()
        self._beat_at = self._looked_at = clock()
        self._age_s = 0.0

    def beat(self) -> None:
        """Something has been done."""
        with self._lock:
            self._beat_at = self._clock()

    def age_s(self) -> float:
        """Seconds since the last `beat`, or since this was made."""
        with self._lock:
            now = self._clock()
            if self._beat_at >= self._looked_at:
                self._age_s = 0.0
            since = now - max(self._beat_at, self._looked_at)
            self._age_s += min(since, self._longest_look_s)
            self._looked_at = now
            return self._age_s
