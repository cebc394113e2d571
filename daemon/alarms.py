"""What the admins must be told: that something is wrong which does not mend itself, and that it is over.

    alarms.raise_alarm("disk", "Only 1.2 GB are free for /data", "Delete what is not needed")
    alarms.clear("disk")

Whoever looks at something may say so at every look, and from any thread: each alarm is told once, again
only when it still stands an hour later, and its end once. What comes and goes is told three times within
an hour, and the last of these stays the last word. Nothing here waits for a disk or a network.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

AGAIN_S = 3600.0
MOST = 3  # times within AGAIN_S


@dataclass(frozen=True)
class Notice:
    """key: what it is about ("held:disk", "host:lipsync"). message: one plain sentence without a full stop.
    hint: what to do; may be empty. over: it is well again, and `message` is what was wrong."""

    key: str
    message: str
    hint: str = ""
    over: bool = False


class Alarms:
    """tell: gets each notice, in order, from the thread that raises or clears; it must not wait.
    clock: seconds that only go forward."""

    def __init__(self, tell: Callable[[Notice], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._lock = threading.RLock()  # a signal's handler may come in between
        self._raised: dict[str, tuple[Notice, float]] = {}  # with the time when it was told last
        self._begun: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=MOST))  # and told

    def raise_alarm(self, key: str, message: str, hint: str = "") -> None:
        """Told unless it was in the last hour. Of other words for the same key, the newest are told then."""
        with self._lock:
            now, begun = self._clock(), self._begun[key]
            if key in self._raised:
                _, told_at = self._raised[key]
            elif self._comes_and_goes(key):
                told_at = begun[-1]
            else:
                told_at = float("-inf")
                begun.append(now)
            due = now - told_at >= AGAIN_S
            notice = Notice(key, message, hint)
            self._raised[key] = notice, now if due else told_at
            if due:
                self._tell(notice)

    def clear(self, key: str) -> None:
        """It is over; nothing when there was no such alarm."""
        with self._lock:
            found = self._raised.pop(key, None)
            if found is not None and not self._comes_and_goes(key):
                notice, _ = found
                self._tell(Notice(key, notice.message, over=True))

    def raised(self) -> tuple[Notice, ...]:
        """Those that stand now, the oldest first."""
        with self._lock:
            return tuple(notice for notice, _ in self._raised.values())

    def _comes_and_goes(self, key: str) -> bool:
        begun = self._begun[key]
        return len(begun) == MOST and self._clock() - begun[0] < AGAIN_S
