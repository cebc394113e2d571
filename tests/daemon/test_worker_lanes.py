"""The worker with several lanes (`queue.lanes`), a real queue and real threads; only the engines are none.
With the real daemon: test_lanes.py."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast

import pytest

from daemon import service, worker
from daemon.config import Config
from daemon.control.events import Events
from daemon.engines.hosts import Hosts
from daemon.health.component import Component
from daemon.jobs import State
from daemon.lane import BETWEEN_S
from daemon.logs.log import Log
from daemon.queue import Queue
from daemon.service import Service
from daemon.worker import RELOADS, Worker
from models.errors import StageFailed
from models.host_errors import HostStalled
from pipeline.deliver import deliver
from pipeline.job import Job
from pipeline.progress import Snapshot
from pipeline.spec import JobSpec, Settings
from pipeline.stages import Made, Stage
from pipeline.workspace import Workspace
from tests.daemon.health.kit import Clock
from tests.daemon.health.test_worker_health import Engines, NoDoors
from tests.log_kit import Written

WAIT_S = 20.0


class Places(Engines):
    """A job is at work until it is let go; then, if there is something to raise for it, that is raised.

    lanes: so many can be made. begun: what each job says when its work begins."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes = 2
        self.begun = SimpleQueue[str]()
        self.let_go: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self.to_raise: defaultdict[str, list[BaseException]] = defaultdict(list)
        self.reloaded: list[Config] = []

    def job(self, job_id: str, spec: JobSpec, settings: Settings) -> Job:
        return Job(spec, settings, id=job_id)

    def make(self, stage: Stage, job: Job, workspace: Workspace) -> Made:
        if stage.name == "speech":
            self.begun.put(job.id)
            while not self.let_go[job.id].wait(0.01):
                job.progress.check()
            if self.to_raise[job.id]:
                raise self.to_raise[job.id].pop()
        return super().make(stage, job, workspace)

    def reload(self, config: Config) -> None:
        self.reloaded.append(config)
        self.lanes = config.queue.lanes


class Doors(NoDoors):
    """Tells how often a job has left, for a test to wait for."""

    def __init__(self) -> None:
        self.left = SimpleQueue[None]()

    def job_left(self) -> None:
        self.left.put(None)


class Told(Written):
    def configure(self, _: Config) -> None:
        pass


class Stand:
    """looks: what sort of reason keeps jobs waiting, and in words, at each look at the line."""

    def __init__(self, config: Config, queue: Queue, spec: JobSpec) -> None:
        self.config, self.queue, self.spec = config, queue, spec
        self.clock, self.places, self.doors, self.log = Clock(), Places(), Doors(), Told()
        self.looks = SimpleQueue[tuple[str, str]]()
        self.worker = Worker(
            "test", config, queue, cast(Hosts, self.places), deliver, Events(), cast(Log, self.log),
            self.doors, self.clock, held=lambda *reason: self.looks.put(reason),
        )  # fmt: skip
        self.thread = threading.Thread(target=self.worker.run, daemon=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        self.thread.start()
        try:
            yield
        finally:
            self.worker.leave()
            self.worker.put_back()
            self.thread.join(WAIT_S)
            assert not self.thread.is_alive()

    def submit(self, number: int = 1) -> list[str]:
        ids = [self.queue.submit(self.spec).id for _ in range(number)]
        self.worker.wake()
        return ids

    def begun(self, number: int = 1) -> set[str]:
        return {self.places.begun.get(timeout=WAIT_S) for _ in range(number)}

    def end(self, *jobs: str) -> list[State]:
        """They are let go; how they ended."""
        for job in jobs:
            self.places.let_go[job].set()
        for _ in jobs:
            self.doors.left.get(timeout=WAIT_S)
        return [self.state(job) for job in jobs]

    def state(self, job: str) -> State:
        return State(self.queue.get(job).state)

    def until_held(self, topic: str, why: str) -> None:
        while self.looks.get(timeout=WAIT_S) != (topic, why):
            pass

    def until_looked(self) -> None:
        """Whoever is at the counter now has looked at the line once from its beginning, and nobody took a
        job."""
        while not self.looks.empty():
            self.looks.get()
        for _ in range(2):
            self.worker.wake()
            self.looks.get(timeout=WAIT_S)

    def health(self) -> dict[str, Component]:
        return {part.name: part for part in self.worker.health()}

    def lane_of(self, job: str) -> int:
        (lane,) = (doing.lane for doing in self.worker.at_work if doing.job_id == job)
        return lane


@pytest.fixture
def spec(tmp_path: Path) -> JobSpec:
    """Its clip is there, so that no job is taken for one of which the folder is away."""
    (clip := tmp_path / "anna.mp4").touch()
    return JobSpec(script="Good morning.", clip=clip)


@pytest.fixture
def stand(config: Config, queue: Queue, spec: JobSpec) -> Stand:
    return Stand(with_lanes(config, 2), queue, spec)


def with_lanes(config: Config, lanes: int, **more: Any) -> Config:
    section = config.queue.model_copy(update={"lanes": lanes, **more})
    return config.model_copy(update={"queue": section})


def until(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)  # there is nothing to wait for that would tell


def test_each_lane_has_a_job_and_who_is_free_takes_the_next_one_in_line(stand: Stand) -> None:
    first, second, third, fourth = stand.submit(4)
    with stand.running():
        assert stand.begun(2) == {first, second}
        assert stand.queue.positions() == {third: 1, fourth: 2}
        health = stand.health()
        at_work = {part.facts["job"]: (part.state, part.facts["stage"]) for part in health.values()}
        assert set(health) == {"worker.1", "worker.2"}
        assert at_work == dict.fromkeys((first, second), ("busy", "speech"))
        lane = stand.lane_of(second)
        assert stand.end(second) == [State.DONE] and stand.begun() == {third}
        assert stand.end(third) == [State.DONE] and stand.begun() == {fourth}
        assert stand.lane_of(fourth) == lane and stand.state(first) == State.RUNNING
        assert stand.end(first, fourth) == [State.DONE, State.DONE]
    rows = [stand.queue.get(job) for job in (first, second, third, fourth)]
    assert [row.attempts for row in rows] == [1] * 4, "what one works on, the other does not take back"


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        ([StageFailed("no")], "stage_failed"),
        ([RuntimeError("a bug")], "internal"),
        ([HostStalled("stuck"), HostStalled("stuck")], "job_stalled"),
    ],
)
def test_a_job_that_fails_leaves_the_other_alone(
    stand: Stand, raised: list[BaseException], code: str
) -> None:
    good, bad = stand.submit(2)
    stand.places.to_raise[bad] = raised
    with stand.running():
        stand.begun(2)
        assert stand.end(bad) == [State.FAILED] and stand.queue.get(bad).error_code == code
        assert stand.state(good) == State.RUNNING
        assert stand.end(good) == [State.DONE]


