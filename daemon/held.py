"""When nothing is made for some minutes, the admins are told why."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from daemon.alarms import Alarms

PATIENCE_S = 300.0
LONGER_S = {
    "loading": 3600.0,  # an engine that is compiled on a slow machine; what gets nowhere is in trouble before
    "reload": math.inf,  # something is made meanwhile
}
HINTS = {
    "disk": "`vigentd clean` says what can be removed.",
    "engine": "`vigentd status` and `vigentd doctor` say more.",
    "loading": "`vigentd status` says more.",
    "away": "`vigentd inbox status` says which folder is away.",
}


class Held:
    """clock: seconds that only go forward."""

    def __init__(self, alarms: Alarms, clock: Callable[[], float] = time.monotonic) -> None:
        self._alarms = alarms
        self._clock = clock
        self._kind = ""
        self._since = clock()

    def look(self, kind: str, why: str) -> None:
        """Jobs wait for a reason of this kind ("disk", "engine", "loading", …), or for none ("")."""
        now = self._clock()
        if kind != self._kind:
            if self._kind:
                self._alarms.clear(f"held:{self._kind}")
            self._kind, self._since = kind, now
        if kind and now - self._since >= LONGER_S.get(kind, PATIENCE_S):
            self._alarms.raise_alarm(f"held:{kind}", f"The jobs wait: {why}", HINTS.get(kind, ""))
