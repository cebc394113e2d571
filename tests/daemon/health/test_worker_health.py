"""The worker's health, with a real queue and real files: what beats, and what is silent."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest

from daemon.config import Config
from daemon.control.events import Events
from daemon.engines.hosts import Hosts
from daemon.health.component import Component
from daemon.jobs import State
from daemon.lane import AT_WORK_S, BETWEEN_S, Lane
from daemon.logs.log import Log
from daemon.queue import Queue
from daemon.worker import Worker
from pipeline.copying import AT_ONCE, PIECE
from pipeline.deliver import deliver
from pipeline.job import Job
from pipeline.progress import JobProgress
from pipeline.spec import JobSpec, Settings
from pipeline.stages import Made, Stage
from pipeline.workspace import Workspace
from tests.daemon.health.kit import Clock, pass_by
from tests.daemon.health.test_database_probe import locked
from tests.log_kit import Written


class Engines:
    """Two stages, made here; `during` happens in the first. size: of the video."""

    def __init__(self) -> None:
        self.during: Callable[[JobProgress], object] = lambda _: None
        self.size = 10
        self.no_engine = ""

    def why(self) -> str:
        return self.no_engine

    @property
    def in_trouble(self) -> bool:
        return bool(self.no_engine)

    def look_after(self) -> None:
        pass

    def names(self, spec: JobSpec) -> dict[str, str]:
        return {}

    def notes(self, spec: JobSpec) -> list[str]:
        return []

    def job(self, job_id: str, spec: JobSpec, settings: Settings) -> Job:
        return Job(spec, settings)

    def folder(self, stage: Stage, job: Job, workspace: Workspace) -> Path:
        return workspace.folder(stage.name, {})

    def make(self, stage: Stage, job: Job, workspace: Workspace) -> Made:
        def work(folder: Path) -> None:
            if stage.name == "speech":
                self.during(cast(JobProgress, job.progress))
            (folder / "video.mp4").write_bytes(bytes(self.size if stage.name == "compose" else 0))
            (folder / "said.json").write_text(json.dumps({}))

        if (found := workspace.find(stage.name, {})) is not None:
            return Made(found, reused=True)
        return Made(workspace.make(stage.name, {}, work), reused=False)


class NoDoors:
    def bring_back(self, job_id: str) -> None:
        pass

    def job_left(self) -> None:
        pass

    def away(self) -> Mapping[str, str]:
        return {}


class Stand:
    def __init__(self, config: Config, queue: Queue) -> None:
        self.config, self.queue, self.clock, self.engines = config, queue, Clock(), Engines()
        self.log = Written()
        self.worker = Worker(
            "test", config, queue, cast(Hosts, self.engines), deliver, Events(), cast(Log, self.log),
            NoDoors(), self.clock,
        )  # fmt: skip
        self.thread = threading.Thread(target=self.worker.run)

    @contextmanager
    def running(self) -> Iterator[None]:
        self.thread.start()
        try:
            yield
        finally:
            self.worker.leave()
            self.thread.join(20)
            assert not self.thread.is_alive()

    def health(self) -> Component:
        (found,) = self.worker.health()
        return found


class Gate:
    """Where the work is held until the test has looked."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Semaphore(0), threading.Semaphore(0)

    def wait(self) -> None:
        self.reached.release()
        assert self.go_on.acquire(timeout=30)

    def until_reached(self) -> None:
        assert self.reached.acquire(timeout=20)


@pytest.fixture
def stand(config: Config, queue: Queue) -> Stand:
    return Stand(config, queue)


def test_a_worker_that_was_never_begun_a_busy_one_an_idle_one_and_one_that_left(
    stand: Stand, spec: JobSpec
) -> None:
    assert stand.health().state == "loading" and stand.health().vital
    gate = Gate()
    stand.engines.during = lambda _: gate.wait()
    job = stand.queue.submit(spec).id
    with stand.running():
        gate.until_reached()
        busy = stand.health()
        assert (busy.state, busy.facts["job"], busy.facts["stage"]) == ("busy", job, "speech")
        gate.go_on.release()
    assert stand.queue.get(job).state == State.DONE
    assert stand.health().state == "idle" and stand.health().well


