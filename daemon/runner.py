"""Walks one claimed job through the stages, keeps its row and its log, and always leaves a clear state.

Whatever happens, the job ends as done, failed or cancelled, or goes back into its place in line;
only the sudden death of this process leaves it running, and `Queue.recover` is there for that.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from daemon.config import Config
from daemon.folders import make_private
from daemon.joblog import JobLog
from daemon.queue import Claim, Queue, Superseded
from daemon.stop import Stop
from daemon.wording import in_words
from models.errors import Cancelled, StageFailed, Unavailable, VigentdError
from models.memory import give_back
from pipeline import stages
from pipeline.job import Job
from pipeline.progress import JobProgress, Snapshot
from pipeline.spec import JobSpec, Settings
from pipeline.stages import Made, Stage
from pipeline.workspace import Workspace

PROGRESS_EVERY_S = 0.5  # one small transaction; also how soon a cancel is noticed


class Roster(Protocol):
    """Who does the work of a job."""

    def names(self, spec: JobSpec) -> dict[str, str]:
        """Kind of work → engine that does it for this job."""

    def notes(self, spec: JobSpec) -> list[str]:
        """What the person has to know about these engines."""

    def job(self, spec: JobSpec, settings: Settings) -> Job:
        """The job with these engines, nothing of it made yet."""

    def make(self, stage: Stage, job: Job, workspace: Workspace) -> Made:
        """`pipeline.stages.make`, here or where the engine is."""


Deliver = Callable[[Path, Path, Path], object]  # `pipeline.deliver.deliver`: compose, captions, out


@dataclass
class Runner:
    """queue: where the job was claimed. deliver: the pipeline's. watch: gets every Snapshot, for a
    progress bar. now, clock: the time of day, and monotonic seconds."""

    queue: Queue
    config: Config
    roster: Roster
    deliver: Deliver
    stop: Stop = field(default_factory=Stop)
    watch: Callable[[Snapshot], None] = lambda _: None
    steps: Sequence[Stage] = stages.STAGES
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    clock: Callable[[], float] = time.monotonic

    def work(self, claim: Claim) -> None:
        """To the end of the job. What the job is to blame for is not raised; KeyboardInterrupt goes on up."""
        log = JobLog(self.config.job_log(claim.job_id), self.now)
        log.event("claimed", job=claim.job_id, attempt=claim.attempt)
        try:
            output = self._make(claim, log)
            self.queue.finish(claim, output)
            log.event("done", output=output)
        except Superseded as e:
            log.event("superseded", message=e.message)  # another worker has it now: not a word from us
        except BaseException as e:
            self._gave_up(claim, log, e)
            if not isinstance(e, Exception):
                raise

    def _make(self, claim: Claim, log: JobLog) -> Path:
        """Runs the stages and delivers. Returns where the video is."""
        spec = claim.spec
        engines, notes = self.roster.names(spec), self.roster.notes(spec)
        self.queue.record(claim, engines=engines, notes=notes)
        log.event("engines", **engines)
        stage_began = self.clock()

        def on_stage(name: str, made: Made) -> None:
            nonlocal stage_began
            seconds = 0.0 if made.reused else self.clock() - stage_began
            stage_began = self.clock()
            if made.reused:
                self.queue.record(claim, reused=name, notes=_notes(made.artifact))
            else:
                self.queue.record(claim, timings={name: round(seconds, 3)}, notes=_notes(made.artifact))
            give_back()
            log.event("stage", name=name, seconds=seconds, reused=made.reused, artifact=made.artifact.name)

        job = stages.run(
            self.roster.job(spec, self.config.settings),
            Workspace(self.config.job_dir(claim.job_id) / "work"),
            self._progress(claim, log),
            on_stage,
            self.roster.make,
            self.steps,
        )
        return self._deliver(claim, job)

    def _progress(self, claim: Claim, log: JobLog) -> JobProgress:
        cancel_asked = False

        def tell(at: Snapshot) -> None:
            nonlocal cancel_asked
            try:
                cancel_asked = self.queue.progress(claim, at)
            except Unavailable as e:  # a report may be lost; the work goes on, and the next one tells more
                log.event("unreported", **e.as_dict())
            self.watch(at)

        return JobProgress(
            {stage.name: stage.weight for stage in self.steps},
            on_change=tell,
            cancelled=lambda: cancel_asked or bool(self.stop.asked),
            clock=self.clock,
            every_s=PROGRESS_EVERY_S,
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
            if self.stop.asked == "requeue":
                self.queue.release(claim)
                log.event("requeued", because="the worker was told to stop")
            else:
                self.queue.fail(claim, told)
                log.event("cancelled" if isinstance(told, Cancelled) else "failed", **told.as_dict())
        except Superseded as e:
            log.event("superseded", message=e.message)

    def _in_words(self, error: BaseException, log: JobLog) -> VigentdError:
        # Once the work is told to stop, what it stumbles over on the way out is not the reason.
        if self.stop.asked or isinstance(error, KeyboardInterrupt):
            return Cancelled()
        if isinstance(error, StageFailed) or not isinstance(error, VigentdError):
            log.trace(error)
        return in_words(error, lambda _: log.path, f"run `vigentd retry {log.path.parent.name} --wait`")


def _notes(artifact: Path) -> list[str]:
    """What the stage left to tell the person: "notes" in any of its reports."""
    notes: list[str] = []
    for report in sorted(artifact.glob("*.json")):
        try:
            told = json.loads(report.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(told, dict) and isinstance(told.get("notes"), list):
            notes += [str(note) for note in told["notes"]]
    return notes
