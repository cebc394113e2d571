"""Which models the configuration needs."""

from __future__ import annotations

from typing import Protocol

from models.needs import Lack, Machine, device_lack


class _Speech(Protocol):
    @property
    def engine(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def model(self) -> str: ...


class _Lipsync(Protocol):
    @property
    def engine(self) -> str: ...
    @property
    def device(self) -> str: ...


class _Whisper(Protocol):
    @property
    def model(self) -> str: ...


class Wishes(Protocol):
    """The part of the configuration that decides which models are needed."""

    @property
    def speech(self) -> _Speech: ...
    @property
    def lipsync(self) -> _Lipsync: ...
    @property
    def whisper(self) -> _Whisper: ...


def needed_by(config: Wishes, gpus: int | None = None) -> list[str]:
    """Names of the models that the configured engines want.

    gpus: how many can be used here; None: take it that there are enough. An engine that is named is wanted
    on any machine; "auto" comes to a real engine only on a GPU that is there. Qwen3-TTS does not know when
    which word is said: Whisper finds that out.
    """
    wanted: list[str] = []
    if _serves(config.speech, "qwen3", "speech.device", gpus):
        wanted += [f"Qwen3-TTS-12Hz-{config.speech.model}", f"whisper-{config.whisper.model}"]
    if _serves(config.lipsync, "latentsync", "lipsync.device", gpus):
        wanted += ["LatentSync-1.6", "sd-vae-ft-mse"]
    return wanted


def not_served(config: Wishes, gpus: int) -> list[str]:
    """Of engines that would serve if their device were another GPU that is here: why not, and what to do."""
    said = []
    for name, setting, where in (
        ("Qwen3-TTS", config.speech, "speech.device"),
        ("LatentSync", config.lipsync, "lipsync.device"),
    ):
        lack = _lack(setting, where, gpus) if gpus and setting.engine == "auto" else None
        if lack:
            said.append(f"{name} is not needed, because {lack.why}. {lack.fix}")
    return said


def _serves(setting: _Speech | _Lipsync, engine: str, where: str, gpus: int | None) -> bool:
    if setting.engine != "auto":
        return setting.engine == engine
    return setting.device != "cpu" and (gpus is None or _lack(setting, where, gpus) is None)


def _lack(setting: _Speech | _Lipsync, where: str, gpus: int) -> Lack | None:
    return device_lack(where, setting.device, Machine(gpus, torch=""))
