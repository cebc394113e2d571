"""Letters that no font here has: they are left out of the picture, and the person is told before."""

from __future__ import annotations

from pipeline.fonts import FontBook, drawable, search_places
from pipeline.spec import NONE, JobSpec, Settings
from pipeline.styles import subtitle_look, title_look

SHOWN = 12


def not_drawn(spec: JobSpec, settings: Settings) -> list[dict[str, str]]:
    """At most one note, on the words and the title of a job that was admitted."""
    book = FontBook(search_places(settings.assets))
    drawn = [(spec.title, title_look(spec.title_style, settings))] if spec.title else []
    if spec.subtitles != NONE and spec.script:
        drawn.append((spec.script, subtitle_look(spec.subtitles, settings)))  # type: ignore[arg-type]
    lost: dict[str, None] = {}
    for text, look in drawn:
        faces = book.assign(text, look.fonts, look.weight)
        lost |= {c: None for c, face in zip(text, faces, strict=True) if face is None and drawable(c)}
    if not lost:
        return []
    letters = " ".join(list(lost)[:SHOWN]) + (" …" if len(lost) > SHOWN else "")
    return [{"key": "note.not_drawn", "letters": letters}]
