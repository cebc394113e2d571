"""A stage as a message: asked for in one process, made in another, the one that keeps its engine.

Only names, numbers and paths travel; what a stage leaves, the next one finds on the disk.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.beats import beating
from models.errors import Cancelled
from models.progress import Progress
from pipeline import stages
from pipeline.job import Job
from pipeline.spec import JobSpec, Settings
from pipeline.stages import Made, Stage
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from models.engine import Aligner, LipSyncEngine, SpeechEngine

MAKE = "pipeline.hosted:make"
HEAR = "pipeline.hosted:hear"
FOLDER = "pipeline.hosted:folder"


def request(stage: Stage, job: Job, workspace: Workspace) -> dict[str, Any]:
    """The arguments of `make`."""
    return {
        "stage": stage.name,
        "id": job.id,
        "spec": job.spec.model_dump(mode="json"),
        "settings": job.settings.model_dump(mode="json"),
        "artifacts": {name: str(folder) for name, folder in job.artifacts.items()},
        "workspace": str(workspace.root),
    }


def answer(told: dict[str, Any]) -> Made:
    """What `make` gave back."""
    return Made(Path(told["artifact"]), bool(told["reused"]))


class Kept:
    """What this process keeps, a lip-sync engine or a SpeechDesk; the stages that are asked for here ask for
    nothing else."""

    def __init__(self, kept: Any) -> None:
        self._kept = kept

    @property
    def lipsync(self) -> LipSyncEngine:
        engine: LipSyncEngine = self._kept
        return engine

    @property
    def speech(self) -> SpeechEngine:
        engine: SpeechEngine = self._kept.speech
        return engine

    @property
    def aligner(self) -> Aligner | None:
        aligner: Aligner | None = self._kept.aligner
        return aligner


def make(engine: Any, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Runs where the engine is. Raises what the stage raises."""
    made = stages.make(*_asked(engine, asked, progress))
    return {"artifact": str(made.artifact), "reused": made.reused}


def hear(engine: Any, asked: dict[str, Any], progress: Progress) -> None:
    """Runs where the engine is, before `make`: loads who hears, unless what they would hear is made already.

    It is no part of the stage: its heartbeats are those of loading. A cancel waits for the end of that: it
    would break off an import in the middle, and no other could be made in this process."""
    stage, job, workspace = _asked(engine, asked, progress)

    def gets_on(_: int) -> None:
        with suppress(Cancelled):
            progress.step(0.0, 1.0)

    if workspace.find(stage.name, stage.inputs(job)) is None:
        with beating(gets_on):
            engine.listen()


def folder(engine: Any, asked: dict[str, Any], progress: Progress) -> str:
    """Where the stage's artifact will lie; what the engine is decides it, too."""
    return str(stages.folder(*_asked(engine, asked, progress)))


def _asked(engine: Any, asked: dict[str, Any], progress: Progress) -> tuple[Stage, Job, Workspace]:
    stage = next(stage for stage in stages.STAGES if stage.name == asked["stage"])
    job = Job(
        JobSpec.model_validate(asked["spec"]),
        Settings.model_validate(asked["settings"]),
        Kept(engine),
        {name: Path(folder) for name, folder in asked["artifacts"].items()},
        progress,
        asked["id"],
    )
    return stage, job, Workspace(Path(asked["workspace"]))
