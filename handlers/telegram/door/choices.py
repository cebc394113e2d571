"""What there is to choose from, as `handlers.telegram.choices.Choices` takes it."""

from __future__ import annotations

from typing import Any

from daemon import catalogue
from daemon.config import Config
from models.choose import choose_speech
from models.progress import Progress


def choices(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"config"}.

    Raises BadInput `style_invalid`, `music_list_invalid`; Unavailable `engine_missing`.
    """
    settings = Config(**asked["config"]).settings
    voices = [v["name"] for v in catalogue.voices(settings)]
    looks = catalogue.styles(settings)
    return {
        "voices": [_choice(name) for name in voices if name != catalogue.DEFAULT_VOICE],
        "subtitles": [_choice(look["name"], look["about"]) for look in looks if look["kind"] == "subtitle"],
        "titles": [_choice(look["name"], look["about"]) for look in looks if look["kind"] == "title"],
        "music": [_choice(track["name"], track["mood"]) for track in catalogue.music(settings)],
        "engine": choose_speech(settings.speech.engine).name,
    }


def _choice(name: str, about: str = "") -> dict[str, str]:
    return {"name": name, "about": about}
