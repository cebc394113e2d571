"""Does the line move? Jobs that wait while nobody works, and nobody says why, are a trouble of their own.

A reason to wait (a full disk, an engine that is not there) is told as soon as a job waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from daemon.health.heart import Heart
from daemon.health.probe import About, Finding, Probe
from daemon.logs.tell import Tell
from daemon.queue import Queue

ABOUT = About(
    "queue",
    every_s=5.0,
    budget_s=60.0,
    stuck="The queue cannot be looked at: the database does not answer",
)
HINT = "`vigentd status` says what the daemon does; restart vigentd if jobs still wait."


class AtWork(NamedTuple):
    """What the worker says: the job it works on, and why others wait."""

    job_id: str | None = None
    why: str = ""


def queue_probe(
    queue: Queue, worker: Callable[[], AtWork], log: Tell, clock: Callable[[], float] = time.monotonic
) -> Probe:
    """worker: answers from memory."""
    return Probe(ABOUT, Look(queue, worker, clock), log, clock)


class Look:
    def __init__(self, queue: Queue, worker: Callable[[], AtWork], clock: Callable[[], float]) -> None:
        self._queue = queue
        self._worker = worker
        self._taken = Heart(clock)  # the jobs in line were taken, or there was a reason not to

    def __call__(self) -> Finding:
        counts, oldest = self._queue.counts(), self._queue.oldest_waiting()
        facts = {"counts": counts, "oldest_waiting": oldest}
        job_id, why = self._worker()
        waits = oldest is not None
        moves = not waits or bool(job_id or why)
        if moves:
            self._taken.beat()
        busy = waits or job_id is not None
        if waits and why and not job_id:
            return Finding(why, "", facts, busy=busy)
        if self._taken.age_s() > ABOUT.budget_s:
            idle = "Jobs wait, and the worker is idle without a reason"
            return Finding(idle, HINT, facts, worked=False, busy=busy)
        return Finding(facts=facts, worked=moves, busy=busy)
