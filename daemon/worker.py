"""The daemon's worker: a thread that takes one job after the other from the queue; with `queue.lanes`, so
many of them, the lanes, each with a job of its own.

It takes none while there is a reason not to: an engine is not there, or the disk is nearly full. Then
the jobs wait, for they would fail one after the other for something that none of them is to blame for.

Only one lane at a time looks for a job, at the *counter*. So jobs are taken in the order of the line, and
what is done between two jobs is done once. A new configuration is taken up when no lane is at work; until
then no lane begins another job.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from daemon.config import Config
from daemon.control.events import Events
from daemon.disk.housekeeping import room, tidy_all
from daemon.engines.ahead import Ahead
from daemon.engines.hosts import Hosts
from daemon.health.component import Component
from daemon.jobs import job_json
from daemon.lane import Doing, Lane
from daemon.logs.log import Log
from daemon.queue import Claim, Queue
from daemon.recovery import take_back
from daemon.runner import Deliver, Runner
from models.beats import beat, heard
from models.errors import Unavailable, VigentdError
from pipeline.progress import Snapshot
from pipeline.stages import patient

IDLE_S = 2.0  # how late a job is noticed that was put into the database without a word
HELD_S = 0.5  # how often a reason to wait is looked at again
AWAY_S = 3.0  # in which it is known that a folder is away
LOOK_AFTER_S = 60.0  # memory of the hosts, while there are no jobs
RELOADS = "A new configuration is taken up when the jobs at work are done"


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
    the jobs waiting, and in words; "" for none. Threads: `run` is the first lane's, and begins those of the
    others; all else may come from any."""

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
        self._wake = threading.Event()
        self._leaving = threading.Event()
        self._reloads: deque[Config] = deque(maxlen=1)
        self._lanes = tuple(Lane(number, clock) for number in range(config.queue.lanes))
        self._counter = threading.Lock()
        self._files = threading.Lock()  # of the doors: two jobs may have come together
        self._ahead = Ahead(queue, hosts, log, self._leaving.is_set)
        self._tidied = False  # of what was left when the last daemon died
        self._reason = Reason()  # that was told
        self._looked_after = float("-inf")

    def health(self) -> Iterable[Component]:
        """Of "worker"; of several lanes "worker.1", …"""
        lanes, leaving = self._lanes, self._leaving.is_set()
        for lane in lanes:
            name = "worker" if len(lanes) == 1 else f"worker.{lane.number + 1}"
            yield lane.health(name, leaving, self.why)

    @property
    def at_work(self) -> Sequence[Doing]:
        """What the lanes do, those that do something."""
        return [doing for lane in self._lanes if (doing := lane.doing) is not None]

    @property
    def job_id(self) -> str | None:
        """The job at work; of several, the first lane's."""
        return next((doing.job_id for doing in self.at_work), None)

    @property
    def state(self) -> str:
        if self._leaving.is_set():
            return "stopping"
        if self.at_work:
            return "working"
        return "waiting" if self.why else "idle"

    @property
    def dead(self) -> bool:
        """A lane has ended, and nobody told it to."""
        return not self._leaving.is_set() and any(lane.lives is False for lane in self._lanes)

    @property
    def lanes(self) -> int:
        """So many jobs can be worked on side by side now."""
        wanted = len(self._lanes)
        return wanted if wanted == 1 else max(1, min(wanted, self._hosts.lanes))

    # ------------------------------------------------------------ from other threads

    def wake(self) -> None:
        """Something may have changed: a new job, a cancelled one, a host that is ready."""
        for lane in self._lanes:
            lane.look()
        self._wake.set()

    def reload(self, config: Config) -> None:
        """Taken up between two jobs; of several lanes, when none is at work."""
        self._reloads.append(config)
        self._wake.set()

    def leave(self) -> None:
        """No further job is taken; the present ones go on."""
        self._leaving.set()
        self._wake.set()

    def put_back(self, spare_s: float = -math.inf) -> bool:
        """The present jobs go back into their places in line, at their next heartbeats; but for those that
        will be done in so many seconds. Returns whether there are any such."""
        spared = False
        for lane in self._lanes:
            at = lane.at
            if at is not None and at.eta_s is not None and at.eta_s <= spare_s:
                spared = True
            else:
                lane.stop.asked = "requeue"
        return spared

    # ------------------------------------------------------------ the lanes' threads

    def run(self) -> None:
        """Until `leave`, and until the jobs at work have ended. Whatever happens, it goes on with the next
        job."""
        first = self._lanes[0]
        self._begin_others()
        with heard(first.heart.beat):
            try:
                self._live(first)
            finally:  # the others may still be at work, also when this one died
                self._until_all_left()

    def _live(self, lane: Lane) -> None:
        lane.lives = True
        try:
            with heard(lane.heart.beat):
                while self._wants(lane):
                    try:
                        self._once(lane)
                    except Exception as e:
                        lane.free()
                        self._log.error("worker_fault", error=repr(e), trace=e)
                        self._wake.wait(HELD_S)
        finally:
            lane.lives = False

    def _wants(self, lane: Lane) -> bool:
        return lane in self._lanes and not self._leaving.is_set()

    def _begin_others(self) -> None:
        """As many lanes as are configured, each with a thread; those that are too many leave."""
        wanted = self._config.queue.lanes
        lanes = [*self._lanes, *(Lane(n, self._clock) for n in range(len(self._lanes), wanted))][:wanted]
        self._lanes = tuple(lanes)
        for lane in lanes[1:]:
            if lane.thread is None:
                name = f"worker-{lane.number + 1}"
                lane.thread = threading.Thread(target=self._live, args=(lane,), name=name, daemon=True)
                try:
                    lane.thread.start()
                except RuntimeError as e:  # the machine gives no more threads: so many have to do
                    self._lanes = tuple(lanes[: lane.number])
                    self._log.error("lane_not_begun", lane=lane.number + 1, because=str(e))
                    return

    def _until_all_left(self) -> None:
        for lane in self._lanes[1:]:
            while lane.thread is not None and lane.thread.is_alive():
                beat()
                lane.thread.join(HELD_S)
        self._ahead.join()

    def _once(self, lane: Lane) -> None:
        beat()
        with _turn(self._counter):
            claim = self._at_the_counter(lane) if self._wants(lane) else None
        if claim is not None:
            self._work(claim, lane)

    def _at_the_counter(self, lane: Lane) -> Claim | None:
        """The next job for this lane; None after a while without any."""
        self._wake.clear()
        self._between_jobs()
        claim, reason = self._next(lane) if self._wants(lane) else (None, self._reason)
        if reason.kind != self._reason.kind:  # how much room there is, say, changes all the time
            if reason.why:
                self._log.event("held", because=reason.why)
            else:
                self._log.event("released")
            self._events.publish("queue", why=reason.why)
        self._reason, self.why = reason, reason.why
        self._held(reason.topic or reason.kind, reason.why)
        if claim is None:
            self._wake.wait(HELD_S if reason.why else IDLE_S)
        return claim

    def _next(self, lane: Lane) -> tuple[Claim | None, Reason]:
        """The next job, which is the lane's from then on; or why there is none now."""
        try:
            if self._reloads:  # the others leave off first
                return None, Reason("reload", RELOADS) if self.at_work else self._reason
            self._take_back()
            if why := room(self._config):
                return None, Reason("disk", why)
            if why := self._hosts.why():
                return None, Reason(why, why, "engine" if self._hosts.in_trouble else "loading")
            if len(self.at_work) >= self.lanes:
                return None, Reason()
            away = self._doors.away()
            claim = self._queue.claim(self._owner, without=away, lane=lane.number)
            if claim is not None:
                lane.job_id = claim.job_id
            elif away and self._queue.next() is not None:
                return None, Reason("away", next(iter(away.values())))
            return claim, Reason()
        except Unavailable as e:
            return None, Reason(e.code, e.message)

    def _take_back(self) -> None:
        """A job that is marked as running while nobody works on it lost its daemon, or its last word."""
        if not self._tidied:
            tidy_all(self._config)
            self._tidied = True
        for row in take_back(self._config, self._queue, [doing.job_id for doing in self.at_work]):
            self._log.event("recovered", job=row.id, attempts=row.attempts)

    def _work(self, claim: Claim, lane: Lane) -> None:
        several: dict[str, Any] = {"lane": lane.number + 1} if len(self._lanes) > 1 else {}
        self._log.event("job_claimed", job=claim.job_id, attempt=claim.attempt, **several)
        lane.runner = runner = Runner(
            self._queue,
            self._config,
            self._hosts,
            self._deliver,
            lane.stop,
            lambda at: self._watch(lane, at),
            self._ahead.drop,
            steps=patient(self._config.health.patience),
            absent=self._is_absent,
            patience_s=math.inf,
        )
        self._tell(claim.job_id)
        try:
            self._bring_back(claim.job_id)
            runner.work(claim)
        finally:
            lane.free()
            self._tell(claim.job_id)
            self._doors.job_left()
            self._left()
        self._looked_after = float("-inf")
        self._wake.set()  # for the one at the counter: there may be room for another job now

    def _is_absent(self, claim: Claim) -> bool:
        """Its files are gone with the whole folder that they came from; that is noticed a moment later."""
        until = self._clock() + AWAY_S
        while not claim.spec.clip.exists() and self._clock() < until and not self._leaving.is_set():
            if self._queue.get(claim.job_id).source in self._doors.away():
                return True
            self._leaving.wait(HELD_S / 5)
        return False

    def _bring_back(self, job_id: str) -> None:
        try:
            with _turn(self._files):
                self._doors.bring_back(job_id)
        except (VigentdError, OSError) as e:  # the job itself will say what it lacks
            self._log.warning("not_brought_back", job=job_id, because=str(e))

    def _watch(self, lane: Lane, at: Snapshot) -> None:
        lane.at = at
        self._events.publish(
            "progress",
            job=lane.job_id,
            stage=at.stage,
            progress=round(at.fraction, 4),
            eta_s=at.eta_s,
            loading=at.loading,
        )
        queue = self._config.queue
        if queue.overlap and queue.lanes == 1 and at.stage == "lipsync":
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
        if self._reloads and not self.at_work:
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
        self._begin_others()
        self._log.event("reloaded")


@contextmanager
def _turn(lock: threading.Lock) -> Iterator[None]:
    """Who waits for another lane is not stuck; that one may be."""
    while not lock.acquire(timeout=HELD_S):
        beat()
    try:
        yield
    finally:
        lock.release()
