"""What somebody says in a recording, heard by Whisper in this process: never in the daemon's own."""

from __future__ import annotations

import os

from daemon.config import Config
from models.choose import NOBODY, Choice, aligner, choose_aligner
from models.engine import Audio
from models.errors import Unavailable
from models.launch import OFFLINE
from models.progress import Progress


def who_hears(config: Config, device: str) -> Choice:
    """NOBODY where Whisper is not here. Loads nothing."""
    return choose_aligner(config.whisper.model, device, config.weights)


def somebody_hears(config: Config, device: str) -> Choice:
    """Raises Unavailable `voice_text_missing`."""
    hearing = who_hears(config, device)
    if hearing.name == NOBODY:
        raise Unavailable(
            "What is said in the recording has to be known, and Whisper, which would hear it, cannot be used",
            code="voice_text_missing",
            hint="Give it with --text." + (f" Or: {hearing.fix}" if hearing.fix else ""),
        )
    return hearing


def what_is_said(config: Config, wav: Audio, rate: int, progress: Progress, device: str) -> tuple[str, str]:
    """The text, on one line, and its language: "en", "zh", …

    wav: mono. device: to hear on, if it can. Raises Unavailable `voice_text_missing`, BadInput
    `voice_no_speech`, and what loading Whisper raises.
    """
    hearing = somebody_hears(config, device)
    os.environ.update(OFFLINE)
    ear = aligner(folder=str(config.weights), model=config.whisper.model, device=hearing.device)
    assert ear is not None, "it was chosen"
    heard = ear.transcribe(wav, rate, "", progress)
    text = " ".join(heard.text.split())
    if not any(c.isalnum() for c in text):
        from pipeline.voice_check import no_speech  # and not above: the daemon asks who hears

        raise no_speech("Whisper hears no words in it")
    return text, heard.language
