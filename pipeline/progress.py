"""Progress is the heartbeat: one counter feeds the bar, the ETA and, later, the stall detector.

Nothing but real work calls `step`; there is no timer here, and there must never be one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from models.errors import Cancelled
from models.progress import Progress

PRIOR = 0.2  # so much of what is left counts as measured already, and found to be as expected
SMALL = 0.05  # a share of the whole, as it usually is; a real voice can take a hundred times its own


@dataclass(frozen=True)
class Snapshot:
    """Where a job is. `fraction` is of the whole job, `stage_fraction` of the stage; both 0..1.

    loading: what is being loaded; "" while there is work done, or nothing known.
    """

    stage: str
    stage_fraction: float
    fraction: float
    eta_s: float | None
    heartbeats: int
    loading: str = ""


class JobProgress:
    """Turns the steps of the stages into one number for the whole job.

    weights:   stage → its share of the job's time, in any unit; order matters.
    expected:  the weights are seconds: what this machine took before. Then there is an ETA from the start.
    on_change: called at most every `every_s` seconds with a Snapshot, and at every change of stage.
    cancelled: asked at every step and check; True raises Cancelled in the working code.
    clock:     monotonic seconds.
    """

    def __init__(
        self,
        weights: dict[str, float],
        on_change: Callable[[Snapshot], None] = lambda _: None,
        cancelled: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        every_s: float = 0.2,
        expected: bool = False,
    ) -> None:
        self._weights = weights
        self._expected = expected and sum(weights.values()) > 0
        self._on_change = on_change
        self._cancelled = cancelled
        self._clock = clock
        self._every_s = every_s
        self._stage = ""
        self._stage_fraction = 0.0
        self._worked_s = 0.0  # spent in stages that really ran; reused artifacts would flatter the ETA
        self._worked_weight = 0.0
        self._stage_started = clock()
        self._stage_stepped_s = 0.0  # when it last told that it is further, after its start
        self._in_stage = False
        self._last_told = float("-inf")
        self._one_at_a_time = threading.RLock()  # engines step from several threads
        self._loading = ""
        self.loaded_s = 0.0  # spent on loading, in all
        self.stopped = False  # Cancelled was raised
        self.heartbeats = 0

    def enter(self, stage: str) -> None:
        """A stage begins."""
        self._stage, self._stage_fraction = stage, 0.0
        self._stage_started, self._stage_stepped_s = self._clock(), 0.0
        self._in_stage = True
        self._beat(force=True)

    def leave(self, *, reused: bool = False) -> None:
        """The stage is finished (or its artifact was there already)."""
        if not reused and self._tells:
            self._worked_s += self._clock() - self._stage_started
            self._worked_weight += self._weights.get(self._stage, 0.0)
        self._stage_fraction = 1.0
        self._in_stage = False
        self._beat(force=True)

    def step(self, done: float, total: float) -> None:
        fraction = min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
        with self._one_at_a_time:
            if fraction != self._stage_fraction:
                self._stage_fraction, self._stage_stepped_s = fraction, self._clock() - self._stage_started
            self._beat(force=False)

    def check(self) -> None:
        # The listener is told as well, for it may be the one who learns that a cancel was asked.
        with self._one_at_a_time:
            self._look(force=False)

    @contextmanager
    def loading(self, what: str) -> Generator[None]:
        """Meanwhile an engine is loaded: no work on the job, so there is no ETA, and none is made of it.

        what: "" when nothing is loaded, and the job waits for another one to be done with the engine.
        """
        began, self._loading = self._clock(), what
        try:
            self._look(force=True)
            yield
        finally:
            seconds, self._loading = self._clock() - began, ""
            self.loaded_s += seconds
            self._stage_started += seconds
        self._look(force=True)

    def snapshot(self) -> Snapshot:
        total = sum(self._weights.values()) or 1.0
        before = 0.0
        for stage, weight in self._weights.items():
            if stage == self._stage:
                break
            before += weight
        own = self._weights.get(self._stage, 0.0) * self._stage_fraction
        left = max(total - before - own, 0.0)
        eta = None
        if not self._loading:
            eta = self._eta_expected(left) if self._expected else self._eta_measured(own, left, total)
        fraction = (before + own) / total
        return Snapshot(self._stage, self._stage_fraction, fraction, eta, self.heartbeats, self._loading)

    @property
    def _tells(self) -> bool:
        """Whether what this stage takes says anything about the rest."""
        return self._expected or self._weights.get(self._stage, 0.0) >= SMALL * sum(self._weights.values())

    def _eta_measured(self, own: float, left: float, total: float) -> float | None:
        """From the pace of this job alone."""
        running = self._in_stage and self._tells
        worked_s = self._worked_s + (self._clock() - self._stage_started if running else 0.0)
        worked = self._worked_weight + (own if running else 0.0)
        # A share under 2 % of the work says nothing about the rest.
        return worked_s / worked * left if worked > 0.02 * total else None

    def _eta_expected(self, left: float) -> float:
        """What is expected of the work that is left (seconds), corrected by how this job has gone so far.

        The further a stage is, the more its own pace counts against what was expected of it: by the square,
        for many a stage has something to get ready before its first step.
        """
        if not self._in_stage:
            return left * self._pace(left, 0.0, 0.0)
        fraction, weight = self._stage_fraction, self._weights.get(self._stage, 0.0)
        as_measured = fraction * self._stage_stepped_s  # what is measured / fraction, times its square
        not_measured = (1 - fraction**2) * weight
        pace = self._pace(left, fraction * (as_measured + not_measured), fraction * weight)
        own_s = (1 - fraction) * (as_measured + not_measured * pace)
        # No news since the last step. What is late by a minute may well need another one.
        silent_s = self._clock() - self._stage_started - self._stage_stepped_s
        return abs(own_s - silent_s) + max(left - (1 - fraction) * weight, 0.0) * pace

    def _pace(self, left: float, stage_s: float, stage_worked: float) -> float:
        """Measured seconds for an expected one: 1 at first, as measured at the end of the job.

        Reused artifacts count neither way.
        """
        prior = PRIOR * left
        worked = prior + self._worked_weight + stage_worked
        return (prior + self._worked_s + stage_s) / worked if worked > 0 else 1.0

    def _beat(self, *, force: bool) -> None:
        self.heartbeats += 1
        self._look(force=force)

    def _look(self, *, force: bool) -> None:
        if self._cancelled():
            self.stopped = True
            raise Cancelled
        now = self._clock()
        if force or now - self._last_told >= self._every_s:
            self._last_told = now
            self._on_change(self.snapshot())


@contextmanager
def loading(progress: Progress, what: str) -> Generator[None]:
    """As JobProgress.loading; of any other, nobody is told."""
    if isinstance(progress, JobProgress):
        with progress.loading(what):
            yield
    else:
        yield
