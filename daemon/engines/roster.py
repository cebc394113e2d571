"""Who does the work of a job: the engines that serve, by name, and how a stage reaches them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from daemon.config import Config
from models.choose import Choice, choose_aligner, choose_lipsync, choose_speech
from models.errors import Unavailable
from models.latentsync.files import files_in
from models.latentsync.needs import PACKAGES
from models.needs import Machine, torch_lack
from models.qwen3.checkpoint import folder_of
from models.qwen3.needs import LOOKED_FOR
from models.qwen3.needs import lack as speech_lack
from models.whisper import find
from pipeline.job import Job
from pipeline.spec import STEADY_GUIDANCE, JobSpec, LipsyncSettings, Settings
from pipeline.stages import Made, Stage
from pipeline.workspace import Workspace

QWEN3 = "qwen3"  # the engine of which the voices are the person's own
LATENTSYNC = "latentsync"
WHISPER = "Whisper"  # for people


class EngineAway(Unavailable):
    """There is no host to ask, and none will be there soon: the job has to wait, and is not to blame."""

    default_code = "engine_away"


class Roster(Protocol):
    """What the runner works with: engines in this process (`local.py`) or in hosts (`hosts.py`)."""

    def names(self, spec: JobSpec) -> dict[str, str]:
        """Kind of work → engine that does it for this job."""

    def notes(self, spec: JobSpec) -> list[str]:
        """What the person has to know about these engines."""

    def job(self, job_id: str, spec: JobSpec, settings: Settings) -> Job:
        """The job with these engines, nothing of it made yet."""

    def make(self, stage: Stage, job: Job, workspace: Workspace) -> Made:
        """`pipeline.stages.make`, here or where the engine is.

        Raises what the stage raises; ProcessDied when its process is gone, so that it can be asked again;
        EngineAway when there is no engine to ask.
        """

    def folder(self, stage: Stage, job: Job, workspace: Workspace) -> Path:
        """`pipeline.stages.folder`, here or where the engine is. Raises as `make` does."""


class Chosen:
    """The engines that the configuration comes to.

    Raises Unavailable `engine_missing` at once when it names one that is not here.
    """

    def __init__(self, config: Config) -> None:
        self.speech = chosen_speech(config.settings)
        self.hearing = chosen_aligner(config)
        self.lipsync = chosen_lips(config)
        self._jitter = jitter(config.lipsync) if self.lipsync.name == LATENTSYNC else ""

    def names(self, spec: JobSpec) -> dict[str, str]:
        speech = "recording" if spec.speech else self.speech.name
        return {"speech": speech, "lipsync": self.lipsync.name}

    def hears_late(self, spec: JobSpec) -> bool:
        """Whether a host loads who hears only now: beside the draft voice, for a recording."""
        return bool(self.hearing.name) and self.speech.name != QWEN3 and spec.speech is not None

    def notes(self, spec: JobSpec) -> list[str]:
        """Who hears is missed where the engine does not know the times itself; of a recording, its stage says
        so."""
        speech: tuple[str, ...] = (self.speech.note,)
        if self.speech.name == QWEN3:
            speech += (self.hearing.note,)
        if spec.speech:
            speech = ()
        return [note for note in (*speech, self.unheard(spec), self.lipsync.note, self._jitter) if note]

    def unheard(self, spec: JobSpec) -> str:
        """What of the job the engine that speaks does not mind; "" when nothing."""
        if not spec.tone or spec.speech or self.speech.name == QWEN3:
            return ""
        return "The draft voice (espeak) cannot be told how to say it: the tone is not heard"


def chosen_speech(settings: Settings) -> Choice:
    """Here, or in a cluster. Raises Unavailable `engine_missing`."""
    speech = settings.speech
    if spoken_in_cluster(settings):
        return _led_from_here(settings)
    choices = [
        choose_speech(
            speech.engine,
            device,
            settings.weights,
            speech.model,
            precision=speech.precision,
            attention=speech.attention,
            listener=settings.whisper.model if speech.verify else "",
        )
        for device in speech.devices
    ]
    return _same_on_all(choices, QWEN3)


def _led_from_here(settings: Settings) -> Choice:
    """What is done here needs the packages and the weights, but no GPU."""
    if lacks := speech_lack("cpu", settings.weights, settings.speech.model, Machine.here(LOOKED_FOR)):
        raise Unavailable(
            f"The speech engine {QWEN3} cannot be led from here: {lacks.why}",
            code="engine_missing",
            hint=f"{lacks.fix} Or leave speech.replicas out of vigentd.toml.",
        )
    return Choice(QWEN3)


def chosen_aligner(config: Config) -> Choice:
    """On the devices of the speech engine; else on the CPU."""
    choices = [choose_aligner(config.whisper.model, on, config.weights) for on in config.speech.devices]
    return next((choice for choice in choices if choice.device == "cpu"), choices[0])


def chosen_lips(config: Config) -> Choice:
    """Here, or in a cluster. Raises Unavailable `engine_missing`."""
    return _clustered(config) if in_cluster(config) else chosen_lipsync(config.settings)


def chosen_lipsync(settings: Settings) -> Choice:
    """Raises Unavailable `engine_missing`."""
    lips = settings.lipsync
    choices = [
        choose_lipsync(lips.engine, device, settings.weights, alignment=lips.alignment)
        for device in lips.devices
    ]
    return _same_on_all(choices, LATENTSYNC)


def _same_on_all(choices: Sequence[Choice], real: str) -> Choice:
    """All of them the real one, or none: what a job becomes must not depend on where it was made."""
    return next((choice for choice in choices if choice.name != real), choices[0])


def in_cluster(config: Config) -> bool:
    """Whether lips are made by replicas on the nodes of a cluster."""
    return bool(config.cluster.address) and config.lipsync.engine != "mouthwarp"


def spoken_in_cluster(settings: Settings) -> bool:
    """Whether scripts are spoken by replicas on the nodes of a cluster."""
    return settings.speech.replicas > 0 and settings.speech.engine != "espeak"


def on_node(config: Config) -> str:
    """The device of a replica there, as it is called where it works."""
    return "cuda:0" if config.cluster.gpus else "cpu"


def _clustered(config: Config) -> Choice:
    """What is done once for a job is done here, and needs torch, but no GPU and no weights."""
    if lacks := torch_lack("cpu", Machine.here(PACKAGES), PACKAGES):
        message = f"The lip-sync engine {LATENTSYNC} cannot run here: {lacks.why}"
        raise Unavailable(message, code="engine_missing", hint=lacks.fix)
    return Choice(LATENTSYNC, device=on_node(config))


def jitter(settings: LipsyncSettings) -> str:
    """A warning about the guidance that is set, or ""."""
    if settings.guidance <= STEADY_GUIDANCE:
        return ""
    return f"lipsync.guidance is {settings.guidance:g}: above {STEADY_GUIDANCE} lips tend to jitter"


def speech_loading(chosen: Chosen, config: Config, device: str, hears_on: str) -> dict[str, Any]:
    """What `models.choose.SpeechDesk` takes beside the name; JSON values.

    device, hears_on: where speech is made and heard, as it is called in the process that loads them.
    """
    hearing = {"folder": str(config.weights), "model": config.whisper.model, "device": hears_on}
    kernels = str(config.cache / "kernels")
    heard: dict[str, Any] = {"hearing": hearing, "kernels": kernels} if chosen.hearing.name else {}
    if chosen.speech.name != QWEN3:
        return heard
    settings = config.speech
    how: dict[str, Any] = {
        "folder": str(config.weights),
        "model": settings.model,
        "device": device,
        "precision": settings.precision,
        "attention": settings.attention,
        "voices": str(config.voices),
        "cache": str(config.cache / "sentences") if settings.sentence_cache else None,
        "cache_bytes": int(settings.sentence_cache),
        "tries": settings.tries,
        "decided": str(config.attention_measured),
    }
    if settings.verify:
        how["max_error"] = settings.max_error
    return heard | {"how": how, "checked": settings.verify}


def speech_weights(chosen: Chosen, config: Config) -> list[Path]:
    """Files and folders that the speech host loads."""
    speaks, hears = chosen.speech.name == QWEN3, chosen.hearing.name
    found = find(config.weights, config.whisper.model) if hears else None
    return [
        *([folder_of(config.weights, config.speech.model)] if speaks else []),
        *([found] if found is not None else []),
    ]


def lipsync_weights(chosen: Chosen, config: Config) -> list[Path]:
    """Files that the lip-sync host loads."""
    return files_in(config.weights).needed if chosen.lipsync.name == LATENTSYNC else []


def lipsync_loading(name: str, config: Config, device: str) -> dict[str, Any]:
    """What `models.choose.lipsync_engine` takes for the engine of this name; JSON values.

    device: as it is called in the process that loads it.
    """
    if name != LATENTSYNC:
        return {}
    settings = config.lipsync
    return {
        "folder": str(config.weights),
        "device": device,
        "precision": settings.precision,
        "cache": str(config.cache / "presenters") if settings.presenter_cache else None,
        "cache_bytes": int(settings.presenter_cache),
        "compile": settings.compile,
        "kernels": str(config.cache / "kernels"),
        "guided": settings.guidance > 1,  # another network shape: what is compiled is decided by it
    }