def test_one_of_two_is_cancelled(stand: Stand) -> None:
    kept, unwanted = stand.submit(2)
    with stand.running():
        stand.begun(2)
        stand.queue.cancel(unwanted)
        stand.worker.wake()
        stand.doors.left.get(timeout=WAIT_S)
        assert (stand.state(unwanted), stand.state(kept)) == (State.CANCELLED, State.RUNNING)
        assert stand.end(kept) == [State.DONE]


def test_what_nobody_works_on_is_taken_back_beside_a_job_at_work(stand: Stand) -> None:
    (job,) = stand.submit()
    with stand.running():
        stand.begun()
        with stand.queue._db.writing():  # the worker must not be quicker
            orphan = stand.queue.submit(stand.spec).id
            assert stand.queue.claim("a ghost", orphan, lane=7) is not None
        stand.worker.wake()
        assert stand.begun() == {orphan}
        assert stand.end(orphan, job) == [State.DONE, State.DONE]
    assert (stand.queue.get(orphan).attempts, stand.queue.get(job).attempts) == (2, 1)


def test_a_fault_of_one_lane_is_not_the_other_ones(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    real, faulty = stand.doors.job_left, [True]

    def job_left() -> None:
        real()
        if faulty and faulty.pop():
            raise RuntimeError("a bug")

    monkeypatch.setattr(stand.doors, "job_left", job_left)
    first, second, third = stand.submit(3)
    with stand.running():
        stand.begun(2)
        assert stand.end(first) == [State.DONE]
        assert stand.begun() == {third} and stand.state(second) == State.RUNNING
        assert stand.end(second, third) == [State.DONE, State.DONE]
    assert stand.queue.get(second).attempts == 1
    assert [name for name, _ in stand.log.lines].count("worker_fault") == 1


def test_a_full_disk_holds_up_the_next_job_and_not_the_one_at_work(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = "Only 8 MB are free"
    (first,) = stand.submit()
    with stand.running():
        stand.begun()
        with monkeypatch.context() as patch:
            patch.setattr(worker, "room", lambda _: full)
            (second,) = stand.submit()
            stand.until_held("disk", full)
            assert (stand.worker.why, stand.worker.state) == (full, "working")
            assert (stand.state(first), stand.state(second)) == (State.RUNNING, State.QUEUED)
        assert stand.begun() == {second} and stand.worker.why == ""
        assert stand.end(first, second) == [State.DONE, State.DONE]


def test_a_new_configuration_comes_when_all_are_done_and_until_then_no_job_is_begun(stand: Stand) -> None:
    """Else it would never come, with a job at work at any time. It may bring fewer lanes, or more."""
    jobs = stand.submit(3)
    with stand.running():
        first, second = stand.begun(2)
        (third,) = set(jobs) - {first, second}
        stand.worker.reload(one := with_lanes(stand.config, 1))
        stand.end(first)
        stand.until_held("reload", RELOADS)
        assert (stand.worker.why, stand.places.reloaded) == (RELOADS, [])
        stand.end(second)
        assert stand.begun() == {third} and stand.places.reloaded == [one]
        assert stand.worker.lanes == 1 and list(stand.health()) == ["worker"]

        more = stand.submit(3)
        stand.worker.reload(three := with_lanes(stand.config, 3))
        stand.end(third)
        assert stand.begun(3) == set(more), "the three of them at a time"
        assert stand.places.reloaded == [one, three] and len(stand.health()) == 3
        assert stand.end(*more) == [State.DONE] * 3
    until(lambda: not [one for one in threading.enumerate() if one.name.startswith("worker-")])


def test_no_more_are_taken_than_there_are_who_make_lips(stand: Stand) -> None:
    stand.places.lanes = 1
    first, second = stand.submit(2)
    with stand.running():
        assert stand.begun() == {first}
        stand.until_looked()
        assert stand.worker.lanes == 1 and stand.state(second) == State.QUEUED
        stand.places.lanes = 2
        stand.worker.wake()
        assert stand.begun() == {second}
        stand.end(first, second)


def test_told_to_leave_those_stay_that_are_nearly_done(stand: Stand) -> None:
    for lane, eta_s in zip(stand.worker._lanes, (30.0, 3.0), strict=True):
        lane.at = Snapshot("lipsync", 0.9, 0.9, eta_s, 7)
    assert stand.worker.put_back(spare_s=20)
    assert [lane.stop.asked for lane in stand.worker._lanes] == ["requeue", ""]
    assert not stand.worker.put_back()
    assert [lane.stop.asked for lane in stand.worker._lanes] == ["requeue", "requeue"]


def test_told_to_go_all_of_them_are_put_back_where_they_were(stand: Stand) -> None:
    jobs = stand.submit(3)
    with stand.running():
        stand.begun(2)
    assert list(stand.queue.positions()) == jobs
    assert [stand.queue.get(job).attempts for job in jobs] == [0, 0, 0]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("lane", [0, 1])
def test_a_lane_that_has_died_is_seen_and_the_other_one_comes_to_its_end(stand: Stand, lane: int) -> None:
    jobs = stand.submit(2)
    with stand.running():
        stand.begun(2)
        (victim,) = (job for job in jobs if stand.lane_of(job) == lane)
        (other,) = set(jobs) - {victim}
        stand.places.to_raise[victim] = [SystemExit()]
        assert not stand.worker.dead
        stand.end(victim)
        until(lambda: stand.worker.dead)
        dead = stand.health()[f"worker.{lane + 1}"]
        assert dead.state == "dead" and dead.vital and "has ended" in dead.trouble
        stand.worker.leave()
        assert stand.thread.is_alive() and stand.state(other) == State.RUNNING
        assert stand.end(other) == [State.DONE]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_daemon_ends_when_a_lane_has(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, config: Config
) -> None:
    """One lane less would go unseen, where nobody looks at its health."""
    monkeypatch.setattr(service, "WORKER_EVERY_S", 0.01)
    stand.places.to_raise[(job := stand.submit()[0])] = [SystemExit()]
    stand.places.let_go[job].set()

    async def until_stopped(alive: threading.Thread) -> bool:
        daemon = Service(lambda: config, deliver, "test", "1")
        daemon._told_to_stop = asyncio.Event()
        return await asyncio.wait_for(daemon._until_stopped(stand.worker, alive), WAIT_S)

    with stand.running():
        assert asyncio.run(until_stopped(threading.current_thread()))


def test_a_lane_that_waits_at_the_counter_is_alive_and_the_one_that_hangs_there_is_not(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "HELD_S", 0.002)
    hangs, go_on = threading.Event(), threading.Event()

    def look_after() -> None:
        hangs.set()
        go_on.wait(WAIT_S)

    monkeypatch.setattr(stand.places, "look_after", look_after)
    with stand.running():
        assert hangs.wait(WAIT_S)
        for _ in range(int(BETWEEN_S) + 1):
            stand.clock.now += 1
            until(lambda: min(part.age_s for part in stand.worker.health()) == 0)
        waits, stuck = sorted(stand.health().values(), key=lambda part: part.age_s)
        go_on.set()
    assert waits.well and stuck.state == "stalled"


def test_where_the_machine_gives_no_more_threads_one_lane_has_to_do(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name == "worker-2":
            raise RuntimeError("can't start new thread")
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    first, second = stand.submit(2)
    with stand.running():
        for job in (first, second):
            assert stand.begun() == {job} and stand.worker.lanes == 1
            assert stand.end(job) == [State.DONE]
    assert stand.health().keys() == {"worker"}


@pytest.mark.parametrize(("lanes", "ahead"), [(1, True), (2, False)])
def test_with_several_lanes_nothing_is_spoken_ahead(
    config: Config, queue: Queue, spec: JobSpec, monkeypatch: pytest.MonkeyPatch, lanes: int, ahead: bool
) -> None:
    stand, begun = Stand(with_lanes(config, lanes, overlap=True), queue, spec), list[Config]()
    monkeypatch.setattr(stand.worker._ahead, "begin", begun.append)
    (job,) = stand.submit()
    with stand.running():
        assert stand.end(job) == [State.DONE]
    assert bool(begun) == ahead
