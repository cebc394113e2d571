"""A picture of a look: sample text drawn by the same ffmpeg and libass that make the videos."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from models.engine import Picture, Sentence, Word
from models.errors import BadInput
from pipeline import captions, ffmpeg, fonts
from pipeline.ass import Screen
from pipeline.breaks import pieces
from pipeline.fonts import FontBook
from pipeline.spec import JobSpec, Settings
from pipeline.styles import load_styles, unknown_style
from pipeline.workspace import write_atomic

CHINESE = "每天三分钟，your AI news", "三分钟看懂 AI 新闻"  # subtitle, title
ENGLISH = "The best way to predict the future is to invent it.", "Three Stories in Three Minutes"
SECONDS = 4.0
PAST_BLACK = 25  # the frame of the clip: many begin black or blurred
BACKDROP = (1920, 1080)  # height, width


def preview(style: str, out: Path, settings: Settings, clip: Path | None = None) -> list[str]:
    """Write a PNG of the look and return notes on it.

    style: of subtitles, of titles, or of both when both have one of this name; the other kind shows its
           default look beside it.
    clip:  the backdrop is a frame of it; None: a neutral gradient, 1080x1920.
    Raises BadInput `style_unknown`, `clip_*`, `out_suffix`, `out_overwrites_input`, `out_unwritable`;
    Unavailable.
    """
    _check_out(out, clip)
    picture, notes = sample(style, settings, clip)
    try:
        write_atomic(out, picture)
    except OSError as error:
        raise BadInput(
            f"The picture cannot be written to {out}: {error.strerror}",
            code="out_unwritable",
            hint="Choose a folder that exists and that you may write to",
        ) from error
    return notes


def sample(style: str, settings: Settings, clip: Path | None = None) -> tuple[bytes, list[str]]:
    """The same as a PNG in memory. Raises BadInput `style_unknown`, `clip_*`; Unavailable."""
    backdrop, screen = _backdrop(clip, settings)
    return draw(_spec(style, settings), settings, backdrop, screen)


def of_job(spec: JobSpec, settings: Settings, seconds: float, language: str) -> tuple[bytes, list[str]]:
    """What a video will look like: its own words in its own looks, on a frame of its own clip.

    seconds: about how long the script takes to speak. language: of the script, not "auto". Returns as `draw`.
    Raises BadInput `clip_*`, `style_unknown`; Unavailable.
    """
    return draw(spec, settings, *_backdrop(spec.clip, settings), seconds, language)


def _backdrop(clip: Path | None, settings: Settings) -> tuple[Picture, Screen]:
    backdrop, pixel_aspect = frame_of(clip, settings) if clip else (gradient(*BACKDROP), 1.0)
    height, width = backdrop.shape[:2]
    return backdrop, Screen(round(width * pixel_aspect), height)


def _check_out(out: Path, clip: Path | None) -> None:
    if out.suffix.lower() != ".png":
        raise BadInput(
            f"The preview {out} would be a PNG, but its name does not end in .png",
            code="out_suffix",
            hint=f"Use {out.with_suffix('.png').name or 'preview.png'}",
        )
    if clip and clip.exists() and out.exists() and out.samefile(clip):
        raise BadInput(
            f"The preview would be written over the clip {clip}",
            code="out_overwrites_input",
            hint="Choose another name for --out",
        )


def draw(
    spec: JobSpec,
    settings: Settings,
    backdrop: Picture,
    screen: Screen,
    seconds: float = SECONDS,
    language: str = "zh",
) -> tuple[bytes, list[str]]:
    """The captions of the spec, spoken evenly, on the backdrop: a PNG in square pixels, and notes.

    The moment is the middle of the first subtitle: no animation is under way, and a word is being spoken.
    """
    book = FontBook(fonts.search_places(settings.assets))
    made = captions.build(spec, settings, spoken_evenly(spec.script, seconds, language), screen, book)
    at_s = (made.cues[0].start_s + made.cues[0].end_s) / 2 if made.cues else seconds / 2
    with tempfile.TemporaryDirectory(prefix="vigentd-preview-") as name:
        folder = Path(name)
        captions.write(made, folder)
        Image.fromarray(backdrop).resize((screen.width, screen.height)).save(folder / "backdrop.png")
        burn = f"subtitles=captions.ass:fontsdir=fonts:original_size={screen.width}x{screen.height}"
        graph = f"setpts=PTS+{at_s:.3f}/TB,{burn}" if made.ass else "null"
        command = ["-i", "backdrop.png", "-vf", graph, "-frames:v", "1", "-update", "1", "preview.png"]
        ffmpeg.run(command, doing="drawing the preview", cwd=folder)
        return (folder / "preview.png").read_bytes(), made.notes


def spoken_evenly(script: str, seconds: float, language: str = "zh") -> captions.Narration:
    """The script as if every character took the same time."""
    step = seconds / max(len(script), 1)
    words = [Word(p.begin, p.end, p.begin * step, p.end * step) for p in pieces(script)]
    return captions.Narration(script, words, [Sentence(script, 0, language, 0.0)], seconds, language)


def gradient(height: int, width: int) -> Picture:
    """A neutral backdrop that is bright at one corner and dark at the other, so that a look meets both."""
    down, across = np.mgrid[0:height, 0:width]
    light = 1 - 0.75 * (0.7 * down / height + 0.3 * across / width)
    colour = np.array([206, 212, 222])
    return np.asarray(light[..., None] * colour, np.uint8)


def frame_of(clip: Path, settings: Settings) -> tuple[Picture, float]:
    """A frame of the clip as the video will show it, and the width of its pixels by their height.

    Raises BadInput with one of the codes clip_*.
    """
    from pipeline import probe
    from pipeline.media import open_clip

    facts = probe.inspect(clip, settings)
    source = open_clip(facts, PAST_BLACK + 1)
    return next(source.pictures([int(source.order[PAST_BLACK])])), float(facts.pixel_aspect)


def _spec(style: str, settings: Settings) -> JobSpec:
    subtitles, titles = load_styles("subtitle", settings), load_styles("title", settings)
    if style not in subtitles and style not in titles:
        raise unknown_style("", style, [*subtitles, *titles])
    book = FontBook(fonts.search_places(settings.assets))
    chinese = all(face is not None for face in book.assign(CHINESE[0], subtitles["clean"].fonts, 700))
    sample = CHINESE if chinese else ENGLISH
    return JobSpec(
        script=sample[0],
        clip=Path("/"),
        title=sample[1],
        subtitles=style if style in subtitles else JobSpec.model_fields["subtitles"].default,
        title_style=style if style in titles else JobSpec.model_fields["title_style"].default,
    )
