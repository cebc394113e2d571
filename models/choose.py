"""Which engine serves: the real one where its device and weights are, else the draft one, and says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from models.errors import Unavailable

if TYPE_CHECKING:
    from models.engine import LipSyncEngine, SpeechEngine

Kind = Literal["speech", "lipsync"]

_DRAFT: dict[Kind, str] = {"speech": "espeak", "lipsync": "mouthwarp"}
_NOTES = {
    "espeak": "Spoken by the draft voice (espeak): no GPU and no voice model are in use",
    "mouthwarp": "Lips by the draft engine (mouthwarp): no GPU and no lip-sync model are in use",
}


@dataclass(frozen=True)
class Choice:
    """name: the engine; note: what the person has to know about it, or "" when it is what they want."""

    name: str
    note: str = ""


def choose(kind: Kind, setting: str) -> Choice:
    """The engine for a setting such as "auto".

    Raises Unavailable `engine_missing` when an engine is asked for by name that is not here: a job
    never gets another engine than it was promised.
    """
    draft = _DRAFT[kind]
    if setting == "auto":
        return Choice(draft, _NOTES[draft])
    if setting == draft:
        return Choice(draft)
    raise Unavailable(
        f"The {kind} engine {setting} cannot run here: its model is not installed",
        code="engine_missing",
        hint=f'Set {kind}.engine = "auto" (or "{draft}") in vigentd.toml.',
    )


def speech_engine(name: str) -> SpeechEngine:
    """Loads the engine; names are those of `choose`."""
    if name != "espeak":
        raise ValueError(name)
    from models.espeak import EspeakEngine

    return EspeakEngine()


def lipsync_engine(name: str) -> LipSyncEngine:
    if name != "mouthwarp":
        raise ValueError(name)
    from models.mouthwarp.engine import MouthwarpEngine

    return MouthwarpEngine()


def resident(kind: Kind, name: str) -> SpeechEngine | LipSyncEngine:
    """Loads the engine for a process that keeps it, ready for its first job."""
    engine = speech_engine(name) if kind == "speech" else lipsync_engine(name)
    engine.warm_up()
    return engine
