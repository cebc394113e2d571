"""How a video is made, in order. Read this first.

    probe     what the clip is, and whether it can be used
    speech    script → wav + the time of every word and sound
    lipsync   clip + speech → the presenter's mouth, frame by frame (only the touched pixels)
    captions  script + word times → subtitles and title as .ass, .srt, .vtt
    compose   clip + mouth + captions + voice + music → one mp4 (the only lossy encode), and a cover
    verify    the mp4 is what was asked for; nothing is "done" before this

Each stage is the module of its name, with two functions: `inputs(job)` names all that decides its
artifact, and `make(job, folder, progress)` makes it from that and from nothing else (workspace.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol

from pipeline.job import Job
from pipeline.progress import JobProgress
from pipeline.workspace import Workspace

Place = Literal["speech", "lipsync", "media"]  # with the engine of that name; "media" needs none


@dataclass(frozen=True)
class Stage:
    """weight: typical seconds of work for a second of video. resumable: it goes on where it stopped.

    patience_s: without a heartbeat for this long, and for much longer than its heartbeats have been
    apart, the stage is stuck.
    """

    name: str
    weight: float
    place: Place = "media"
    resumable: bool = False
    patience_s: float = 120.0

    def inputs(self, job: Job) -> dict[str, Any]:
        inputs: dict[str, Any] = self._module.inputs(job)
        return inputs

    def make(self, job: Job, folder: Path) -> None:
        self._module.make(job, folder, job.progress)

    @property
    def _module(self) -> Any:
        return import_module(f"pipeline.{self.name}")  # not before it is needed: each pulls in a lot


STAGES = (
    Stage("probe", 0.02),
    Stage("speech", 0.02, "speech"),
    Stage("lipsync", 0.8, "lipsync", resumable=True),
    Stage("captions", 0.01),
    Stage("compose", 0.6),
    Stage("verify", 0.1),
)
RESUMABLE = tuple(stage.name for stage in STAGES if stage.resumable)


@dataclass(frozen=True)
class Made:
    artifact: Path
    reused: bool  # it was there already


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


def run(
    job: Job,
    workspace: Workspace,
    progress: JobProgress,
    on_stage: Callable[[str, Made], None] = lambda *_: None,
    make: Maker = make,
    steps: Sequence[Stage] = STAGES,
) -> Job:
    """Walk the job through every stage. on_stage is told after each one."""
    job.progress = progress
    for stage in steps:
        progress.enter(stage.name)
        made = make(stage, job, workspace)
        job.artifacts[stage.name] = made.artifact
        progress.leave(reused=made.reused)
        on_stage(stage.name, made)
    return job
