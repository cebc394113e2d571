"""A word about a job that must not be lost, though the database cannot take it just now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from models.errors import Unavailable

T = TypeVar("T")

PASSING = frozenset({"database_busy", "disk_full", "disk_failed"})  # troubles that go away
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0


def persist(action: Callable[[], T], give_up: Callable[[], bool], sleep: Callable[[float], object]) -> T:
    """What `action` gives, tried again with growing pauses while its trouble is one that passes.

    give_up: asked after each failure; True raises the last error.
    sleep:   seconds; may return early, as the `wait` of an event does, and then it is tried at once.
    """
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            return action()
        except Unavailable as e:
            if e.code not in PASSING or give_up():
                raise
        sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
