"""A look + a cue → events for libass.

Every line is an event of its own at a place of its own, so nothing is left to libass's wrapping and
collision rules, and plates can be drawn to measure. From back to front: plate, shadow, word plate, letters.

A text cannot become markup: braces are escaped (libass knows \\{ and \\}), and a backslash is parted from
what follows by a word joiner, which has neither ink nor width.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pysubs2 import Color, SSAEvent, SSAFile, SSAStyle

from pipeline.phrases import Cue, Span
from pipeline.styles import Highlight, Look, Margins, SubtitleLook
from pipeline.typeset import LINE_EM, Typeset

PLATE, SHADOW, WORD, LETTERS = range(4)
LAYERS = 4
WORD_JOINER = "\u2060"
PAUSE_S = 0.15  # cues nearer to each other than this follow at once: nothing fades between them
HOLD_S = 0.4  # a word stays marked through a gap shorter than this
LINE_BREAK = re.compile(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*")

Line = tuple[Span, ...]
Rect = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels


@dataclass(frozen=True)
class Screen:
    """The video as it is seen, in square pixels: what PlayRes and ffmpeg's original_size say."""

    width: int
    height: int

    @property
    def short(self) -> int:
        return min(self.width, self.height)


def new_file(screen: Screen) -> SSAFile:
    """An empty ASS file for the screen."""
    file = SSAFile()
    file.info = {
        "ScriptType": "v4.00+",
        "PlayResX": str(screen.width),
        "PlayResY": str(screen.height),
        "LayoutResX": str(screen.width),
        "LayoutResY": str(screen.height),
        "WrapStyle": "2",
        "ScaledBorderAndShadow": "yes",
        "Kerning": "no",
        "YCbCr Matrix": "None",
    }
    file.styles = {}
    return file


def drawn_text(text: str, look: Look) -> str:
    """What is put on the screen for the text, of the same length: offsets stay good.

    A line break within a line is one space; the rest of its white space takes no room.
    """
    flat = LINE_BREAK.sub(lambda m: " " + "\u200b" * (len(m.group()) - 1), text).replace("\t", " ")
    if look.case == "as_typed":
        return flat
    return "".join(u if len(u := c.upper()) == 1 else c for c in flat)


def escape(text: str) -> str:
    """The text as libass draws it, character for character, whatever follows it."""
    text = re.sub(r"\\(?=[Nnh]|\Z)", lambda _: "\\" + WORD_JOINER, text)
    return text.replace("{", "\\{").replace("}", "\\}")


def line_width_em(look: Look, screen: Screen) -> float:
    """How wide a line may be, in em: the safe width without what plates, outlines and rules need."""
    margins = _margins(look, screen)
    safe = screen.width * (1 - margins.left - margins.right)
    pad_left, pad_right = _padding(look)
    return max(safe / (look.size * screen.short) - pad_left - pad_right, 1.0)


