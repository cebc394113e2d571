"""Engines in this process, loaded when a stage first asks for one: how a single video is made in the
foreground, without a daemon."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from daemon.config import Config
from daemon.engines.roster import Chosen, lipsync_loading
from pipeline import stages
from pipeline.job import Job
from pipeline.spec import JobSpec, Settings
from pipeline.stages import Made, Stage
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from models.engine import LipSyncEngine, SpeechEngine


class LocalEngines:
    """A roster. Raises Unavailable `engine_missing`."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._chosen = Chosen(config)
        self.names, self.notes = self._chosen.names, self._chosen.notes

    @cached_property
    def speech(self) -> SpeechEngine:
        from models.choose import speech_engine

        return speech_engine(self._chosen.speech.name)

    @cached_property
    def lipsync(self) -> LipSyncEngine:
        from models.choose import lipsync_engine

        os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # the same cuda:1 as a host's
        name = self._chosen.lipsync.name
        return lipsync_engine(name, **lipsync_loading(name, self._config, self._config.lipsync.device))

    def job(self, job_id: str, spec: JobSpec, settings: Settings) -> Job:
        return Job(spec, settings, self, id=job_id)

    def make(self, stage: Stage, job: Job, workspace: Workspace) -> Made:
        return stages.make(stage, job, workspace)
