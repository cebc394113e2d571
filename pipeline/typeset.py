"""Text → glyph widths and the font files that libass gets.

Each face that a text needs is cut down to the text's letters and written under a name of its own. So
libass cannot pick another face by mistake, a 20 MB Chinese collection becomes 50 kB, a variable font gets
its weight, and the widths by which lines are broken are those of the very file that is drawn.

Widths are sums of fontTools' advances, not Pillow's: Pillow kerns only where libraqm and fribidi are
installed, while libass is told not to kern and the cut-down fonts have no ligatures, so the sum is exact
on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont, newTable
from fontTools.varLib import instancer

from pipeline.fonts import Face, FontBook, check_missing, drawable

# Every font is given the same line: libass takes a font's size as ascent + descent, so scripts mixed in
# one line come out with equal letters only when these agree. The middle of this line is half the height of
# a capital above the baseline, so that a line centred in a box looks centred.
ASCENT_EM, DESCENT_EM = 0.96, 0.24
LINE_EM = ASCENT_EM + DESCENT_EM  # ASS font size for letters of size 1


@dataclass(frozen=True)
class CutFont:
    """A face reduced to some letters: `name` is what ASS calls it, advances are in em by character."""

    name: str
    face: Face
    weight: int
    data: bytes
    advances: dict[str, float]

    @property
    def file_name(self) -> str:
        return f"{self.name}.otf"


class Typeset:
    """A text whose characters have their fonts.

    text:    what is measured and drawn; positions below are offsets into it.
    spacing: between letters, in em.
    name:    prefix of the fonts' names, unlike that of any other Typeset of the same video.
    Raises Unavailable `font_missing` when a writing has no font.
    """

    def __init__(
        self,
        text: str,
        book: FontBook,
        families: Sequence[str],
        weight: int,
        *,
        spacing: float = 0.0,
        name: str = "V",
    ) -> None:
        self.text = text
        self.spacing = spacing
        faces = book.assign(text, families, weight)
        self.notes = check_missing(text, faces)
        used = dict.fromkeys(f for c, f in zip(text, faces, strict=True) if f and drawable(c))
        self.fonts = [
            cut(face, {c for c, f in zip(text, faces, strict=True) if f == face}, weight, f"{name}{i}")
            for i, face in enumerate(used)
        ]
        by_face = {font.face: font for font in self.fonts}
        left_out = _gaps(text, [face is None and drawable(c) for c, face in zip(text, faces, strict=True)])
        self._fonts = [
            by_face.get(f) if f and drawable(c) and i not in left_out else None
            for i, (c, f) in enumerate(zip(text, faces, strict=True))
        ]
        widths = (
            f.advances.get(c, 0.0) + spacing if f else 0.0 for c, f in zip(text, self._fonts, strict=True)
        )
        self._edges = [0.0, *accumulate(widths)]

    def width(self, begin: int, end: int) -> float:
        """Of text[begin:end] on one line, in em, without the spacing after its last letter."""
        return max(self._edges[end] - self._edges[begin] - self.spacing, 0.0)

    def has_ink(self, begin: int, end: int) -> bool:
        return any(
            f and not c.isspace() for c, f in zip(self.text[begin:end], self._fonts[begin:end], strict=True)
        )

    def runs(self, begin: int, end: int) -> Iterator[tuple[str, CutFont]]:
        """text[begin:end] in pieces of one font. Characters that no font has are left out."""
        piece, font = "", None
        for char, other in zip(self.text[begin:end], self._fonts[begin:end], strict=True):
            if other is None:
                continue
            if font is not None and other is not font:
                yield piece, font
                piece = ""
            piece, font = piece + char, other
        if font is not None:
            yield piece, font

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for font in self.fonts:
            (folder / font.file_name).write_bytes(font.data)


def _gaps(text: str, missing: Sequence[bool]) -> set[int]:
    """Spaces to drop: the one after what is left out, where a space, or the text's start, is before it too.

    At the text's end it is the space before.
    """
    gaps: set[int] = set()
    space: int | None = -1  # the last drawn character, if it is a space; -1 at the start
    hole = False  # is something left out since?
    for i, char in enumerate(text):
        if missing[i]:
            hole = True
        elif drawable(char):
            if char == " " and hole and space is not None:
                gaps.add(i)
            else:
                space, hole = (i if char == " " else None), False
    if hole and space is not None and space >= 0:
        gaps.add(space)
    return gaps


def cut(face: Face, letters: set[str], weight: int, name: str) -> CutFont:
    """The face with these letters only, at this weight if it is variable, under this name."""
    options = subset.Options(hinting=False, notdef_outline=False, name_IDs=[])
    options.drop_tables += ["DSIG", "BASE", "vhea", "vmtx", "VORG", "GDEF"]
    options.layout_features = ["ccmp", "locl", "mark", "mkmk", "init", "medi", "fina", "rlig"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes={ord(c) for c in letters} | {0x20})
    low, high = face.weights
    weight = min(max(weight, low), high)
    with TTFont(face.path, fontNumber=face.number, lazy=True) as font:
        subsetter.subset(font)
        if "fvar" in font:
            axes = {a.axisTag: weight if a.axisTag == "wght" else a.defaultValue for a in font["fvar"].axes}
            instancer.instantiateVariableFont(font, axes, inplace=True)
        _rename(font, name, weight)
        em = font["head"].unitsPerEm
        glyphs = font.getBestCmap()
        advances = {c: font["hmtx"][glyphs[ord(c)]][0] / em for c in letters if ord(c) in glyphs}
        out = BytesIO()
        font.save(out)
    return CutFont(name, face, weight, out.getvalue(), advances)


def _rename(font: TTFont, name: str, weight: int) -> None:
    table = font["name"] = newTable("name")
    table.names = []
    for number, value in ((1, name), (2, "Regular"), (4, name), (6, name)):
        table.setName(value, number, 3, 1, 0x409)
    em = font["head"].unitsPerEm
    ascent, descent = round(ASCENT_EM * em), round(DESCENT_EM * em)
    font["OS/2"].usWinAscent, font["OS/2"].usWinDescent = ascent, descent
    font["hhea"].ascent, font["hhea"].descent, font["hhea"].lineGap = ascent, -descent, 0
    # Whatever its weight, it is this file's regular: libass would thicken it if bold were asked of it.
    font["OS/2"].usWeightClass = 400
    font["OS/2"].fsSelection = 0x40
    font["head"].macStyle = 0
