"""A week of publications as a picture for a phone: a row for each day, a line for each video."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from daemon.config import Config
from models.progress import Progress
from pipeline.fonts import Face, FontBook, drawable, search_places
from pipeline.workspace import write_atomic

WIDTH, EDGE, GUTTER = 1080, 44, 190  # pixels; gutter: the column of the days
LINE, PADDING, LEAST = 62, 26, 116  # of an entry; of a day: around its entries, and its least height
MOST = 6  # entries of a day
FAMILIES = ("Inter", "Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans", "DejaVu Sans")
PAPER, SHADE, INK, PALE, RULE = "#ffffff", "#f4f6f9", "#1b2430", "#7b8794", "#dde3ea"
COLOURS = ("#2f6fde", "#d9482b", "#1f9d6b", "#8a4fd0", "#d18a00", "#0f8fa8", "#c23b82", "#5b6b7b")


def calendar(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"config", "out": path of the PNG, "week": {"title", "zone", "targets": names in order,
    "days": [{"name", "date", "entries": [{"time", "label", "target", "kind": taken, open, free}]}],
    "words": {"more": with {n}, "open"}}}. Returns {}."""
    book = FontBook(search_places(Config(**asked["config"]).settings.assets))
    png = io.BytesIO()
    draw(asked["week"], book).save(png, "PNG", optimize=True)
    out = Path(asked["out"])
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(out, png.getvalue())
    return {}


def draw(week: dict[str, Any], book: FontBook) -> Image.Image:
    days = [day | {"entries": _shortened(day["entries"])} for day in week["days"]]
    heights = [max(len(day["entries"]) * LINE + PADDING, LEAST) for day in days]
    legend = _legend(week, book)
    top = 132 + 52 * len(legend)
    picture = Image.new("RGB", (WIDTH, top + sum(heights) + EDGE // 2), PAPER)
    pen = Pen(ImageDraw.Draw(picture), book)
    pen.write((EDGE, 40), week["title"], 54, 700)
    pen.write((WIDTH - EDGE, 56), week["zone"], 32, fill=PALE, right=True)
    for n, row in enumerate(legend):
        x = EDGE
        for name, colour, kind, width in row:
            pen.dot(x, 126 + 52 * n, colour, kind)
            pen.write((x + 36, 120 + 52 * n), name, 34, fill=PALE)
            x += width
    for n, (day, height) in enumerate(zip(days, heights, strict=True)):
        _day(pen, day, top, height, week, first=n == 0)
        top += height
    return picture


def _day(pen: Pen, day: dict[str, Any], top: int, height: int, week: dict[str, Any], *, first: bool) -> None:
    if first:
        pen.pen.rectangle((0, top, WIDTH, top + height), fill=SHADE)
    pen.pen.line((EDGE, top, WIDTH - EDGE, top), fill=RULE, width=2)
    pen.write((EDGE, top + 18), day["name"], 40, 700)
    pen.write((EDGE, top + 66), day["date"], 30, fill=PALE)
    y = top + (height - len(day["entries"]) * LINE) // 2
    for one in day["entries"]:
        if one["kind"] == "more":
            pen.write((GUTTER + 150, y + 8), week["words"]["more"].format(n=one["n"]), 34, fill=PALE)
        else:
            _entry(pen, one, y, _colour(week["targets"], one["target"]))
        y += LINE


def _entry(pen: Pen, one: dict[str, Any], y: int, colour: str) -> None:
    quiet = one["kind"] == "free"
    pen.dot(GUTTER + 10, y + 18, colour, one["kind"])
    pen.write((GUTTER + 50, y + 8), one["time"], 38, 400 if quiet else 700, PALE if quiet else INK)
    x = GUTTER + 172
    pen.write((x, y + 8), one["label"], 38, fill=PALE if quiet else INK, room=WIDTH - EDGE - x)


def _shortened(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Videos go before free slots where there is no room for both."""
    if len(entries) <= MOST:
        return entries
    first = sorted(range(len(entries)), key=lambda n: (entries[n]["kind"] == "free", n))[: MOST - 1]
    return [entries[n] for n in sorted(first)] + [{"kind": "more", "n": len(entries) - len(first)}]


def _legend(week: dict[str, Any], book: FontBook) -> list[list[tuple[str, str, str, int]]]:
    """Rows of words, colour, kind of the dot, width."""
    signs = [(name, _colour(week["targets"], name), "taken") for name in week["targets"]]
    if any(one["kind"] == "open" for day in week["days"] for one in day["entries"]):
        signs.append((week["words"]["open"], PALE, "open"))
    rows: list[list[tuple[str, str, str, int]]] = [[]]
    for words, colour, kind in signs:
        width = round(_width(_runs(book, words, 34, 400))) + 80
        if rows[-1] and sum(one[-1] for one in rows[-1]) + width > WIDTH - 2 * EDGE:
            rows.append([])
        rows[-1].append((words, colour, kind, width))
    return rows


def _colour(targets: Sequence[str], name: str) -> str:
    return COLOURS[targets.index(name) % len(COLOURS)] if name in targets else PALE


class Pen:
    def __init__(self, pen: ImageDraw.ImageDraw, book: FontBook) -> None:
        self.pen = pen
        self._book = book

    def write(
        self,
        at: tuple[int, int],
        text: str,
        size: int,
        weight: int = 400,
        fill: str = INK,
        *,
        right: bool = False,
        room: int | None = None,
    ) -> None:
        """at: the upper left corner, or the upper right one. room: pixels; what is longer is cut off."""
        runs = _runs(self._book, text, size, weight)
        if room is not None and _width(runs) > room:
            while text and _width(runs := _runs(self._book, text + "…", size, weight)) > room:
                text = text[:-1].rstrip()
        x = at[0] - _width(runs) if right else float(at[0])
        for run, font in runs:
            self.pen.text((x, at[1] + size), run, fill=fill, font=font, anchor="ls")
            x += font.getlength(run)

    def dot(self, x: int, y: int, colour: str, kind: str) -> None:
        """Full: it is to go out. A ring: it waits for approval. A small one: a free slot."""
        if kind == "free":
            self.pen.ellipse((x + 4, y + 4, x + 20, y + 20), outline=colour, width=3)
        elif kind == "open":
            self.pen.ellipse((x, y, x + 24, y + 24), outline=colour, width=6)
        else:
            self.pen.ellipse((x, y, x + 24, y + 24), fill=colour)


def _runs(book: FontBook, text: str, size: int, weight: int) -> list[tuple[str, ImageFont.FreeTypeFont]]:
    shown = "".join(char for char in " ".join(text.split()) if drawable(char))
    return [(run, _font(face, size, weight)) for run, face in book.cover(shown, FAMILIES, weight) if face]


def _width(runs: Sequence[tuple[str, ImageFont.FreeTypeFont]]) -> float:
    return sum(font.getlength(run) for run, font in runs)


@cache
def _font(face: Face, size: int, weight: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(face.path, size, index=face.number)
    low, high = face.weights
    if low < high:
        axes = [
            float(
                min(max(weight, low), high) if axis["name"] in (b"Weight", "Weight") else axis["default"] or 0
            )
            for axis in font.get_variation_axes()
        ]
        font.set_variation_by_axes(axes)
    return font
