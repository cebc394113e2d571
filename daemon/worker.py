"""The daemon's worker: one thread that takes one job after the other from the queue.

It takes none while there is a reason not to: an engine is not there, or the disk is nearly full. Then
the jobs wait, for they would fail one after the other for something that none of them is to blame for.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from daemon.config import Config
from daemon.control.events import Events
from daemon.disk.housekeeping import room, tidy_all
from daemon.engines.ahead import Ahead
from daemon.engines.hosts import Hosts
from daemon.health.component import Component, State
from daemon.health.heart import Heart
from daemon.jobs import job_json
from daemon.logs.log import Log
from daemon.queue import Claim, Queue
from daemon.recovery import take_back
from daemon.runner import Deliver, Runner
from daemon.stop import Stop
from models.beats import beat, heard
from models.errors import Unavailable, VigentdError
from pipeline.progress import Snapshot
from pipeline.stages import patient

IDLE_S = 2.0  # how late a job is noticed that was put into the database without a word
HELD_S = 0.5  # how often a reason to wait is looked at again
AWAY_S = 3.0  # in which it is known that a folder is away
LOOK_AFTER_S = 60.0  # memory of the hosts, while there are no jobs
# How long it may be silent. At work it is heard at least whenever it looks whether the job is cancelled;
# what hangs in a host is found by the one who waits for that host.
BETWEEN_S, AT_WORK_S = 60.0, 120.0


class Reason(NamedTuple):
    """Why the jobs wait; kind: what stays the same while the words change; topic: of which sort it is,
    if not the kind itself."""

    kind: str = ""
    why: str = ""
    topic: str = ""


class Doors(Protocol):
    """Where jobs come from, and where it matters what becomes of them."""

    def bring_back(self, job_id: str) -> None:
        """The job is about to be worked on."""

    def job_left(self) -> None:
        """A job has ended, or is in line again."""

    def away(self) -> Mapping[str, str]:
        """The sources of jobs whose files cannot be had now, and why."""


class Worker:
    """owner: what the jobs it works on are marked with. held: told at every look of what sort of reason keeps
    the jobs waiting, and in words; "" for none. Threads: `run` is one; all else may come from any."""

    def __init__(
        self,
        owner: str,
        config: Config,
        queue: Queue,
        hosts: Hosts,
        deliver: Deliver,
        events: Events,
        log: Log,
        doors: Doors,
        clock: Callable[[], float] = time.monotonic,
        held: Callable[[str, str], None] = lambda _topic, _why: None,
        left: Callable[[], None] = lambda: None,
    ) -> None:
        self.why = ""  # why the jobs wait
        self.at: Snapshot | None = None  # where the present job is
        self.job_id: str | None = None
        self.refused: Unavailable | None = None  # why the last new configuration was not taken up
        self._owner = owner
        self._config = config
        self._queue = queue
        self._hosts = hosts
        self._deliver = deliver
        self._events = events
        self._log = log
        self._doors = doors
        self._clock = clock
        self._held = held
        self._left = left
        self._stop = Stop()
        self._wake = threading.Event()
        self._leaving = threading.Event()
        self._reloads: deque[Config] = deque(maxlen=1)
        self._runner: Runner | None = None
        self._ahead = Ahead(queue, hosts, log, self._leaving.is_set)
        self._tidied = False  # of what was left when the last daemon died
        self._told = ""  # the kind of the reason that was told
        self._looked_after = float("-inf")
        self._heart = Heart(clock)
        self._lives: bool | None = None  # None: not yet

    def health(self) -> Iterable[Component]:
        job_id, at, age_s = self.job_id, self.at, self._heart.age_s()
        budget_s = AT_WORK_S if job_id else BETWEEN_S
        state: State = "busy" if job_id else "loading" if self._lives is None else "idle"
        trouble = hint = ""
        if self._lives is False and not self._leaving.is_set():
            state, trouble, hint = "dead", "The daemon's worker has ended", "Its log says more."
        elif age_s > budget_s:
            state = "stalled"
            where = f" at job {job_id}" + (f", in the {at.stage} stage" if at else "") if job_id else ""
            trouble = f"The worker has got nowhere{where} for {age_s:.0f} s"
            hint = "Does a disk, or the place where results go, not answer?"
        facts: dict[str, Any] = {"job": job_id, "why": self.why}
        if at is not None:
            facts |= {"stage": at.stage, "progress": round(at.fraction, 4), "loading": at.loading}
        yield Component("worker", state, age_s, budget_s, trouble, hint, vital=True, facts=facts)

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
        self._reloads.append(config)
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
        self._lives = True
        try:
            with heard(self._heart.beat):
                self._run()
        finally:
            self._lives = False

    def _run(self) -> None:
        while not self._leaving.is_set():
            try:
                self._once()
            except Exception as e:
                self._log.error("worker_fault", error=repr(e), trace=e)
                self._wake.wait(HELD_S)
        self._ahead.join()

    def _once(self) -> None:
        beat()
        self._wake.clear()
        self._between_jobs()
        claim, reason = self._next()
        if reason.kind != self._told:  # how much room there is, say, changes all the time
            self._told = reason.kind
            if reason.why:
                self._log.event("held", because=reason.why)
            else:
                self._log.event("released")
            self._events.publish("queue", why=reason.why)
        self.why = reason.why
        self._held(reason.topic or reason.kind, reason.why)
        if claim is not None:
            self._work(claim)
        else:
            self._wake.wait(HELD_S if reason.why else IDLE_S)

    def _next(self) -> tuple[Claim | None, Reason]:
        """The next job, or why there is none now."""
        try:
            self._take_back()
            if why := room(self._config):
                return None, Reason("disk", why)
            if why := self._hosts.why():
                return None, Reason(why, why, "engine" if self._hosts.in_trouble else "loading")
            away = self._doors.away()
            claim = self._queue.claim(self._owner, without=away)
            if claim is None and away and self._queue.next() is not None:
                return None, Reason("away", next(iter(away.values())))
            return claim, Reason()
        except Unavailable as e:
            return None, Reason(e.code, e.message)

    def _take_back(self) -> None:
        """A job that is marked as running while nobody works lost its daemon, or its last word."""
        if not self._tidied:
            tidy_all(self._config)
            self._tidied = True
        for row in take_back(self._config, self._queue):
            self._log.event("recovered", job=row.id, attempts=row.attempts)

    def _work(self, claim: Claim) -> None:
        self._log.event("job_claimed", job=claim.job_id, attempt=claim.attempt)
        self.job_id = claim.job_id
        self._runner = Runner(
            self._queue,
            self._config,
            self._hosts,
            self._deliver,
            self._stop,
            self._watch,
            self._ahead.drop,
            steps=patient(self._config.health.patience),
            absent=self._is_absent,
            patience_s=math.inf,
        )
        self._tell(claim.job_id)
        try:
            self._bring_back(claim.job_id)
            self._runner.work(claim)
        finally:
            self._runner = self.job_id = self.at = None
            self._tell(claim.job_id)
            self._doors.job_left()
            self._left()
        self._looked_after = float("-inf")

    def _is_absent(self, claim: Claim) -> bool:
        """Its files are gone with the whole folder that they came from; that is noticed a moment later."""
        until = self._clock() + AWAY_S
        while not claim.spec.clip.exists() and self._clock() < until and not self._leaving.is_set():
            if self._queue.get(claim.job_id).source in self._doors.away():
                return True
            self._wake.wait(HELD_S / 5)
        return False

    def _bring_back(self, job_id: str) -> None:
        try:
            self._doors.bring_back(job_id)
        except (VigentdError, OSError) as e:  # the job itself will say what it lacks
            self._log.warning("not_brought_back", job=job_id, because=str(e))

    def _watch(self, at: Snapshot) -> None:
        self.at = at
        self._events.publish(
            "progress",
            job=self.job_id,
            stage=at.stage,
            progress=round(at.fraction, 4),
            eta_s=at.eta_s,
            loading=at.loading,
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
        with suppress(IndexError):
            self._take_up(self._reloads.pop())
        now = self._clock()
        if now - self._looked_after >= LOOK_AFTER_S:
            self._looked_after = now
            self._hosts.look_after()

    def _take_up(self, config: Config) -> None:
        try:
            self._hosts.reload(config)
        except Unavailable as e:
            self.refused = e
            self._log.error("not_reloaded", code=e.code, message=e.message, hint=e.hint)
            return
        self.refused = None
        self._config = config
        self._queue.max_attempts = config.queue.max_attempts
        self._log.configure(config)
        self._log.event("reloaded")
