"""How often a process ended that nobody had ended, and when the next one may be started."""

from __future__ import annotations

from collections import deque

WINDOW_S = 600.0


class Ends:
    """most: so many processes are started again within WINDOW_S; the next one waits until that is over.

    Times are seconds of a clock that only goes forward.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._starts: deque[float] = deque(maxlen=most)

    def next_start(self, now: float, pause_s: float) -> float:
        """It has ended now. When the next one may be started: after the pause at the earliest."""
        due = now + pause_s
        if len(self._starts) == self.most:
            due = max(due, self._starts[0] + WINDOW_S)
        self._starts.append(due)
        return due

    def forget(self) -> None:
        """What comes now is another process."""
        self._starts.clear()
