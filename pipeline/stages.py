"""How a video is made, in order. Read this first.

    probe     what the clip is, and whether it can be used
    speech    script → wav + the time of every word and sound
    lipsync   clip + speech → the presenter's mouth, frame by frame (only the touched pixels)
    captions  script + word times → subtitles and title as .ass, .srt, .vtt
    compose   clip + mouth + captions + voice + music → one mp4 (the only lossy encode), and a cover
    verify    the mp4 is what was asked for; nothing is "done" before this

Each stage is a pure function of its inputs to one artifact (see workspace.py). `inputs` names all
that decides the artifact; `make` may read nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from models.engine import LipSyncEngine, SpeechEngine
from models.progress import Progress
from pipeline.progress import JobProgress
from pipeline.spec import JobSpec, Settings
from pipeline.workspace import Workspace


class Engines(Protocol):
    """Where stages get their engines from: in this process, or (later) from resident hosts."""

    @property
    def speech(self) -> SpeechEngine: ...
    @property
    def lipsync(self) -> LipSyncEngine: ...


@dataclass
class Job:
    """What a stage sees: what was asked for, how this machine does it, and the artifacts before it."""

    spec: JobSpec
    settings: Settings
    engines: Engines
    artifacts: dict[str, Path] = field(default_factory=dict)

    def key(self, stage: str) -> str:
        """The name of a finished artifact: what a later stage puts into its own inputs."""
        return self.artifacts[stage].name


@dataclass(frozen=True)
class Stage:
    """name; weight (typical seconds of work for a second of video); and its two functions."""

    name: str
    weight: float
    inputs: Callable[[Job], dict[str, Any]]
    make: Callable[[Job, Path, Progress], None]
    resumable: bool = False


def stages() -> list[Stage]:
    """In order. The imports are here because each stage pulls in what it works with."""
    from pipeline import captions, compose, lipsync, probe, speech, verify

    return [
        Stage("probe", 0.02, probe.inputs, probe.make),
        Stage("speech", 0.02, speech.inputs, speech.make),
        Stage("lipsync", 0.8, lipsync.inputs, lipsync.make, resumable=True),
        Stage("captions", 0.01, captions.inputs, captions.make),
        Stage("compose", 0.6, compose.inputs, compose.make),
        Stage("verify", 0.1, verify.inputs, verify.make),
    ]


def run(
    job: Job,
    workspace: Workspace,
    progress: Callable[[dict[str, float]], JobProgress],
    on_stage: Callable[[str, Path, bool], None] = lambda *_: None,
) -> Job:
    """Walk the job through every stage; an artifact that is there already is used as it is.

    progress: makes the JobProgress from the stages' weights.
    on_stage: told after each stage: its name, its artifact, whether it was reused.
    """
    steps = stages()
    told = progress({stage.name: stage.weight for stage in steps})
    for stage in steps:
        told.enter(stage.name)
        inputs = stage.inputs(job)
        found = workspace.find(stage.name, inputs)
        if found is None:
            job.artifacts[stage.name] = workspace.make(
                stage.name,
                inputs,
                lambda folder, make=stage.make: make(job, folder, told),  # type: ignore[misc]
                resumable=stage.resumable,
            )
        else:
            job.artifacts[stage.name] = found
        told.leave(reused=found is not None)
        on_stage(stage.name, job.artifacts[stage.name], found is not None)
    return job
