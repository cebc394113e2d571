"""One lane of the worker: a thread that works on one job at a time, and how it is seen from outside."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from daemon.health.component import Component, State
from daemon.health.heart import Heart
from daemon.runner import Runner
from daemon.stop import Stop
from pipeline.progress import Snapshot

# How long it may be silent. At work it is heard at least whenever it looks whether the job is cancelled;
# what hangs in a host is found by the one who waits for that host.
BETWEEN_S, AT_WORK_S = 60.0, 120.0


class Doing(NamedTuple):
    """at: None before the first stage."""

    lane: int
    job_id: str
    at: Snapshot | None


class Lane:
    """number: from 0. clock: monotonic seconds."""

    def __init__(self, number: int, clock: Callable[[], float]) -> None:
        self.number = number
        self.stop = Stop()
        self.heart = Heart(clock)
        self.lives: bool | None = None  # None: not yet
        self.thread: threading.Thread | None = None  # of its own; the first lane has the worker's
        self.job_id: str | None = None
        self.at: Snapshot | None = None  # where that job is
        self.runner: Runner | None = None

    @property
    def doing(self) -> Doing | None:
        job_id = self.job_id
        return None if job_id is None else Doing(self.number, job_id, self.at)

    def look(self) -> None:
        """From any thread: its job may have been cancelled."""
        if (runner := self.runner) is not None:
            runner.look()

    def free(self) -> None:
        """It works on nothing any more."""
        self.runner = self.job_id = self.at = None

    def health(self, name: str, leaving: bool, why: str) -> Component:
        """why: for which reason the jobs wait."""
        job_id, at, age_s = self.job_id, self.at, self.heart.age_s()
        budget_s = AT_WORK_S if job_id else BETWEEN_S
        state: State = "busy" if job_id else "loading" if self.lives is None else "idle"
        trouble = hint = ""
        if self.lives is False and not leaving:
            state, trouble, hint = "dead", "The daemon's worker has ended", "Its log says more."
        elif age_s > budget_s:
            state = "stalled"
            where = f" at job {job_id}" + (f", in the {at.stage} stage" if at else "") if job_id else ""
            trouble = f"The worker has got nowhere{where} for {age_s:.0f} s"
            hint = "Does a disk, or the place where results go, not answer?"
        facts: dict[str, Any] = {"job": job_id, "why": why}
        if at is not None:
            facts |= {"stage": at.stage, "progress": round(at.fraction, 4), "loading": at.loading}
        return Component(name, state, age_s, budget_s, trouble, hint, vital=True, facts=facts)
