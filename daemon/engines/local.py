"""Engines in this process, loaded when a stage first asks for one: how a single video is made in the
foreground, without a daemon."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from daemon.config import Config
from daemon.engines.roster import QWEN3, Chosen, lipsync_loading, speech_loading
from models.kernels import keep_kernels
from models.launch import OFFLINE
from pipeline import stages
from pipeline.job import Job
from pipeline.spec import JobSpec, Settings
from pipeline.stages import Made, Stage
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from models.choose import SpeechDesk
    from models.engine import Aligner, LipSyncEngine, SpeechEngine


class LocalEngines:
    """A roster. Raises Unavailable `engine_missing`."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._chosen = Chosen(config)
        self.names, self.notes = self._chosen.names, self._chosen.notes

    @cached_property
    def _desk(self) -> SpeechDesk:
        from models.choose import SpeechDesk

        chosen = self._chosen
        if chosen.speech.name == QWEN3 or chosen.hearing.name:
            _be_like_a_host(self._config)
        how = speech_loading(chosen, self._config, chosen.speech.device, chosen.hearing.device)
        return SpeechDesk(chosen.speech.name, **how)

    @cached_property
    def speech(self) -> SpeechEngine:
        speech = self._desk.speech
        if self._chosen.speech.name == QWEN3:
            speech.warm_up()  # as a host does: on a GPU it decides the sound, not only its speed
        return speech

    @property
    def aligner(self) -> Aligner | None:
        return self._desk.aligner

    @cached_property
    def lipsync(self) -> LipSyncEngine:
        from models.choose import lipsync_engine

        lipsync = self._chosen.lipsync
        if lipsync.name == "latentsync":
            _be_like_a_host(self._config)
        return lipsync_engine(lipsync.name, **lipsync_loading(lipsync.name, self._config, lipsync.device))

    def job(self, job_id: str, spec: JobSpec, settings: Settings) -> Job:
        return Job(spec, settings, self, id=job_id)

    def make(self, stage: Stage, job: Job, workspace: Workspace) -> Made:
        return stages.make(stage, job, workspace)


def _be_like_a_host(config: Config) -> None:
    """Before torch and transformers are imported."""
    keep_kernels(config.cache / "kernels")  # else torch leaves a folder among the temporary files
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # the same cuda:1
    os.environ.update(OFFLINE)
