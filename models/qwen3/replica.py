"""What a replica of Qwen3-TTS is asked for: a sentence.

Each function gets the desk of its host, reads the files and writes the file that the arguments name: see
models.orders.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.progress import Progress
from models.qwen3.casting import Role
from models.qwen3.engine import Qwen3Engine
from models.qwen3.takes import Line, Tally
from models.voices import SavedVoice

if TYPE_CHECKING:
    from models.choose import SpeechDesk

Asked = dict[str, Any]


def runs(desk: SpeechDesk, asked: Asked, progress: Progress) -> str:
    """As Qwen3Engine.runs."""
    return _engine(desk).runs


def speak(desk: SpeechDesk, asked: Asked, progress: Progress) -> dict[str, int]:
    """Reads the recording of the voice, if it has one; writes the sentence, (n,) float32. Returns a Tally."""
    tally = Tally()
    wav = _engine(desk).perform(Line(**asked["line"]), _role(asked), asked["seed"], progress, tally)
    wav.tofile(asked["writes"])
    return vars(tally)


def _role(asked: Asked) -> Role:
    told, voice = asked["role"], asked["role"]["saved"]
    if voice is None:
        return Role(**told)
    wav = next(map(Path, asked["reads"]), None)
    return Role(**told | {"saved": SavedVoice(folder=wav.parent if wav else Path(), at="", wav=wav, **voice)})


def _engine(desk: SpeechDesk) -> Qwen3Engine:
    assert isinstance(desk.speech, Qwen3Engine)
    return desk.speech
