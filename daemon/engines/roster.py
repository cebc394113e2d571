"""Who does the work of a job: the engines that serve, by name, and how a stage reaches them."""

from __future__ import annotations

from typing import Any, Protocol

from daemon.config import Config
from models.choose import Choice, choose_lipsync, choose_speech
from models.errors import Unavailable
from pipeline.job import Job
from pipeline.spec import STEADY_GUIDANCE, JobSpec, LipsyncSettings, Settings
from pipeline.stages import Made, Stage
from pipeline.workspace import Workspace


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


class Chosen:
    """The engines that the configuration comes to.

    Raises Unavailable `engine_missing` at once when it names one that is not here.
    """

    def __init__(self, config: Config) -> None:
        self.speech = choose_speech(config.speech.engine)
        self.lipsync = chosen_lipsync(config)
        self._jitter = jitter(config.lipsync) if self.lipsync.name == "latentsync" else ""

    def names(self, spec: JobSpec) -> dict[str, str]:
        speech = "recording" if spec.speech else self.speech.name
        return {"speech": speech, "lipsync": self.lipsync.name}

    def notes(self, spec: JobSpec) -> list[str]:
        speech = "" if spec.speech else self.speech.note
        return [note for note in (speech, self.lipsync.note, self._jitter) if note]


def chosen_lipsync(config: Config) -> Choice:
    """Raises Unavailable `engine_missing`."""
    settings = config.lipsync
    return choose_lipsync(settings.engine, settings.device, config.weights, alignment=settings.alignment)


def jitter(settings: LipsyncSettings) -> str:
    """A warning about the guidance that is set, or ""."""
    if settings.guidance <= STEADY_GUIDANCE:
        return ""
    return f"lipsync.guidance is {settings.guidance:g}: above {STEADY_GUIDANCE} lips tend to jitter"


def lipsync_loading(name: str, config: Config, device: str) -> dict[str, Any]:
    """What `models.choose.lipsync_engine` takes for the engine of this name; JSON values.

    device: as it is called in the process that loads it.
    """
    if name != "latentsync":
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
