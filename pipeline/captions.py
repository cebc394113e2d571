"""The captions stage: script + word times → captions.ass with its fonts, captions.srt, captions.vtt.

The folder, for whoever burns the captions in, with ffmpeg started in it (no path needs escaping then):

    -vf subtitles=captions.ass:fontsdir=fonts:original_size=<original_width>x<original_height>

captions.json   original_width, original_height, cues, fonts, notes
captions.ass    subtitles, title and mark; absent when none of them is wanted
fonts/          the fonts that it names, cut down to its letters
captions.srt, captions.vtt   the script with its times, whatever is burned in; absent when nothing is said
"""

from __future__ import annotations

import html
import json
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from pysubs2 import SSAFile

from models.engine import Sentence, Word
from models.errors import BadInput
from models.progress import Progress, Share
from models.words import tokens, without_pauses
from pipeline import ass, fonts
from pipeline.ass import Painter, Screen
from pipeline.breaks import in_word
from pipeline.fonts import FontBook
from pipeline.job import Job
from pipeline.media import ClipFacts, load_facts
from pipeline.phrases import Cue, phrases, title_room, wrap
from pipeline.rows import Width
from pipeline.spec import JobSpec, Settings
from pipeline.styles import (
    Animation,
    Look,
    Margins,
    Outline,
    SafeArea,
    Shadow,
    TitleLook,
    subtitle_look,
    title_look,
)
from pipeline.typeset import Typeset

VERSION = 4  # another number makes the captions of old jobs anew
NONE = "none"
PLAIN_LINE_EM = 16.0  # of .srt and .vtt when nothing is burned in

_CORNER = Margins(top=0.05, bottom=0.05, left=0.05, right=0.05)
MARK = TitleLook(
    about="the note that the video is synthetic: small, in the upper right corner",
    fonts=["Inter", "Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans", "DejaVu Sans"],
    weight=600,
    size=0.03,
    colour="#ffffffd9",
    outline=Outline(width=0.04, colour="#00000080"),
    shadow=Shadow(colour="#00000080", spread=0.05, blur=0.12),
    position="top",
    align="right",
    animation=Animation(),
    safe=SafeArea(portrait=_CORNER, landscape=_CORNER),
    show_s=0,
)


@dataclass(frozen=True)
class Narration:
    """What captions need of a speech: the times of the script's words, its sentences, its length."""

    script: str
    words: Sequence[Word]
    sentences: Sequence[Sentence]
    duration_s: float
    language: str


@dataclass
class Captions:
    """What the stage makes. ass: None when nothing is burned in."""

    screen: Screen
    script: str
    cues: list[Cue] = field(default_factory=list)
    ass: SSAFile | None = None
    typesets: list[Typeset] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def inputs(job: Job) -> dict[str, Any]:
    """Everything that decides the captions, the looks and the machine's fonts among it."""
    spec, settings = job.spec, job.settings
    subtitles = subtitle_look(spec.subtitles, settings).model_dump() if spec.subtitles != NONE else None
    return {
        "version": VERSION,
        "speech": job.key("speech"),
        "probe": job.key("probe"),
        "subtitles": subtitles,
        "title": spec.title,
        "title_look": title_look(spec.title_style, settings).model_dump() if spec.title.strip() else None,
        "mark": settings.video.mark,
        "fonts": _book(settings).fingerprint(),
    }


def make(job: Job, folder: Path, progress: Progress) -> None:
    """Raises BadInput `style_unknown`, `style_invalid`; Unavailable `font_missing`."""
    from pipeline import speech

    spoken = speech.load(job.artifacts["speech"])
    said = Narration(
        spoken.script,
        spoken.speech.words or [],
        spoken.sentences,
        spoken.speech.duration_s,
        spoken.language,
    )
    book = _book(job.settings)
    screen = screen_of(load_facts(job.artifacts["probe"]))
    made = build(job.spec, job.settings, said, screen, book, Share(progress, 0.0, 0.9))
    write(made, folder)
    progress.step(1, 1)


def screen_of(facts: ClipFacts) -> Screen:
    """The clip in square pixels."""
    return Screen(round(facts.width * facts.pixel_aspect), facts.height)


def build(
    spec: JobSpec,
    settings: Settings,
    spoken: Narration,
    screen: Screen,
    book: FontBook,
    progress: Progress | None = None,
) -> Captions:
    """Subtitles, title and mark, as asked for, with the fonts of the book. A step for every sentence."""
    spoken = replace(spoken, script=_as_said(spoken))
    made = Captions(screen, spoken.script)
    file = ass.new_file(screen)
    if spec.subtitles == NONE:
        made.cues = _cues(spoken, _plain_width(spoken.script), PLAIN_LINE_EM, 2, progress)
    elif spoken.script.strip():
        look = subtitle_look(spec.subtitles, settings)
        typeset = _typeset(made, spoken.script, look, book, spoken.language, "Subtitle")
        line_width = ass.line_width_em(look, screen)
        made.cues = _cues(spoken, typeset.width, line_width, look.max_lines, progress)
        Painter(file, look, typeset, screen, "Subtitle", 0).draw(made.cues)
        made.notes += _broken_words(made)
    if spec.title.strip():
        look_of_title = title_look(spec.title_style, settings)
        _still(made, file, spec.title, look_of_title, book, spoken, "Title", ass.LAYERS)
    if settings.video.mark.strip():
        _still(made, file, settings.video.mark, MARK, book, spoken, "Mark", 2 * ass.LAYERS)
    made.ass = file if file.events else None
    return made


