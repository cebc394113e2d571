"""How a video is made, in order. Read this first.

    probe     what the clip is, and whether it can be used
    speech    script → wav + the time of every word and sound
    captions  script + word times → subtitles and title as .ass, .srt, .vtt
    lipsync   clip + speech → the presenter's mouth, frame by frame (only the touched pixels)
    compose   clip + mouth + captions + voice + music → one mp4 (the only lossy encode), and a cover
    verify    the mp4 is what was asked for; nothing is "done" before this

Each stage is the module of its name, with two functions: `inputs(job)` names all that decides its
artifact, and `make(job, folder, progress)` makes it from that and from nothing else (workspace.py).
While the mouth is made, `compose` takes its frames as they come (early.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol

from models import budgets
from models.budgets import Budget
from pipeline.early import Begun, Early
from pipeline.job import Job
from pipeline.progress import JobProgress
from pipeline.workspace import Workspace

Place = Literal["speech", "lipsync", "media"]  # with the engine of that name; "media" needs none


@dataclass(frozen=True)
class Stage:
    """weight: typical seconds of work for a second of video. resumable: it goes on where it stopped.
    follows: it can be begun while the stage right before it is made; its weight is what is left after that.

    floors: without a heartbeat for this long, and for much longer than its heartbeats have been apart, the
    stage is stuck.
    """

    name: str
    weight: float
    place: Place = "media"
    resumable: bool = False
    follows: bool = False
    floors: Budget = budgets.ASKED

    def inputs(self, job: Job) -> dict[str, Any]:
        inputs: dict[str, Any] = self._module.inputs(job)
        return inputs

    def make(self, job: Job, folder: Path) -> None:
        self._module.make(job, folder, job.progress)

    @property
    def _module(self) -> Any:
        return import_module(f"pipeline.{self.name}")  # not before it is needed: each pulls in a lot


STAGES = (
    Stage("probe", 0.02, floors=budgets.PROBE),
    Stage("speech", 0.02, "speech", floors=budgets.SPEECH),
    Stage("captions", 0.01, floors=budgets.CAPTIONS),
    Stage("lipsync", 1.0, "lipsync", resumable=True, floors=budgets.LIPSYNC),
    Stage("compose", 0.1, follows=True, floors=budgets.COMPOSE),
    Stage("verify", 0.1, floors=budgets.VERIFY),
)
RESUMABLE = tuple(stage.name for stage in STAGES if stage.resumable)


def patient(times: float) -> tuple[Stage, ...]:
    """All stages, with floors so many times as high."""
    return tuple(replace(stage, floors=stage.floors.times(times)) for stage in STAGES)


@dataclass(frozen=True)
class Made:
    artifact: Path
    reused: bool  # it was there already
    early: bool = False  # it was begun while the stage before it was made


class Maker(Protocol):
    """Makes one stage of a job: here (`make`), or in the process that keeps its engine."""

    def __call__(self, stage: Stage, job: Job, workspace: Workspace) -> Made: ...


def make(stage: Stage, job: Job, workspace: Workspace) -> Made:
    """The stage's artifact, made in this process unless it is there already."""
    inputs = stage.inputs(job)
    found = workspace.find(stage.name, inputs)
    if found is not None:
        return Made(found, reused=True)

    def work(folder: Path) -> None:
        stage.make(job, folder)

    return Made(workspace.make(stage.name, inputs, work, resumable=stage.resumable), reused=False)


def folder(stage: Stage, job: Job, workspace: Workspace) -> Path:
    """Where the stage's artifact lies, or will."""
    return workspace.folder(stage.name, stage.inputs(job))


def run(
    job: Job,
    workspace: Workspace,
    progress: JobProgress,
    on_stage: Callable[[str, Made], None] = lambda *_: None,
    make: Maker = make,
    steps: Sequence[Stage] = STAGES,
    early: Early | None = None,
) -> Job:
    """Walk the job through every stage. on_stage is told after each one. early: begins those that can be."""
    job.progress = progress
    begun: Begun | None = None
    with ExitStack() as stack:
        for stage, after in zip(steps, (*steps[1:], None), strict=True):
            progress.enter(stage.name)
            made = begun.result(job, progress) if begun else None
            begun = None
            if early and after and after.follows:
                begun = stack.enter_context(early.begun(after, stage, job, workspace, progress))
            made = made or make(stage, job, workspace)
            job.artifacts[stage.name] = made.artifact
            progress.leave(reused=made.reused)
            on_stage(stage.name, made)
    return job
