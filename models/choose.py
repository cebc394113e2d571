"""Which engine serves: the real one where its device and weights are, else the draft one, and says why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from models.errors import Unavailable
from models.kernels import keep_kernels

if TYPE_CHECKING:
    from models.engine import LipSyncEngine, SpeechEngine
    from models.latentsync.needs import Lack, Machine

Kind = Literal["speech", "lipsync"]


@dataclass(frozen=True)
class Choice:
    """name: the engine; note: what the person has to know about it, or "" when it is what they want.

    fix: what they can do about that.
    """

    name: str
    note: str = ""
    fix: str = ""


def choose_speech(setting: str) -> Choice:
    """The engine for `speech.engine`. Raises Unavailable `engine_missing`."""
    if setting == "auto":
        note = "Spoken by the draft voice (espeak): no GPU and no voice model are in use"
        return Choice("espeak", note, "Good enough to try everything.")
    if setting == "espeak":
        return Choice(setting)
    raise _missing("speech", setting, "its model is not installed", 'Set speech.engine = "auto"')


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
    if setting == "mouthwarp":
        return Choice(setting)
    from models.latentsync.needs import TOO_SLOW, Machine, lack

    by_name = setting == "latentsync"
    if device == "cpu" and not by_name:
        lacks: Lack | None = TOO_SLOW
    else:
        lacks = lack(device, folder, machine or Machine.here(), alignment)
    if lacks is not None and by_name:
        raise _missing("lip-sync", setting, lacks.why, f'{lacks.fix} Or set lipsync.engine = "auto"')
    if lacks is not None:
        return Choice("mouthwarp", f"Lips by the draft engine (mouthwarp): {lacks.why}", lacks.fix)
    if device == "cpu":
        return Choice("latentsync", f"Lips by LatentSync without a GPU: {TOO_SLOW.why}", TOO_SLOW.fix)
    return Choice("latentsync")


def _missing(kind: str, name: str, why: str, fix: str) -> Unavailable:
    message = f"The {kind} engine {name} cannot run here: {why}"
    return Unavailable(message, code="engine_missing", hint=f"{fix} in vigentd.toml.")


# ---------------------------------------------------------------- loading


def resident(kind: Kind, name: str, **how: Any) -> SpeechEngine | LipSyncEngine:
    """Loads the engine for a process that keeps it, ready for its first job. how: as `lipsync_engine`."""
    engine = speech_engine(name) if kind == "speech" else lipsync_engine(name, **how)
    engine.warm_up()
    return engine


def speech_engine(name: str) -> SpeechEngine:
    """Loads the engine; names are those of a Choice."""
    if name != "espeak":
        raise ValueError(name)
    from models.espeak import EspeakEngine

    return EspeakEngine()


def lipsync_engine(name: str, **how: Any) -> LipSyncEngine:
    """how: nothing for mouthwarp; for LatentSync what `_latentsync` takes."""
    if name == "latentsync":
        return _latentsync(**how)
    if name != "mouthwarp":
        raise ValueError(name)
    from models.mouthwarp.engine import MouthwarpEngine

    return MouthwarpEngine()


def _latentsync(
    *,
    folder: str,
    device: str,
    precision: str,
    cache: str | None,
    cache_bytes: int,
    compile: bool,
    kernels: str,
    guided: bool = True,
) -> LipSyncEngine:
    """From JSON values: they came by message. folder: of the models. cache: of presenters, None: none."""
    keep_kernels(Path(kernels))  # before torch's compiler is imported, which makes a folder elsewhere
    from models.latentsync.engine import LatentSyncEngine

    return LatentSyncEngine.open(
        folder=Path(folder),
        device=device,
        precision=precision,
        cache=None if cache is None else Path(cache),
        cache_bytes=cache_bytes,
        compile=compile,
        kernels=Path(kernels),
        guided=guided,
    )