def check_title(spec: JobSpec, settings: Settings, screen: Screen) -> None:
    """The title fits into the picture. Raises BadInput `title_too_long`, Unavailable `font_missing`."""
    silent = Narration("", [], [], 1.0, "zh")
    build(spec.model_copy(update={"subtitles": NONE}), settings, silent, screen, _book(settings))


def _book(settings: Settings) -> FontBook:
    return FontBook(fonts.search_places(settings.assets))


def write(made: Captions, folder: Path) -> None:
    """The files of the artifact."""
    if made.ass:
        (folder / "captions.ass").write_text(made.ass.to_string("ass"), "utf-8")
        for typeset in made.typesets:
            typeset.write(folder / "fonts")
    if made.cues:
        (folder / "captions.srt").write_text(srt(made.cues, made.script), "utf-8")
        (folder / "captions.vtt").write_text(vtt(made.cues, made.script), "utf-8")
    report = {
        "original_width": made.screen.width,
        "original_height": made.screen.height,
        "cues": [
            {
                "start_s": round(cue.start_s, 3),
                "end_s": round(cue.end_s, 3),
                "text": made.script[cue.begin : cue.end],
                "lines": cue.line_texts(made.script),
                "scale": round(cue.scale, 3),
            }
            for cue in made.cues
        ],
        "fonts": [
            {"file": f.file_name, "family": f.face.family, "weight": f.weight, "source": str(f.face.path)}
            for typeset in made.typesets
            for f in typeset.fonts
        ],
        "notes": made.notes,
    }
    (folder / "captions.json").write_text(json.dumps(report, ensure_ascii=False, indent=1), "utf-8")


def srt(cues: Sequence[Cue], script: str) -> str:
    """SubRip. It has no way to escape markup, so the script stands there as it was typed."""
    blocks = [
        f"{i}\n{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}\n" + "\n".join(cue.line_texts(script))
        for i, cue in enumerate(cues, 1)
    ]
    return "\n\n".join([*blocks, ""]) if blocks else ""


def vtt(cues: Sequence[Cue], script: str) -> str:
    """WebVTT, with &, < and > escaped: nothing in the script is markup, nor ends a cue."""
    blocks = [
        f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}\n"
        + "\n".join(html.escape(line, quote=False) for line in cue.line_texts(script))
        for cue in cues
    ]
    return "\n\n".join(["WEBVTT", *blocks, ""])


def _as_said(spoken: Narration) -> str:
    """The script as it is shown: line ends for the sentences that have no times, because nobody said them.

    As long as the script.
    """
    shown = without_pauses(spoken.script)
    timed = [word.begin for word in spoken.words]
    for sentence in spoken.sentences:
        begin, end = sentence.begin, sentence.begin + len(sentence.text)
        said = bisect_left(timed, begin) < bisect_left(timed, end)
        if timed and not said and tokens(sentence.text):
            shown = shown[:begin] + "\n" * (end - begin) + shown[end:]
    return shown


def _cues(
    spoken: Narration, width: Width, line_width: float, max_lines: int, progress: Progress | None
) -> list[Cue]:
    return phrases(
        spoken.script,
        spoken.words,
        spoken.sentences,
        spoken.duration_s,
        width,
        line_width,
        max_lines,
        spoken.language,
        progress,
    )


def _still(
    made: Captions,
    file: SSAFile,
    text: str,
    look: TitleLook,
    book: FontBook,
    spoken: Narration,
    name: str,
    layer: int,
) -> None:
    """A text that stands from the start for show_s seconds, or throughout.

    Raises BadInput `title_too_long`.
    """
    text = text.strip()
    typeset = _typeset(made, text, look, book, spoken.language, name)
    if not typeset.has_ink(0, len(text)):
        made.notes.append(f"The {name.lower()} is not drawn: it is made of characters that no font here has")
        return
    line_width = ass.line_width_em(look, made.screen)
    cue = wrap(text, typeset.width, line_width, look.max_lines, spoken.language)
    if cue is None:
        fits = len(text) * title_room(line_width, look.max_lines) / typeset.width(0, len(text))
        raise BadInput(
            f"The {name.lower()} has {len(text)} characters, and about {round(fits, -1):.0f} fit the picture",
            code="title_too_long",
            hint="Shorten it",
        )
    end_s = min(look.show_s, spoken.duration_s) if look.show_s else spoken.duration_s
    Painter(file, look, typeset, made.screen, name, layer).draw([replace(cue, end_s=end_s)])


def _typeset(made: Captions, text: str, look: Look, book: FontBook, language: str, name: str) -> Typeset:
    families = fonts.in_language(look.fonts, language)
    typeset = Typeset(
        ass.drawn_text(text, look), book, families, look.weight, spacing=look.spacing, name=name
    )
    made.typesets.append(typeset)
    made.notes += [note for note in typeset.notes if note not in made.notes]
    return typeset


def _plain_width(text: str) -> Width:
    """About how wide text is in any font, in em: for .srt and .vtt, where no font is known."""
    hundredths = (100 if unicodedata.east_asian_width(c) in "WF" else 55 for c in text)
    edges = [0, *accumulate(hundredths)]
    return lambda begin, end: (edges[end] - edges[begin]) / 100


def _broken_words(made: Captions) -> list[str]:
    """A note when a word or an address stands on more lines than one."""
    lines = [(line[0].begin, line[-1].end) for cue in made.cues for line in cue.lines]
    for (_, end), (begin, _) in pairwise(lines):
        if end == begin and in_word(made.script, end):
            while begin > 0 and in_word(made.script, begin):
                begin -= 1
            word = made.script[begin : begin + 30].split()[0]
            return [f"Words far wider than a line are broken over several ({word}…)"]
    return []


def _clock(seconds: float, point: str) -> str:
    ms = int(seconds * 1000 + 1e-6)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"
