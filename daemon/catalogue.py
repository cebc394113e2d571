"""What there is to choose from: voices, looks and music; and whether a job's choices exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from daemon import voice_choice
from daemon.engines.roster import chosen_speech
from daemon.voice_choice import DEFAULT_VOICE
from models.voices import EVERYBODY, By
from pipeline.spec import JobSpec, Settings

NONE = "none"
OF_THE_VOICE = ("voice", "tone")
LONG_TITLE = 40  # characters; shorter ones fit into every picture


def voices(settings: Settings) -> list[dict[str, Any]]:
    """Those that anybody may use. Raises Unavailable `engine_missing`, `weights_wrong`, `voices_unusable`."""
    engine = chosen_speech(settings).name
    return [{"name": name, "engine": engine} for name in voice_choice.names(settings)]


def styles(settings: Settings) -> list[dict[str, Any]]:
    from pipeline.styles import load_styles

    return [
        {"name": name, "kind": kind, "about": look.about}
        for kind in ("subtitle", "title")
        for name, look in load_styles(kind, settings).items()
    ]


def music(settings: Settings) -> list[dict[str, Any]]:
    from pipeline.music import tracks

    return [
        {
            "name": track.name,
            "title": track.title,
            "mood": track.mood,
            "licence": track.licence,
            "built_in": track.built_in,
            "path": str(track.path),
        }
        for track in tracks(settings)
    ]


def check_names(spec: JobSpec, settings: Settings, by: By) -> JobSpec:
    """Voice, looks and music exist, and the voice can speak in that tone and in the language of the script.

    Returns the job with the id of the voice that it names. Raises BadInput, with what there is.
    """
    spec = with_voice(spec, settings, by)
    for name, check in checks(spec, settings, by).items():
        if name not in OF_THE_VOICE:
            check()
    return spec


def with_voice(spec: JobSpec, settings: Settings, by: By) -> JobSpec:
    """The same of the voice alone. Which one is the default is found out when the job is made."""
    from pipeline.text import detect_language

    saved = None
    if not spec.speech:
        language = detect_language(spec.script) if spec.language == "auto" else spec.language
        asked = spec.model_copy(update={"language": language})
        saved = voice_choice.check_voice(asked, settings, by)
    by_name = saved is not None and spec.voice != DEFAULT_VOICE
    return spec.model_copy(update={"voice_id": saved.id if saved and by_name else ""})


class Choices(voice_choice.Asked, Protocol):
    """What a job, or the configuration's defaults, say by name."""

    @property
    def subtitles(self) -> str: ...
    @property
    def title_style(self) -> str: ...
    @property
    def music(self) -> str: ...


def checks(chosen: Choices, settings: Settings, by: By = EVERYBODY) -> dict[str, Callable[[], object]]:
    """Field → whether that choice can be had; each raises BadInput, with what there is."""
    from pipeline.styles import subtitle_look, title_look

    return {
        "voice": lambda: voice_choice.check_voice(chosen, settings, by),
        "tone": lambda: voice_choice.check_tone(chosen, settings, by),
        "subtitles": lambda: chosen.subtitles == NONE or subtitle_look(chosen.subtitles, settings),
        "title_style": lambda: title_look(chosen.title_style, settings),
        "music": lambda: _check_music(chosen.music, settings),
    }


def _check_music(music: str, settings: Settings) -> None:
    from pipeline.music import check_sound, resolve

    track = resolve(music, settings)
    if track is not None:
        check_sound(track)


def check_fonts(spec: JobSpec, settings: Settings) -> None:
    """All that is drawn can be drawn. Raises Unavailable `font_missing`, BadInput `title_too_long`."""
    from pipeline.fonts import FontBook, check_missing, search_places
    from pipeline.styles import Look, subtitle_look, title_look

    book = FontBook(search_places(settings.assets))
    drawn: list[tuple[str, Look]] = []
    if spec.subtitles != NONE and spec.script:
        drawn.append((spec.script, subtitle_look(spec.subtitles, settings)))
    if spec.title:
        drawn.append((spec.title, title_look(spec.title_style, settings)))
    for text, look in drawn:
        check_missing(text, book.assign(text, look.fonts, look.weight))
    if len(spec.title) > LONG_TITLE:  # only then is the clip looked at again
        from pipeline.captions import check_title, screen_of
        from pipeline.probe import inspect

        check_title(spec, settings, screen_of(inspect(spec.clip, settings)))
