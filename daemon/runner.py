"""Walks one claimed job through the stages, keeps its row and its log, and always leaves a clear state.

Whatever happens, the job ends as done, failed or cancelled, or goes back into its place in line;
only the sudden death of this process leaves it running, and `Queue.recover` is there for that.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from daemon import setbacks
from daemon.config import Config
from daemon.disk.housekeeping import tidy_job
from daemon.disk.inventory import WORK
from daemon.engines.roster import EngineAway, Roster
from daemon.folders import make_private
from daemon.logs.joblog import JobLog
from daemon.queue import Claim, Queue, Superseded
from daemon.setbacks import Setback
from daemon.stop import Stop
from daemon.store import history
from daemon.store.patience import persist
from daemon.wording import in_words
from models.beats import beat
from models.errors import Cancelled, ProcessDied, StageFailed, Unavailable, VigentdError
from models.host_errors import GpuFault, HostStalled
from models.memory import give_back
from pipeline import stages
from pipeline.early import Early
from pipeline.job import Job
from pipeline.progress import JobProgress, Snapshot
from pipeline.stages import Made, Stage
from pipeline.workspace import Workspace

PROGRESS_EVERY_S = 0.5  # one small transaction; also how soon a cancel is noticed


Deliver = Callable[[Path, Path, Path], object]  # `pipeline.deliver.deliver`: compose, captions, out
T = TypeVar("T")


@dataclass
class Runner:
    """queue: where the job was claimed. deliver: the pipeline's. watch: gets every Snapshot, for a progress
    bar. settle: told before the files of a job are tidied; ends what else works on them. patience_s: how
    long a database that cannot be written is waited for; the work is done, and only its word is missing.
    now, clock: the time of day, and monotonic seconds. absent: whether what a job is made of is away now,
    and may come back."""

    queue: Queue
    config: Config
    roster: Roster
    deliver: Deliver
    stop: Stop = field(default_factory=Stop)
    watch: Callable[[Snapshot], None] = lambda _: None
    settle: Callable[[str], None] = lambda _: None
    steps: Sequence[Stage] = stages.STAGES
    patience_s: float = 60.0
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    clock: Callable[[], float] = time.monotonic
    absent: Callable[[Claim], bool] = lambda _: False
    sleep: Callable[[float], None] = time.sleep
    _look: bool = False
    _deaths: int = 0  # of processes, under this job

    def look(self) -> None:
        """From any thread: a cancel may have been asked for, so look at once."""
        self._look = True

    def work(self, claim: Claim) -> None:
        """To the end of the job. What the job is to blame for is not raised; KeyboardInterrupt goes on up."""
        log = JobLog(self.config.job_log(claim.job_id), self.now)
        log.event("claimed", job=claim.job_id, attempt=claim.attempt)
        try:
            output = self._make(claim, log)
            self._persist(lambda: self._tidy(claim, keep=()))
            self._persist(lambda: self.queue.finish(claim, output))
            log.event("done", output=output)
        except Superseded as e:
            log.event("superseded", message=e.message)  # another worker has it now: not a word from us
        except BaseException as e:
            self._gave_up(claim, log, e)
            if not isinstance(e, Exception):
                raise

    def _tidy(self, claim: Claim, keep: Collection[str]) -> None:
        """Before the last word about the job: after that, nobody comes by again."""
        self.queue.asked_to_stop(claim)  # raises Superseded: then these files are another worker's
        self.settle(claim.job_id)
        tidy_job(self.config, claim.job_id, claim.spec.out, keep)

    def _make(self, claim: Claim, log: JobLog) -> Path:
        """Runs the stages and delivers. Returns where the video is."""
        spec = claim.spec
        engines, notes = self.roster.names(spec), self.roster.notes(spec)
        self._persist(lambda: self.queue.record(claim, engines=engines, notes=notes))
        log.event("engines", **engines)
        workspace = Workspace(self.config.job_dir(claim.job_id) / WORK)
        progress = self._progress(claim, log, engines)
        job = stages.run(
            self.roster.job(claim.job_id, spec, self.config.settings),
            workspace,
            progress,
            _Record(self, claim, log, engines, progress),
            lambda *stage: self._make_stage(claim, log, *stage),
            self.steps,
            Early(self.roster.folder, self.roster.make, lambda *why: _dropped(log, *why)),
        )
        return self._deliver(claim, job)

    def _make_stage(self, claim: Claim, log: JobLog, stage: Stage, job: Job, workspace: Workspace) -> Made:
        """Asked for again when its process died under it; a stage goes on where it can.

        Raises StageFailed when the job has stopped its processes once too often: it may be the job that
        does, and others wait."""
        for death in itertools.count(1):
            try:
                return self.roster.make(stage, job, workspace)
            except (HostStalled, GpuFault) as e:
                self._set_back(claim, log, stage, e)
                if self.stop.asked:
                    raise
            except ProcessDied as e:
                self._process_gone(claim, log, stage, e)
                if death >= self.config.queue.max_attempts or self.stop.asked:
                    raise
        raise AssertionError  # the loop has no end of its own

    def _process_gone(self, claim: Claim, log: JobLog, stage: Stage, error: ProcessDied) -> None:
        self._deaths += 1
        log.event("process_gone", stage=stage.name, **error.as_dict())
        facts = {"stage": stage.name, "reason": error.message}
        self._persist(lambda: self.queue.milestone(claim, "process_gone", **facts))

    def _set_back(self, claim: Claim, log: JobLog, stage: Stage, error: Setback) -> None:
        """Raises StageFailed when it was once too often, Cancelled when that was asked for meanwhile."""
        name, facts = setbacks.milestone(error), setbacks.facts(error, stage.name)
        if setbacks.counts_as_try(error):
            self._deaths += 1
        log.event(name, **facts, code=error.code, hint=error.hint)
        self._persist(lambda: self.queue.milestone(claim, name, **facts))
        times = self._persist(lambda: self.queue.times(claim.job_id, name))
        if self._persist(lambda: self.queue.asked_to_stop(claim)):
            raise Cancelled
        if setbacks.too_often(error, times):
            raise setbacks.set_aside(error, times, stage.name, claim.job_id) from error

    def _progress(self, claim: Claim, log: JobLog, engines: dict[str, str]) -> JobProgress:
        cancel_asked = False

        def tell(at: Snapshot) -> None:
            nonlocal cancel_asked
            try:
                cancel_asked = self.queue.progress(claim, at)
            except Unavailable as e:  # a report may be lost; the work goes on, and the next one tells more
                log.event("unreported", **e.as_dict())
            try:
                self.watch(at)
            except Exception as e:  # who looks on is not part of the work
                log.trace(e)

        def cancelled() -> bool:
            nonlocal cancel_asked
            beat()
            if self._look:
                self._look = False
                with suppress(Unavailable):
                    cancel_asked = self.queue.asked_to_stop(claim)
            return cancel_asked or bool(self.stop.asked)

        times = self.queue.stage_times()
        expected = history.expected(claim.spec, engines, self.steps, times)
        return JobProgress(
            expected.weights,
            on_change=tell,
            cancelled=cancelled,
            clock=self.clock,
            every_s=PROGRESS_EVERY_S,
            expected=expected.certain,
        )

    def _deliver(self, claim: Claim, job: Job) -> Path:
        # The last moment to notice that the job was given to somebody else, or given up.
        if self.queue.asked_to_stop(claim) or self.stop.asked:
            raise Cancelled
        kept = self.config.results / f"{claim.job_id}.mp4"
        make_private(kept.parent)
        compose, captions = job.artifacts["compose"], job.artifacts["captions"]
        self.deliver(compose, captions, kept)
        if claim.spec.out is None:
            return kept
        try:
            self.deliver(compose, captions, claim.spec.out)
        except VigentdError as e:
            hint = (
                f"The finished video is {kept}; `vigentd retry {claim.job_id} --wait` tries again to copy it."
            )
            raise type(e)(e.message, code=e.code, hint=hint) from e
        return claim.spec.out

    def _gave_up(self, claim: Claim, log: JobLog, error: BaseException) -> None:
        """Whatever was raised becomes the job's state; the traceback of a bug goes into the log."""
        told = self._in_words(error, log)
        try:
            with suppress(Unavailable):
                self._tidy(claim, stages.RESUMABLE)
            if self.stop.asked == "requeue" or self._may_wait(claim, error):
                self._persist(lambda: self.queue.release(claim, tried=self._deaths > 0))
                because = "the worker was told to stop" if self.stop.asked else told.message
                log.event("requeued", because=because)
            else:
                self._persist(lambda: self.queue.fail(claim, told))
                log.event("cancelled" if isinstance(told, Cancelled) else "failed", **told.as_dict())
        except Superseded as e:
            log.event("superseded", message=e.message)

    def _may_wait(self, claim: Claim, error: BaseException) -> bool:
        """For an engine that is away, unless this job itself may be what ends its processes; and for its
        files, when their disk is away."""
        worn_out = self._deaths > 0 and claim.attempt >= self.config.queue.max_attempts
        away = isinstance(error, EngineAway) or (not isinstance(error, Cancelled) and self.absent(claim))
        return away and not worn_out

    def _in_words(self, error: BaseException, log: JobLog) -> VigentdError:
        # Once the work is told to stop, what it stumbles over on the way out is not the reason.
        if self.stop.asked or isinstance(error, KeyboardInterrupt):
            return Cancelled()
        if isinstance(error, StageFailed) or not isinstance(error, VigentdError):
            log.trace(error)
        return in_words(error, lambda _: log.path, f"run `vigentd retry {log.path.parent.name} --wait`")

    def _persist(self, say: Callable[[], T]) -> T:
        """A word that must not be lost; nobody is waited for any more once the work is told to stop."""
        until = self.clock() + self.patience_s

        def enough() -> bool:
            beat()  # it is not stuck, it waits; the database is
            return bool(self.stop.asked) or self.clock() > until

        return persist(say, enough, self.sleep)