class Painter:
    """Draws cues of one look into an ASS file. `name`: the ASS style; `layer`: what it stands above."""

    def __init__(
        self, file: SSAFile, look: Look, typeset: Typeset, screen: Screen, name: str, layer: int
    ) -> None:
        self._file, self._look, self._typeset, self._screen = file, look, typeset, screen
        self._name, self._layer = name, layer
        file.styles[name] = self._style()

    def draw(self, cues: Sequence[Cue]) -> None:
        """Adds the events of cues in order. They come and go softly only where a pause is beside them."""
        for i, cue in enumerate(cues):
            follows = i > 0 and cue.start_s - cues[i - 1].end_s < PAUSE_S
            leads = i + 1 < len(cues) and cues[i + 1].start_s - cue.end_s < PAUSE_S
            if self._typeset.has_ink(cue.begin, cue.end):
                self._draw(cue, self._fade(come=not follows, go=not leads))

    def _draw(self, cue: Cue, fade: str) -> None:
        look, em = self._look, self._em(cue)
        lines = self._place(cue)
        if look.box:
            self._add(PLATE, cue, self._shape(_union(self._plates(lines, em)), look.box.colour, fade))
        if look.rule:
            path = _union([(self._rule(lines, em), 0.0)])
            self._add(PLATE, cue, self._shape(path, look.rule.colour, fade))
        for line, rect in lines:
            if look.shadow:
                self._add(SHADOW, cue, self._shadow(line, rect, em, fade))
            if isinstance(look, SubtitleLook) and look.highlight.mode == "plate":
                self._word_plates(cue, line, rect, look.highlight, fade)
            self._add(LETTERS, cue, self._letters(cue, line, rect, em, fade))

    # ------------------------------------------------------------ where

    def _em(self, cue: Cue) -> float:
        return self._look.size * self._screen.short * cue.scale

    def _place(self, cue: Cue) -> list[tuple[Line, Rect]]:
        """Each line with the rectangle of its letters' advance and of one line height."""
        look, screen, em = self._look, self._screen, self._em(cue)
        margins = _margins(look, screen)
        left, right = margins.left * screen.width, (1 - margins.right) * screen.width
        pad_left, pad_right = (pad * em for pad in _padding(look))
        step = look.line_height * em
        above, below = self._overhang(em)
        height = above + len(cue.lines) * step + below
        top, bottom = margins.top * screen.height, (1 - margins.bottom) * screen.height
        y = {"top": top, "middle": (top + bottom - height) / 2, "bottom": bottom - height}[
            look.position
        ] + above
        placed = []
        for i, line in enumerate(cue.lines):
            width = self._typeset.width(line[0].begin, line[-1].end) * em
            x = {
                "left": left + pad_left,
                "center": (left + pad_left + right - pad_right - width) / 2,
                "right": right - pad_right - width,
            }[look.align]
            placed.append((line, (x, y + i * step, x + width, y + (i + 1) * step)))
        return placed

    def _overhang(self, em: float) -> tuple[float, float]:
        """What plate and rule need above and below the lines."""
        look = self._look
        pad = look.box.pad_y * em if look.box else 0.0
        rule = look.rule
        return pad, pad + ((rule.gap + rule.thickness) * em if rule and rule.place == "below" else 0.0)

    def _plates(self, lines: list[tuple[Line, Rect]], em: float) -> list[tuple[Rect, float]]:
        """Rectangles with the radius of their corners."""
        box = self._look.box
        assert box is not None
        rects = [rect for _, rect in lines]
        if box.shape == "block":
            rects = [_around(rects)]
            pad_y = box.pad_y * em
        else:  # the strips hug the letters, not the line height
            pad_y = box.pad_y * em - (self._look.line_height - LINE_EM) * em / 2
        pad_x = box.pad_x * em
        grown = [(x0 - pad_x, y0 - pad_y, x1 + pad_x, y1 + pad_y) for x0, y0, x1, y1 in rects]
        return [(rect, box.radius * em) for rect in grown]

    def _rule(self, lines: list[tuple[Line, Rect]], em: float) -> Rect:
        rule, box = self._look.rule, self._look.box
        assert rule is not None
        x0, y0, x1, y1 = _around([rect for _, rect in lines])
        thick, gap = rule.thickness * em, rule.gap * em
        pad_x, pad_y = (box.pad_x * em, box.pad_y * em) if box else (0.0, 0.0)
        if rule.place == "left":
            right = x0 - pad_x - gap
            return (right - thick, y0 - pad_y, right, y1 + pad_y)
        top, length = y1 + pad_y + gap, rule.length * em
        left = {"left": x0, "center": (x0 + x1 - length) / 2, "right": x1 - length}[self._look.align]
        return (left, top, left + length, top + thick)

    # ------------------------------------------------------------ what

    def _style(self) -> SSAStyle:
        fonts, outline = self._typeset.fonts, self._look.outline
        em = self._look.size * self._screen.short
        primary = _colour(self._look.colour)
        edge = _colour(outline.colour) if outline else Color(0, 0, 0, 255)
        return SSAStyle(
            fontname=fonts[0].name if fonts else "Arial",
            fontsize=round(em * LINE_EM, 2),
            primarycolor=primary,
            secondarycolor=primary,
            outlinecolor=edge,
            backcolor=Color(0, 0, 0, 255),
            spacing=round(self._look.spacing * em, 2),
            outline=round(outline.width * em, 2) if outline else 0.0,
            shadow=0.0,
            marginl=0,
            marginr=0,
            marginv=0,
        )

    def _add(self, layer: int, cue: Cue, text: str) -> None:
        # ASS knows hundredths; cutting, not rounding, keeps a cue from reaching into the next.
        start, end = (int(s * 100 + 1e-6) * 10 for s in (cue.start_s, cue.end_s))
        self._file.events.append(
            SSAEvent(start=start, end=end, layer=self._layer + layer, style=self._name, text=text)
        )

    def _fade(self, come: bool, go: bool) -> str:
        kind = self._look.animation
        in_s = kind.in_s * (0.6 if kind.kind == "pop" else 1.0) if come else 0.0
        return f"\\fad({_ms(in_s)},{_ms(kind.out_s if go else 0.0)})" if kind.kind != "none" else ""

    def _shape(self, path: str, colour: str, fade: str) -> str:
        return (
            f"{{\\an7\\pos(0,0)\\bord0\\shad0\\blur0\\fscx100\\fscy100{_paint(1, colour)}{fade}\\p4}}{path}"
        )

    def _head(self, rect: Rect, em: float, fade: str, dx: float = 0.0, dy: float = 0.0) -> str:
        x0, y0, x1, y1 = rect
        spacing = self._look.spacing * em  # libass adds it after the last letter as well
        x, y = (x0 + x1 + spacing) / 2 + dx, (y0 + y1) / 2 + dy
        come = _ms(self._look.animation.in_s)
        swell, motion = come * 6 // 10, ""
        if self._look.animation.kind == "pop":
            motion = (
                f"\\fscx82\\fscy82\\t(0,{swell},\\fscx106\\fscy106)\\t({swell},{come},\\fscx100\\fscy100)"
            )
        return f"\\an5\\pos({x:.2f},{y:.2f})\\fs{em * LINE_EM:.2f}\\fsp{spacing:.2f}{fade}{motion}"

    def _shadow(self, line: Line, rect: Rect, em: float, fade: str) -> str:
        shadow = self._look.shadow
        assert shadow is not None
        paint = _paint(1, shadow.colour) + _paint(3, shadow.colour)
        soft = f"\\bord{shadow.spread * em:.2f}\\blur{shadow.blur * em:.2f}"
        head = self._head(rect, em, fade, shadow.x * em, shadow.y * em)
        return f"{{{head}{soft}{paint}}}{self._text(line[0].begin, line[-1].end)}"

    def _letters(self, cue: Cue, line: Line, rect: Rect, em: float, fade: str) -> str:
        outline = self._look.outline
        head = f"{{{self._head(rect, em, fade)}\\bord{outline.width * em if outline else 0:.2f}}}"
        highlight = self._look.highlight if isinstance(self._look, SubtitleLook) else Highlight()
        marked = highlight.text_colour if highlight.mode == "plate" else highlight.colour
        if highlight.mode == "none" or marked is None:
            return head + self._text(line[0].begin, line[-1].end)
        parts, at = [head], line[0].begin
        for begin, end, start_s, end_s in self._words(cue, line):
            parts.append(self._text(at, begin))
            parts.append(
                _flash(self._look.colour, marked, start_s - cue.start_s, end_s - cue.start_s, highlight.keep)
            )
            parts.append(self._text(begin, end) + f"{{{_paint(1, self._look.colour)}}}")
            at = end
        return "".join([*parts, self._text(at, line[-1].end)])

    def _word_plates(self, cue: Cue, line: Line, rect: Rect, highlight: Highlight, fade: str) -> None:
        em = self._em(cue)
        x, y = rect[0], (rect[1] + rect[3]) / 2
        for begin, end, start_s, end_s in self._words(cue, line):
            x0 = x + self._typeset.width(line[0].begin, begin) * em
            x1 = x + self._typeset.width(line[0].begin, end) * em
            plate = (x0 - 0.16 * em, y - 0.6 * em, x1 + 0.16 * em, y + 0.6 * em)
            shown = Cue(cue.lines, max(start_s, cue.start_s), min(end_s, cue.end_s), cue.scale)
            if shown.start_s >= shown.end_s:
                continue
            soft = fade if shown.start_s == cue.start_s else self._fade(come=True, go=True)
            self._add(WORD, shown, self._shape(_union([(plate, 0.24 * em)]), highlight.colour, soft))

    def _words(self, cue: Cue, line: Line) -> Iterator[tuple[int, int, float, float]]:
        """begin, end, start_s, end_s of what is marked in turn: pieces without punctuation around them."""
        spans = [span for row in cue.lines for span in row]
        follows = dict(pairwise(spans))
        for span in line:
            letters = [i for i in range(span.begin, span.end) if _belongs_to_word(self._typeset.text[i])]
            if letters:
                after = follows[span].start_s if span in follows else cue.end_s
                end_s = after if after - span.end_s < HOLD_S else span.end_s
                yield letters[0], letters[-1] + 1, span.start_s, end_s

    def _text(self, begin: int, end: int) -> str:
        return "".join(f"{{\\fn{font.name}}}{escape(run)}" for run, font in self._typeset.runs(begin, end))


