"""Speaks the next job's script while the lips of the present one are made (`queue.overlap`).

Nothing is claimed: the next job stays in line, and when its turn comes it finds this artifact made.
So a job that is cancelled, or overtaken, costs some work and changes nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from daemon.config import Config
from daemon.disk.inventory import WORK
from daemon.engines.roster import Roster
from daemon.jobs import State
from daemon.logs.log import Log
from daemon.queue import Queue
from models.errors import Cancelled, VigentdError
from pipeline.spec import JobSpec
from pipeline.stages import patient
from pipeline.workspace import Workspace

LOOK_EVERY_S = 0.5


class Ahead:
    """One thread at a time. leaving: True when the daemon is about to stop."""

    def __init__(self, queue: Queue, roster: Roster, log: Log, leaving: Callable[[], bool]) -> None:
        self._queue = queue
        self._roster = roster
        self._log = log
        self._leaving = leaving
        self._thread: threading.Thread | None = None
        self._job_id = ""  # that it works on, or worked on last: what fails is left for the job's own turn
        self._dropped = False

    def begin(self, config: Config) -> None:
        """Prepares the job that is next in line, unless one is being prepared."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, args=(config,), name="ahead", daemon=True)
            self._thread.start()

    def drop(self, job_id: str) -> None:
        """Nobody works ahead for this job any more."""
        if self._thread is not None and self._job_id == job_id:
            self._dropped = True
            self._thread.join()

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def _run(self, config: Config) -> None:
        try:
            row = self._queue.next()
            if row is None or row.id == self._job_id:
                return
            self._job_id, self._dropped = row.id, False
            self._prepare(row.id, JobSpec.model_validate(row.spec), config)
        except Cancelled:
            self._log.event("ahead_dropped", job=self._job_id)
        except Exception as e:  # it will be told when it is this job's turn
            self._log.event("ahead_failed", job=self._job_id, message=str(e))

    def _prepare(self, job_id: str, spec: JobSpec, config: Config) -> None:
        began = time.monotonic()
        speech = next(stage for stage in patient(config.health.patience) if stage.name == "speech")
        job = self._roster.job(job_id, spec, config.settings)
        job.progress = _WhileWanted(lambda: not self._leaving() and self._wanted(job_id))
        made = self._roster.make(speech, job, Workspace(config.job_dir(job_id) / WORK))
        seconds = time.monotonic() - began
        self._log.event("ahead", job=job_id, stage=speech.name, seconds=seconds, reused=made.reused)

    def _wanted(self, job_id: str) -> bool:
        if self._dropped:
            return False
        try:
            row = self._queue.get(job_id)
            return row.state in (State.QUEUED, State.RUNNING) and not row.cancel_asked
        except VigentdError:  # the database is busy: no reason to stop
            return True


class _WhileWanted:
    """A Progress that looks now and then whether the work is still wanted."""

    def __init__(self, wanted: Callable[[], bool]) -> None:
        self._wanted = wanted
        self._looked = time.monotonic()

    def step(self, done: float, total: float) -> None:
        self.check()

    def check(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY_S:
            return
        self._looked = now
        if not self._wanted():
            raise Cancelled
