"""Is there still life in it? Tells slow work from stuck work, by its heartbeats alone.

A sentence is spoken in 0.1 s and a chunk of frames may take minutes, so no fixed time fits all: work is
stuck when it has been silent for longer than its budget, and for much longer than it used to be.
"""

from __future__ import annotations

from models.budgets import Budget

TIMES_USUAL = 10.0  # how much longer than usual a silence may be
_NEWEST_WEIGHS = 0.2  # in the moving average
_LONGEST_LOOK_S = 2.0


class Pulse:
    """floors: a silence up to these is never a stall. now: seconds of a monotonic clock, at the start.
    offered: the work has yet to be taken up."""

    def __init__(self, floors: Budget, now: float, *, offered: bool = False) -> None:
        self.silent_s = 0.0  # since the last heartbeat
        self.usual_s = 0.0  # moving average of the distances between heartbeats
        self._floors = floors
        self._offered = offered
        self._looked = now
        self._heartbeats = 0

    def taken_up(self, now: float) -> None:
        self._offered, self.silent_s, self._looked = False, 0.0, now

    def feed(self, heartbeats: int, now: float) -> None:
        """heartbeats: counted since the start. To be called several times a second, news or not."""
        # A longer gap means that the watcher itself was held up (a stopped process, a full disk), and
        # the worker may well have been held up with it; what it said meanwhile has yet to be read.
        self.silent_s += min(now - self._looked, _LONGEST_LOOK_S)
        self._looked = now
        beats = heartbeats - self._heartbeats
        if beats <= 0:
            return
        if self._heartbeats:  # what goes before the first one is preparation, and says nothing of the pace
            distance, kept = self.silent_s / beats, (1 - _NEWEST_WEIGHS) ** beats
            self.usual_s = kept * self.usual_s + (1 - kept) * distance if self.usual_s else distance
        self._heartbeats, self.silent_s = heartbeats, 0.0

    def rest(self, now: float) -> None:
        """Instead of `feed`, while others do its work: they are watched, too."""
        self.silent_s, self._looked = 0.0, now

    @property
    def budget_s(self) -> float:
        """How long a silence may be now."""
        floor = self._floors.step_s if self._heartbeats else self._floors.first_s
        if self._offered:
            floor = min(floor, self._floors.take_s)
        return max(floor, TIMES_USUAL * self.usual_s)

    @property
    def stalled(self) -> bool:
        return self.silent_s > self.budget_s
