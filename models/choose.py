"""Which engine serves: the real one where its device and weights are, else the draft one, and says why."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from models.errors import Unavailable
from models.kernels import keep_kernels

if TYPE_CHECKING:
    from models.engine import Aligner, Audio, LipSyncEngine, SpeechEngine
    from models.needs import Lack, Machine
    from models.progress import Progress

Kind = Literal["speech", "lipsync"]
NOBODY = ""  # the name of a choice where nobody serves


@dataclass(frozen=True)
class Choice:
    """name: the engine; note: what the person has to know about it, or "" when it is what they want.

    fix: what they can do about that. device: where it works.
    """

    name: str
    note: str = ""
    fix: str = ""
    device: str = "cpu"


@dataclass(frozen=True)
class _Rivals:
    """The two engines for one kind of work; by_…: the work of each, as notes begin."""

    kind: str
    real: str
    draft: str
    by_real: str
    by_draft: str


_SPEECH = _Rivals("speech", "qwen3", "espeak", "Spoken by Qwen3-TTS", "Spoken by the draft voice (espeak)")
_LIPSYNC = _Rivals(
    "lip-sync", "latentsync", "mouthwarp", "Lips by LatentSync", "Lips by the draft engine (mouthwarp)"
)


def choose_speech(
    setting: str,
    device: str,
    folder: Path,
    model: str,
    machine: Machine | None = None,
    *,
    precision: str = "auto",
    attention: str = "auto",
    listener: str = "",
) -> Choice:
    """The engine for `speech.engine`, `speech.device`, `speech.model` and so on.

    listener: the Whisper that has to be here, too (`speech.verify`); "": none. Else as `choose_lipsync`.
    """
    from models.needs import Machine
    from models.qwen3.needs import LOOKED_FOR, TOO_SLOW, lack
    from models.whisper import needs as whisper

    def lacks() -> Lack | None:
        here = machine or Machine.here((*LOOKED_FOR, *whisper.PACKAGES))
        lacking = lack(device, folder, model, here, precision, attention)
        return lacking or (whisper.listener_lack(folder, listener, here) if listener else None)

    return _choose(_SPEECH, setting, device, lacks, TOO_SLOW)


def choose_lipsync(
    setting: str,
    device: str,
    folder: Path,
    machine: Machine | None = None,
    alignment: str = "mediapipe",
) -> Choice:
    """The engine for `lipsync.engine`, `lipsync.device` and `lipsync.alignment`.

    folder: where the weights of the models lie. machine: what is here; None: looked for.
    Raises Unavailable `engine_missing` when an engine is asked for by name that cannot run here: a job
    never gets another engine than it was promised.
    """
    from models.latentsync.needs import PACKAGES, TOO_SLOW, lack
    from models.needs import Machine

    def lacks() -> Lack | None:
        return lack(device, folder, machine or Machine.here(PACKAGES), alignment)

    return _choose(_LIPSYNC, setting, device, lacks, TOO_SLOW)


def choose_aligner(model: str, device: str, folder: Path, machine: Machine | None = None) -> Choice:
    """Whisper, on the device of the speech engine, or without a GPU on the CPU; else NOBODY, and why."""
    from models.needs import Machine, device_lack, torch_lack
    from models.whisper.needs import PACKAGES, lack

    here = machine or Machine.here(PACKAGES)
    if lacks := lack(folder, model, here):
        note = f"The times of words are estimated, and subtitles may be early or late by a word: {lacks.why}"
        return Choice(NOBODY, note, lacks.fix)
    fits = device_lack("speech.device", device, here) is None and torch_lack(device, here, ()) is None
    return Choice("whisper", device=device if fits else "cpu")


def _choose(
    rivals: _Rivals, setting: str, device: str, lack: Callable[[], Lack | None], too_slow: Lack
) -> Choice:
    """lack: what is missing for the real one here. too_slow: why it serves on a CPU only when it is named."""
    if setting == rivals.draft:
        return Choice(setting)
    by_name = setting == rivals.real
    lacks = too_slow if device == "cpu" and not by_name else lack()
    if lacks is not None and by_name:
        message = f"The {rivals.kind} engine {setting} cannot run here: {lacks.why}"
        instead = f'Or set {rivals.kind.replace("-", "")}.engine = "auto" in vigentd.toml.'
        raise Unavailable(message, code="engine_missing", hint=f"{lacks.fix} {instead}")
    if lacks is not None:
        return Choice(rivals.draft, f"{rivals.by_draft}: {lacks.why}", lacks.fix)
    if device == "cpu":
        return Choice(rivals.real, f"{rivals.by_real} without a GPU: {too_slow.why}", too_slow.fix)
    return Choice(rivals.real, device=device)


# ---------------------------------------------------------------- loading


def resident(kind: Kind, name: str, weights: str = "", **how: Any) -> SpeechDesk | LipSyncEngine:
    """Loads what a process keeps, ready for its first job. how: as SpeechDesk or `lipsync_engine` take it.

    weights: a stamp of them; with others, it is another process that is asked for.
    """
    kept = SpeechDesk(name, **how) if kind == "speech" else lipsync_engine(name, **how)
    kept.warm_up()
    return kept


class SpeechDesk:
    """Speaks, and hears: the engine and the aligner, each loaded when it is first asked for.

    name: the engine's, as in a Choice. how: as `speech_engine` takes it. hearing: as `aligner` takes it; {}
    where nobody hears. checked: whether the engine is to have each sentence heard (`speech.verify`).
    kernels: where compiled ones are kept, which Whisper has, too.
    """

    def __init__(
        self,
        name: str,
        how: dict[str, Any] | None = None,
        hearing: dict[str, Any] | None = None,
        checked: bool = False,
        kernels: str = "",
    ) -> None:
        if kernels:
            keep_kernels(Path(kernels))  # before torch is imported
        self.name = name
        self._how = how or {}
        self._hearing = hearing or {}
        self._checked = checked
        self._listens = False

    @cached_property
    def speech(self) -> SpeechEngine:
        listening: dict[str, Any] = {}
        if self._checked:
            listening = {"listen": self._heard, "listener": self._hearing["model"]}
        return speech_engine(self.name, **self._how, **listening)

    @cached_property
    def aligner(self) -> Aligner | None:
        return aligner(**self._hearing)

    @property
    def version(self) -> int:
        return self.speech.version

    def warm_up(self) -> None:
        """The engine; and the aligner, when there is no job of this engine without it."""
        self.speech.warm_up()
        if self.name == _SPEECH.real:
            self.listen()

    def listen(self) -> None:
        """Loads the aligner, if there is one and it is not loaded."""
        if self.aligner is not None and not self._listens:
            with nullcontext() if self._checked else suppress(Unavailable):  # the stage says what is damaged
                self.aligner.warm_up()
                self._listens = True

    def _heard(self, wav: Audio, rate: int, language: str, progress: Progress) -> str:
        assert self.aligner is not None, "who checks has to hear"
        return self.aligner.transcribe(wav, rate, language, progress).text


def speech_engine(name: str, **how: Any) -> SpeechEngine:
    """Loads the engine; names are those of a Choice. how: nothing for espeak; for Qwen3-TTS as `_qwen3`."""
    if name == _SPEECH.real:
        return _qwen3(**how)
    if name != _SPEECH.draft:
        raise ValueError(name)
    from models.espeak import EspeakEngine

    return EspeakEngine()


def aligner(**how: Any) -> Aligner | None:
    """Loads when it is first asked to hear. how: folder of the models, model, device, for Whisper; nothing
    where nobody hears."""
    if not how:
        return None
    from models.whisper.late import LateWhisper

    return LateWhisper(Path(how["folder"]), how["model"], how["device"])


def fanned_out(replicas: int, cache: str | None, cache_bytes: int, weights: str = "") -> LipSyncEngine:
    """LatentSync without networks of its own. weights: as `resident`; the rest as `_latentsync`."""
    from models.latentsync.fan import FanOut
    from models.presenters import Presenters

    kept = Presenters(Path(cache), cache_bytes) if cache and cache_bytes else None
    engine = FanOut(replicas, kept)
    engine.warm_up()
    return engine


def lipsync_engine(name: str, **how: Any) -> LipSyncEngine:
    """how: nothing for mouthwarp; for LatentSync what `_latentsync` takes."""
    if name == _LIPSYNC.real:
        return _latentsync(**how)
    if name != _LIPSYNC.draft:
        raise ValueError(name)
    from models.mouthwarp.engine import MouthwarpEngine

    return MouthwarpEngine()


def _qwen3(
    *,
    folder: str,
    voices: str,
    cache: str | None,
    decided: str | None = None,
    replicas: int = 0,
    **how: Any,
) -> SpeechEngine:
    """From JSON values: they came by message. folder: of the models. cache: of sentences, None: none.
    replicas: that speak, 0: it does itself."""
    if replicas:
        from models.qwen3.fan import FanOut

        own = {name: how[name] for name in ("model", "cache_bytes", "listener", "max_error") if name in how}
        kept = None if cache is None else Path(cache)
        return FanOut.open(folder=Path(folder), voices=Path(voices), cache=kept, replicas=replicas, **own)
    from models.qwen3.engine import Qwen3Engine

    return Qwen3Engine.open(
        folder=Path(folder),
        voices=Path(voices),
        cache=None if cache is None else Path(cache),
        decided=None if decided is None else Path(decided),
        **how,
    )


def _latentsync(
    *,
    folder: str | None,
    device: str,
    precision: str,
    cache: str | None,
    cache_bytes: int,
    compile: bool,
    kernels: str,
    guided: bool = True,
) -> LipSyncEngine:
    """From JSON values: they came by message. folder: of the models; None: random ones. cache: of presenters;
    None: none."""
    keep_kernels(Path(kernels))  # before torch's compiler is imported, which makes a folder elsewhere
    from models.latentsync.engine import LatentSyncEngine

    return LatentSyncEngine.open(
        folder=None if folder is None else Path(folder),
        device=device,
        precision=precision,
        cache=None if cache is None else Path(cache),
        cache_bytes=cache_bytes,
        compile=compile,
        kernels=Path(kernels),
        guided=guided,
    )