@dataclass
class _Record:
    """Keeps what each stage took, for the person and for the next job's ETA. What was loaded for it is told
    in the log alone: a daemon has it loaded before."""

    runner: Runner
    claim: Claim
    log: JobLog
    engines: dict[str, str]
    progress: JobProgress

    def __post_init__(self) -> None:
        self._began, self._loaded_s = self.runner.clock(), 0.0
        self._whole = True  # a stage after a reused one may have found a part of its work done

    def __call__(self, name: str, made: Made) -> None:
        clock, queue = self.runner.clock, self.runner.queue
        loading_s = self.progress.loaded_s - self._loaded_s
        seconds = 0.0 if made.reused else clock() - self._began - loading_s
        self._began, self._loaded_s = clock(), self.progress.loaded_s
        reports = _reports(made.artifact)
        notes = [
            str(note) for report in reports if isinstance(told := report.get("notes"), list) for note in told
        ]
        if made.reused:
            self._whole = False
            self.runner._persist(lambda: queue.record(self.claim, reused=name, notes=notes))
        else:
            usual = self._whole and self._usual(name, made)
            self.runner._persist(
                lambda: queue.record(
                    self.claim,
                    timings={name: round(seconds, 3)},
                    notes=notes,
                    amount_s=history.amount(self.claim.spec) if usual else None,
                    engine=self.engines.get(name, ""),
                )
            )
            self._whole = True
        give_back()
        more: dict[str, Any] = {"loading_s": loading_s} if loading_s else {}
        more |= {"early": True} if made.early else {}
        more |= _speed(reports, seconds) if name == "speech" else {}
        self.log.event(
            "stage", name=name, seconds=seconds, reused=made.reused, artifact=made.artifact.name, **more
        )

    def _usual(self, name: str, made: Made) -> bool:
        """Whether the next job will take about as long: not when what is begun early was not."""
        return made.early or not any(stage.follows for stage in self.runner.steps if stage.name == name)


def _dropped(log: JobLog, stage: str, error: Exception) -> None:
    """What was begun early has come to nothing: it costs time, and a person may want to know why."""
    log.event("early_dropped", stage=stage, because=str(error))
    if not isinstance(error, VigentdError):
        log.trace(error)


def _reports(artifact: Path) -> list[dict[str, Any]]:
    """What the stage left in words: "notes" in any of them are for the person."""
    reports: list[dict[str, Any]] = []
    for path in sorted(artifact.glob("*.json")):
        with suppress(OSError, ValueError):
            told = json.loads(path.read_text("utf-8"))
            if isinstance(told, dict):
                reports.append(told)
    return reports


def _speed(reports: Sequence[dict[str, Any]], seconds: float) -> dict[str, float]:
    """How much was spoken, and how much of it in a second; nothing when it was there already."""
    spoken_s = next((told for r in reports if isinstance(told := r.get("duration_s"), float | int)), 0.0)
    return {"spoken_s": float(spoken_s), "spoken_s_per_s": spoken_s / seconds} if seconds else {}