def _belongs_to_word(char: str) -> bool:
    return char in "%#@&" or unicodedata.category(char)[0] not in "PZC"


def _margins(look: Look, screen: Screen) -> Margins:
    return look.safe.portrait if screen.height > screen.width else look.safe.landscape


def _padding(look: Look) -> tuple[float, float]:
    """What stands out of the letters at the left and right, in em."""
    around = look.outline.width if look.outline else 0.0
    if look.shadow:
        around = max(around, look.shadow.spread + abs(look.shadow.x))
    if look.box:
        around = look.box.pad_x
    if isinstance(look, SubtitleLook) and look.highlight.mode == "plate":
        around = max(around, 0.16)
    bar = look.rule.thickness + look.rule.gap if look.rule and look.rule.place == "left" else 0.0
    return around + bar, around


def _around(rects: Iterable[Rect]) -> Rect:
    x0, y0, x1, y1 = zip(*rects, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _union(rects: Iterable[tuple[Rect, float]]) -> str:
    """Rounded rectangles as one drawing: where they overlap, a translucent colour is laid on once."""
    return " ".join(_rounded(rect, radius) for rect, radius in rects)


def _rounded(rect: Rect, radius: float) -> str:
    """In eighths of a pixel (\\p4)."""
    r = min(radius, (rect[2] - rect[0]) / 2, (rect[3] - rect[1]) / 2)
    x0, y0, x1, y1 = (round(v * 8) for v in rect)
    if r <= 0:
        return f"m {x0} {y0} l {x1} {y0} {x1} {y1} {x0} {y1}"
    r8 = round(r * 8)
    k = round(r8 * 0.4477)  # a quarter circle as a Bézier curve
    return (
        f"m {x0 + r8} {y0} l {x1 - r8} {y0} b {x1 - k} {y0} {x1} {y0 + k} {x1} {y0 + r8} "
        f"l {x1} {y1 - r8} b {x1} {y1 - k} {x1 - k} {y1} {x1 - r8} {y1} "
        f"l {x0 + r8} {y1} b {x0 + k} {y1} {x0} {y1 - k} {x0} {y1 - r8} "
        f"l {x0} {y0 + r8} b {x0} {y0 + k} {x0 + k} {y0} {x0 + r8} {y0}"
    )


def _flash(base: str, marked: str, start_s: float, end_s: float, keep: bool) -> str:
    """The next letters change colour at start_s and, unless kept, back at end_s (from the cue's start)."""
    begin, end = max(_ms(start_s), 0), max(_ms(end_s), 0)
    on = f"\\t({begin},{begin + 1},{_paint(1, marked)})"
    off = "" if keep else f"\\t({end},{end + 1},{_paint(1, base)})"
    return f"{{{_paint(1, base)}{on}{off}}}"


def _paint(part: int, colour: str) -> str:
    c = _colour(colour)
    return f"\\{part}c&H{c.b:02X}{c.g:02X}{c.r:02X}&\\{part}a&H{c.a:02X}&"


def _colour(value: str) -> Color:
    """ "#rrggbb[aa]" → ASS, where the last part is the transparency."""
    r, g, b, *a = bytes.fromhex(value[1:])
    return Color(r, g, b, 255 - (a[0] if a else 255))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
