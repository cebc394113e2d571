"""Whisper, loaded when it is first asked to hear: who it is can be told before, and without torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from models.engine import Aligned, Aligner, Audio, Said, Transcript
from models.progress import Progress
from models.whisper import NAME, VERSION

if TYPE_CHECKING:
    from models.whisper.engine import WhisperAligner


class LateWhisper(Aligner):
    """As `WhisperAligner.open`, whose errors come with the first work."""

    name = NAME
    version = VERSION

    def __init__(self, folder: Path, model: str, device: str) -> None:
        self._folder, self._model, self._device = folder, model, device

    @cached_property
    def _loaded(self) -> WhisperAligner:
        from models.whisper.engine import WhisperAligner

        return WhisperAligner.open(folder=self._folder, model=self._model, device=self._device)

    def warm_up(self) -> None:
        self._loaded.warm_up()

    def align(self, wav: Audio, rate: int, said: Sequence[Said], progress: Progress) -> Aligned:
        return self._loaded.align(wav, rate, said, progress)

    def transcribe(self, wav: Audio, rate: int, language: str, progress: Progress) -> Transcript:
        return self._loaded.transcribe(wav, rate, language, progress)
