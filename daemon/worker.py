"""The daemon's worker: one thread that takes one job after the other from the queue.

It takes none while there is a reason not to: an engine is not there, or the disk is nearly full. Then
the jobs wait, for they would fail one after the other for something that none of them is to blame for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from daemon.config import Config
from daemon.control.events import Events
from daemon.disk.housekeeping import Housekeeping, room
from daemon.engines.ahead import Ahead
from daemon.engines.hosts import Hosts
from daemon.jobs import job_json
from daemon.logs.log import Log
from daemon.queue import Claim, Queue
from daemon.recovery import take_back
from daemon.runner import Deliver, Runner
from daemon.stop import Stop
from models.errors import Unavailable, VigentdError
from pipeline.progress import Snapshot

IDLE_S = 2.0  # how late a job is noticed that was put into the database without a word
HELD_S = 0.5  # how often a reason to wait is looked at again
LOOK_AFTER_S = 60.0  # memory of the hosts, while there are no jobs
SWEEP_S = 900.0


class Worker:
    """owner: what the jobs it works on are marked with. Threads: `run` is one; all else may come from any."""

    def __init__(
        self,
        owner: str,
        config: Config,
        queue: Queue,
        hosts: Hosts,
        deliver: Deliver,
        events: Events,
        log: Log,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.why = ""  # why the jobs wait
        self.at: Snapshot | None = None  # where the present job is
        self.job_id: str | None = None
        self._owner = owner
        self._config = config
        self._queue = queue
        self._hosts = hosts
        self._deliver = deliver
        self._events = events
        self._log = log
        self._clock = clock
        self._stop = Stop()
        self._wake = threading.Event()
        self._leaving = threading.Event()
        self._new_config: Config | None = None
        self._runner: Runner | None = None
        self._ahead = Ahead(queue, hosts, log, self._leaving.is_set)
        self._looked_after = self._swept = float("-inf")

    @property
    def state(self) -> str:
        if self._leaving.is_set():
            return "stopping"
        if self.job_id is not None:
            return "working"
        return "waiting" if self.why else "idle"

    # ------------------------------------------------------------ from other threads

    def wake(self) -> None:
        """Something may have changed: a new job, a cancelled one, a host that is ready."""
        if (runner := self._runner) is not None:
            runner.look()
        self._wake.set()

    def reload(self, config: Config) -> None:
        """Taken up between two jobs."""
        self._new_config = config
        self._wake.set()

    def leave(self) -> None:
        """No further job is taken; the present one goes on."""
        self._leaving.set()
        self._wake.set()

    def put_back(self) -> None:
        """The present job goes back into its place in line, at its next heartbeat."""
        self._stop.asked = "requeue"

    # ------------------------------------------------------------ the thread

    def run(self) -> None:
        """Until `leave`. Whatever happens, it goes on with the next job."""
        while not self._leaving.is_set():
            try:
                self._once()
            except Exception as e:
                self._log.error("worker_fault", error=repr(e), trace=e)
                self._recover()
                self._wake.wait(HELD_S)
        self._ahead.join()

    def _once(self) -> None:
        self._wake.clear()
        self._between_jobs()
        claim, why = self._next()
        if why != self.why:
            self.why = why
            self._log.event("held" if why else "released", **({"because": why} if why else {}))
            self._events.publish("queue", why=why)
        if claim is not None:
            self._work(claim)
        else:
            self._wake.wait(HELD_S if why else IDLE_S)

    def _next(self) -> tuple[Claim | None, str]:
        """The next job, or why there is none now ("": none is in line)."""
        if why := room(self._config) or self._hosts.why():
            return None, why
        try:
            return self._queue.claim(self._owner), ""
        except Unavailable as e:
            return None, e.message

    def _work(self, claim: Claim) -> None:
        self._log.event("job_claimed", job=claim.job_id, attempt=claim.attempt)
        self.job_id = claim.job_id
        self._runner = Runner(self._queue, self._config, self._hosts, self._deliver, self._stop, self._watch)
        self._tell(claim.job_id)
        try:
            self._runner.work(claim)
        finally:
            self._runner = self.job_id = self.at = None
            self._tell(claim.job_id)
        self._looked_after = float("-inf")

    def _watch(self, at: Snapshot) -> None:
        self.at = at
        self._events.publish(
            "progress", job=self.job_id, stage=at.stage, progress=round(at.fraction, 4), eta_s=at.eta_s
        )
        if self._config.queue.overlap and at.stage == "lipsync":
            self._ahead.begin(self._config)

    def _tell(self, job_id: str) -> None:
        """What has become of the job: to the log, and to all who listen."""
        try:
            row = self._queue.get(job_id)
            job = job_json(row, self._queue.position(row.id))
        except VigentdError:
            return  # hints only
        self._events.publish("job", **job)
        if row.state != "running":
            facts: dict[str, Any] = {"job": job_id, "state": str(row.state)}
            self._log.event("job_left", **facts, **({"error": row.error_code} if row.error_code else {}))

    def _between_jobs(self) -> None:
        if (config := self._new_config) is not None:
            self._new_config = None
            self._take_up(config)
        now = self._clock()
        if now - self._looked_after >= LOOK_AFTER_S:
            self._looked_after = now
            self._hosts.look_after()
        if now - self._swept >= SWEEP_S:
            self._swept = now
            self._sweep()

    def _take_up(self, config: Config) -> None:
        try:
            self._hosts.reload(config)
        except Unavailable as e:
            self._log.error("not_reloaded", message=e.message)
            return
        self._config = config
        self._log.configure(config)
        self._log.event("reloaded")

    def _sweep(self) -> None:
        try:
            swept = Housekeeping(self._config, self._queue, self._log).sweep()
        except (VigentdError, OSError) as e:
            self._log.warning("not_swept", error=str(e))
            return
        if swept.removed:
            self._log.event("swept", removed=len(swept.removed), freed_mb=swept.freed // 10**6)

    def _recover(self) -> None:
        """After a fault of ours no job may stay marked as running: nobody works on it."""
        try:
            take_back(self._config, self._queue)
        except VigentdError as e:
            self._log.error("not_recovered", message=e.message)
