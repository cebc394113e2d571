"""A voice message becomes a saved voice, if it is one that can be learned from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from daemon.config import Config
from daemon.hearing import what_is_said
from daemon.voice_list import why_not_now
from handlers.telegram.door.wording import Known, in_their_words
from models.progress import Progress
from models.voice_names import TEXT_CHARS
from models.voices import Voices
from pipeline.voice_check import read_voice


def keep(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"config", "sound": path, "called": what its sender calls the file, "name": of the voice,
    "chat_id", "hear": whether Whisper is to write down what is said}.

    Returns {"seconds", "text", "engine": that speaks, "usable": it can speak with this voice}.
    Raises BadInput as `read_voice`, `Voices.save_recording` and `what_is_said` do; Unavailable.
    """
    config, sound = Config(**asked["config"]), Path(asked["sound"])
    with in_their_words([Known(sound, "recording", asked["called"])]):
        recorded = read_voice(sound, progress)
        text, language = "", ""
        if asked["hear"]:  # without a GPU: those there are may be full of what speaks and moves the lips
            text, language = what_is_said(config, recorded.wav, recorded.rate, progress, "cpu")
        saved = Voices(config.voices).save_recording(
            asked["name"],
            recorded.wav,
            recorded.rate,
            text=text[:TEXT_CHARS],
            language=language,
            chat_id=asked["chat_id"],
        )
    engine, why = why_not_now(saved, config)
    return {"seconds": saved.seconds, "text": saved.text, "engine": engine, "usable": not why}
