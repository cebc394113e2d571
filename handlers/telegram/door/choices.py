"""What there is to choose from, as `handlers.telegram.choices.Choices` takes it."""

from __future__ import annotations

from typing import Any

from daemon import catalogue
from daemon.config import Config
from daemon.engines.roster import QWEN3, chosen_speech
from handlers.telegram.door.theirs import usable_voices
from models.progress import Progress
from models.qwen3.checkpoint import look


def choices(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"config"}.

    Raises BadInput `style_invalid`, `music_list_invalid`; Unavailable `engine_missing`.
    """
    config = Config(**asked["config"])
    settings = config.settings
    engine = chosen_speech(settings).name
    voices = [_choice(name) | {"chat_id": chat_id} for name, chat_id in usable_voices(config)]
    styles = catalogue.styles(settings)
    return {
        "voices": voices,
        "subtitles": [_choice(s["name"], s["about"]) for s in styles if s["kind"] == "subtitle"],
        "titles": [_choice(s["name"], s["about"]) for s in styles if s["kind"] == "title"],
        "music": [_choice(track["name"], track["mood"]) for track in catalogue.music(settings)],
        "engine": engine,
        "tone": engine == QWEN3 and look(config.weights, settings.speech.model).takes_tone,
    }


def _choice(name: str, about: str = "") -> dict[str, Any]:
    return {"name": name, "about": about}
