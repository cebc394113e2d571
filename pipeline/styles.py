"""The looks of subtitles and titles: what one may say in assets/styles/*.json, and how they are found.

The models below are the schema. Lengths are in em (the size of the letters) or, where said, fractions of
the video, so a look is the same in any size and orientation. Colours are "#rrggbb" or "#rrggbbaa".
"""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.errors import BadInput
from pipeline.spec import Settings

Kind = Literal["subtitle", "title"]
BUILT_IN = Path(__file__).resolve().parents[1] / "assets" / "styles"

Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?$")]
Em = Annotated[float, Field(ge=0, le=3)]
Fraction = Annotated[float, Field(ge=0, le=0.45)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Outline(_Model):
    """A line around the letters."""

    width: Annotated[float, Field(ge=0, le=0.5)]
    colour: Colour


class Shadow(_Model):
    """A copy behind the letters, `x` to the right and `y` down, grown by `spread`, softened by `blur`."""

    colour: Colour
    x: Annotated[float, Field(ge=-1, le=1)] = 0.0
    y: Annotated[float, Field(ge=-1, le=1)] = 0.0
    spread: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    blur: Annotated[float, Field(ge=0, le=1)] = 0.0


class Box(_Model):
    """A rounded plate behind the text: one around all lines ("block"), or hugging each ("lines")."""

    colour: Colour
    shape: Literal["block", "lines"] = "block"
    pad_x: Em = 0.5
    pad_y: Em = 0.2
    radius: Em = 0.3


class Rule(_Model):
    """A bar at the left of the text, or a short line under it."""

    place: Literal["left", "below"]
    colour: Colour
    thickness: Annotated[float, Field(gt=0, le=1)] = 0.12
    length: Annotated[float, Field(gt=0, le=20)] = 2.0  # of a line below; a bar is as high as the text
    gap: Em = 0.4


class Highlight(_Model):
    """What happens to a word while it is spoken: nothing, another colour, or a plate behind it.

    keep: words stay coloured until their cue ends, as in karaoke.
    """

    mode: Literal["none", "colour", "plate"] = "none"
    colour: Colour = "#ffd60a"
    text_colour: Colour | None = None  # of the word on its plate; none: as the others
    keep: bool = False


class Animation(_Model):
    """How the text comes and goes."""

    kind: Literal["none", "fade", "pop"] = "none"
    in_s: Annotated[float, Field(ge=0, le=3)] = 0.15
    out_s: Annotated[float, Field(ge=0, le=3)] = 0.0


class Margins(_Model):
    """What is kept free at the edges, as fractions of the video's width or height."""

    top: Fraction
    bottom: Fraction
    left: Fraction
    right: Fraction


class SafeArea(_Model):
    """Short-video apps lay buttons over the bottom fifth and the right eighth of a portrait video."""

    portrait: Margins = Margins(top=0.13, bottom=0.22, left=0.12, right=0.12)
    landscape: Margins = Margins(top=0.08, bottom=0.08, left=0.10, right=0.10)


class Look(_Model):
    """What subtitles and titles have in common."""

    about: str = ""
    fonts: Annotated[list[str], Field(min_length=1)]  # families, tried in turn for every character
    weight: Annotated[int, Field(ge=100, le=1000)] = 700
    size: Annotated[float, Field(ge=0.01, le=0.3)]  # of the letters, as a fraction of the video's short side
    line_height: Annotated[float, Field(ge=0.8, le=3)] = 1.25
    spacing: Annotated[float, Field(ge=-0.1, le=1)] = 0.0
    case: Literal["as_typed", "upper"] = "as_typed"
    colour: Colour = "#ffffff"
    outline: Outline | None = None
    shadow: Shadow | None = None
    box: Box | None = None
    rule: Rule | None = None
    position: Literal["top", "middle", "bottom"] = "bottom"
    align: Literal["left", "center", "right"] = "center"
    animation: Animation = Animation()
    max_lines: Annotated[int, Field(ge=1, le=4)] = 2
    safe: SafeArea = SafeArea()

    @model_validator(mode="after")
    def _stands_out(self) -> Look:
        if not (self.outline or self.shadow or self.box):
            raise ValueError("needs an outline, a shadow or a box, or it cannot be read on every picture")
        return self


class SubtitleLook(Look):
    highlight: Highlight = Highlight()


class TitleLook(Look):
    show_s: Annotated[float, Field(ge=0)] = 4.0  # from the start; 0: during the whole video


def load_styles(kind: Kind, settings: Settings) -> dict[str, Look]:
    """All looks of a kind by name: the built-in ones, then the user's, which add or replace whole looks.

    Raises BadInput `style_invalid` naming file, look and key.
    """
    places = [BUILT_IN] + ([settings.assets / "styles"] if settings.assets else [])
    looks: dict[str, Look] = {}
    for folder in places:
        looks |= _read(folder / f"{kind}.json", kind)
    return looks


def subtitle_look(name: str, settings: Settings) -> SubtitleLook:
    """Raises BadInput `style_unknown` listing what there is."""
    look = _pick("subtitle", name, settings)
    assert isinstance(look, SubtitleLook)
    return look


def title_look(name: str, settings: Settings) -> TitleLook:
    """Raises BadInput `style_unknown` listing what there is."""
    look = _pick("title", name, settings)
    assert isinstance(look, TitleLook)
    return look


def _pick(kind: Kind, name: str, settings: Settings) -> Look:
    looks = load_styles(kind, settings)
    if name in looks:
        return looks[name]
    raise unknown_style(kind, name, list(looks))


def unknown_style(kind: str, name: str, known: list[str]) -> BadInput:
    """The error that lists what there is."""
    near = difflib.get_close_matches(name.casefold(), known, n=1)
    guess = f"Did you mean {near[0]}? " if near else ""
    return BadInput(
        f"There is no {kind} style named {name!r}".replace("  ", " "),
        code="style_unknown",
        hint=f"{guess}There are: {', '.join(known)}",
    )


def _read(path: Path, kind: Kind) -> dict[str, Look]:
    model = SubtitleLook if kind == "subtitle" else TitleLook
    try:
        raw = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except json.JSONDecodeError as error:
        raise _invalid(path, f"line {error.lineno}: {error.msg}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid(path, str(error)) from error
    if not isinstance(raw, dict):
        raise _invalid(path, "it must be an object of looks by name")
    return {name: _look(path, name, values, model) for name, values in raw.items()}


def _look(path: Path, name: str, values: Any, model: type[Look]) -> Look:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise _invalid(path, f"look {name!r}, {f'key {key!r}: ' if key else ''}{reason}") from error


def _invalid(path: Path, what: str) -> BadInput:
    return BadInput(
        f"The style file {path} cannot be used: {what}",
        code="style_invalid",
        hint="Compare it with the built-in assets/styles of vigentd, whose looks can be copied and changed",
    )
