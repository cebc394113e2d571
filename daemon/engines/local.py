"""Engines in this process, loaded when a stage first asks for one: how a single video is made in the
foreground, without a daemon."""

from __future__ import annotations

import os
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.config import ClusterSettings, Config
from daemon.engines.roster import LATENTSYNC, QWEN3, WHISPER, Chosen, lipsync_loading, speech_loading
from models.kernels import keep_kernels
from models.launch import OFFLINE
from pipeline import stages
from pipeline.job import Job
from pipeline.progress import loading
from pipeline.spec import JobSpec, Settings
from pipeline.stages import Made, Stage
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from models.choose import SpeechDesk
    from models.engine import Aligner, LipSyncEngine, SpeechEngine


class LocalEngines:
    """A roster, without a cluster. Raises Unavailable `engine_missing`."""

    def __init__(self, config: Config) -> None:
        self._config = config = config.model_copy(update={"cluster": ClusterSettings()})
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
            speech.warm_up()  # it decides the sound, on a GPU, and not only its speed
        return speech

    @property
    def aligner(self) -> Aligner | None:
        return self._desk.aligner

    @cached_property
    def lipsync(self) -> LipSyncEngine:
        from models.choose import lipsync_engine

        lipsync = self._chosen.lipsync
        if lipsync.name == LATENTSYNC:
            _be_like_a_host(self._config)
        return lipsync_engine(lipsync.name, **lipsync_loading(lipsync.name, self._config, lipsync.device))

    def job(self, job_id: str, spec: JobSpec, settings: Settings) -> Job:
        return Job(spec, settings, self, id=job_id)

    def make(self, stage: Stage, job: Job, workspace: Workspace) -> Made:
        self._load(stage, job, workspace)
        return stages.make(stage, job, workspace)

    def folder(self, stage: Stage, job: Job, workspace: Workspace) -> Path:
        with loading(job.progress, "LatentSync") if self._samples(stage) else nullcontext():
            return stages.folder(stage, job, workspace)

    def _samples(self, stage: Stage) -> bool:
        return stage.place == "lipsync" and self._chosen.lipsync.name == LATENTSYNC

    def _load(self, stage: Stage, job: Job, workspace: Workspace) -> None:
        """What takes its time, and a host does before there is a job: the person sees what it is."""
        chosen, recorded = self._chosen, job.spec.speech is not None
        voice = chosen.speech.name == QWEN3
        if stage.place == "speech" and voice and not recorded:
            with loading(job.progress, "Qwen3-TTS"):
                _ = self.speech
        if stage.place == "speech" and chosen.hearing.name and (voice or recorded):
            with loading(job.progress, WHISPER):
                if _to_be_made(stage, job, workspace):
                    self._desk.listen()
        if self._samples(stage):
            with loading(job.progress, "LatentSync"):
                if _to_be_made(stage, job, workspace) and chosen.lipsync.device != "cpu":
                    self.lipsync.warm_up()  # compiles it


def _to_be_made(stage: Stage, job: Job, workspace: Workspace) -> bool:
    return workspace.find(stage.name, stage.inputs(job)) is None


def _be_like_a_host(config: Config) -> None:
    """Before torch and transformers are imported."""
    keep_kernels(config.cache / "kernels")  # else torch leaves a folder among the temporary files
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # the same cuda:1
    os.environ.update(OFFLINE)