def test_what_only_looks_whether_it_is_cancelled_is_alive_and_what_does_not_is_stalled(
    stand: Stand, spec: JobSpec
) -> None:
    """The first waits for a host, as long as that takes: an hour, here."""
    gate, silent = Gate(), threading.Event()

    def during(progress: JobProgress) -> None:
        while not silent.is_set():
            gate.wait()
            progress.check()

    stand.engines.during = during
    job = stand.queue.submit(spec).id
    with stand.running():
        gate.until_reached()
        for _ in range(60):
            waits = pass_by(60, stand.clock, stand.worker.health)
            assert waits.well and waits.state == "busy"
            gate.go_on.release()
            gate.until_reached()
        assert pass_by(AT_WORK_S, stand.clock, stand.worker.health).well
        late = pass_by(1, stand.clock, stand.worker.health)
        assert late.state == "stalled" and f"job {job}, in the speech stage" in late.trouble
        silent.set()
        gate.go_on.release()


def test_a_long_honest_copy_is_never_stalled_and_one_that_stands_still_is(
    stand: Stand, spec: JobSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share that takes a megabyte in a minute, and one that takes no more at all."""
    gate, real, stand.engines.size = Gate(), os.fsync, AT_ONCE + 3 * PIECE
    out = tmp_path / "share" / "a.mp4"
    out.parent.mkdir()
    on_share: list[int] = []

    def slow(fd: int) -> None:
        if Path(f"/proc/self/fd/{fd}").readlink().parent == out.parent:
            on_share.append(os.fstat(fd).st_size)
            gate.wait()
        real(fd)

    monkeypatch.setattr(os, "fsync", slow)
    stand.queue.submit(spec.model_copy(update={"out": out}))
    with stand.running():
        gate.until_reached()
        slowly = pass_by(AT_WORK_S - 20, stand.clock, stand.worker.health)
        assert slowly.well and slowly.state == "busy" and slowly.age_s > 60
        gate.go_on.release()
        gate.until_reached()
        assert stand.health().age_s < 1  # one piece got there
        assert pass_by(AT_WORK_S, stand.clock, stand.worker.health).well
        dead = pass_by(1, stand.clock, stand.worker.health)
        assert dead.state == "stalled" and "in the verify stage" in dead.trouble and dead.hint
        gate.go_on.release()
    assert on_share == [AT_ONCE, AT_ONCE + 3 * PIECE]
    assert out.stat().st_size == stand.engines.size


def test_one_that_waits_for_the_database_is_not_the_one_that_is_stuck(
    spec: JobSpec, config: Config, queue: Queue
) -> None:
    """What it says of a job must not be lost, and a lock may last; the database tells that itself."""
    with closing(Queue(config.database, busy_s=0.01)) as impatient:
        _wait_for_the_database(Stand(config, impatient), spec)


def _wait_for_the_database(stand: Stand, spec: JobSpec) -> None:
    holds, released = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(stand.config.database):
            holds.set()
            released.wait(30)

    holder = threading.Thread(target=hold)

    def during(_: JobProgress) -> None:
        holder.start()
        assert holds.wait(20)

    stand.engines.during = during
    job = stand.queue.submit(spec).id
    with stand.running():
        assert holds.wait(20)
        ages, until = [0.0], time.monotonic() + 20
        while sum(after < before for before, after in pairwise(ages)) < 3:
            assert time.monotonic() < until
            stand.clock.now += 1
            ages.append(stand.health().age_s)
            released.wait(0.02)  # the worker's own pauses are real ones
        released.set()
        holder.join(20)
    assert stand.queue.get(job).state == State.DONE


def test_one_that_is_gone_is_dead(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: Lane) -> None:
        raise SystemExit

    monkeypatch.setattr(stand.worker, "_once", gone)
    with suppress(SystemExit):
        stand.worker.run()
    dead = stand.health()
    assert dead.state == "dead" and "has ended" in dead.trouble and dead.vital


def test_idle_it_turns_round_and_silent_it_is_stalled(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    monkeypatch.setattr(stand.engines, "look_after", gate.wait)
    with stand.running():
        gate.until_reached()
        assert pass_by(BETWEEN_S, stand.clock, stand.worker.health).well
        late = pass_by(1, stand.clock, stand.worker.health)
        assert late.state == "stalled" and late.trouble == "The worker has got nowhere for 61 s"
        gate.go_on.release()
