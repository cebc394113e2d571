"""What a stage sees of the job that it works on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from models.progress import Progress, Quiet
from pipeline.spec import JobSpec, Settings

if TYPE_CHECKING:
    from models.engine import Aligner, LipSyncEngine, SpeechEngine


class Engines(Protocol):
    """Where stages get their engines from. A stage asks only for the one that it is named after; `speech`
    asks for the aligner, too, which is None where nobody hears."""

    @property
    def speech(self) -> SpeechEngine: ...
    @property
    def aligner(self) -> Aligner | None: ...
    @property
    def lipsync(self) -> LipSyncEngine: ...


class Elsewhere:
    """The engines of a job whose stages are worked on in other processes."""

    @property
    def speech(self) -> SpeechEngine:
        raise RuntimeError("the speech engine is in a process of its own")

    @property
    def aligner(self) -> Aligner | None:
        raise RuntimeError("the aligner is in the process of the speech engine")

    @property
    def lipsync(self) -> LipSyncEngine:
        raise RuntimeError("the lip-sync engine is in a process of its own")


@dataclass
class Job:
    """What was asked for, how this machine does it, and the artifacts made so far (stage → folder).

    progress: for what takes time before a stage's own work begins, as reading a large clip does.
    """

    spec: JobSpec
    settings: Settings
    engines: Engines = field(default_factory=Elsewhere)
    artifacts: dict[str, Path] = field(default_factory=dict)
    progress: Progress = field(default_factory=Quiet)
    id: str = ""

    def key(self, stage: str) -> str:
        """The name of a finished artifact: what a later stage puts into its own inputs."""
        return self.artifacts[stage].name
