"""What there is to choose from: voices, looks and music; and whether a job's choices exist."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, Protocol

from models.choose import choose_speech, speech_engine
from models.errors import BadInput
from pipeline.spec import JobSpec, Settings

NONE = "none"
DEFAULT_VOICE = "default"
LONG_TITLE = 40  # characters; shorter ones fit into every picture


def voices(settings: Settings) -> list[dict[str, Any]]:
    choice = choose_speech(settings.speech.engine)
    return [{"name": name, "engine": choice.name} for name in speech_engine(choice.name).voices()]


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


def check_names(spec: JobSpec, settings: Settings) -> None:
    """Voice, looks and music exist. Raises BadInput, with what there is."""
    for name, check in checks(spec, settings).items():
        if not (name == "voice" and spec.speech):
            check()


class Choices(Protocol):
    """What a job, or the configuration's defaults, say by name."""

    @property
    def voice(self) -> str: ...
    @property
    def subtitles(self) -> str: ...
    @property
    def title_style(self) -> str: ...
    @property
    def music(self) -> str: ...


def checks(chosen: Choices, settings: Settings) -> dict[str, Callable[[], object]]:
    """Field → whether that choice can be had; each raises BadInput, with what there is."""
    from pipeline.styles import subtitle_look, title_look

    return {
        "voice": lambda: _check_voice(chosen.voice, settings),
        "subtitles": lambda: chosen.subtitles == NONE or subtitle_look(chosen.subtitles, settings),
        "title_style": lambda: title_look(chosen.title_style, settings),
        "music": lambda: _check_music(chosen.music, settings),
    }


def _check_music(music: str, settings: Settings) -> None:
    from pipeline.music import check_sound, resolve

    track = resolve(music, settings)
    if track is not None:
        check_sound(track)


def _check_voice(voice: str, settings: Settings) -> None:
    known = [str(v["name"]) for v in voices(settings)]
    if voice != DEFAULT_VOICE and voice not in known:
        near = difflib.get_close_matches(voice, known, 1)
        raise BadInput(
            f"There is no voice named {voice!r}",
            code="voice_unknown",
            hint=f"Did you mean {near[0]}?" if near else "`vigentd voices` lists them.",
        )


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
