"""Which fonts this machine has, what they can draw, and which one draws which character.

Only outline fonts count: libass draws neither colour bitmaps nor layered emoji.
"""

from __future__ import annotations

import importlib.util
import logging
import struct
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from fontTools.ttLib import TTFont, TTLibError
from fontTools.ttLib.sfnt import readTTCHeader

from models.errors import Unavailable
from pipeline.graphemes import graphemes

SUFFIXES = {".ttf", ".otf", ".ttc", ".otc"}
SYSTEM_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
BUILT_IN = Path(__file__).resolve().parents[1] / "assets" / "fonts"

# What fontTools raises for a damaged font. Somebody's half-copied file must not stop every video.
BROKEN = (OSError, TTLibError, struct.error, ValueError, LookupError, AssertionError, EOFError)

# fontTools tells of every odd timestamp and unknown table of fonts that work perfectly well.
logging.getLogger("fontTools").setLevel(logging.ERROR)

# The first word of a character's Unicode name → the writing, and Debian's package that can draw it.
WRITINGS = {
    "CJK": ("Chinese", "fonts-noto-cjk"),
    "BOPOMOFO": ("Chinese", "fonts-noto-cjk"),
    "HIRAGANA": ("Japanese", "fonts-noto-cjk"),
    "KATAKANA": ("Japanese", "fonts-noto-cjk"),
    "HANGUL": ("Korean", "fonts-noto-cjk"),
    "LATIN": ("Latin", "fonts-dejavu-core"),
    "DIGIT": ("Latin", "fonts-dejavu-core"),
    "CYRILLIC": ("Cyrillic", "fonts-dejavu-core"),
    "GREEK": ("Greek", "fonts-dejavu-core"),
    "ARABIC": ("Arabic", "fonts-noto-core"),
    "HEBREW": ("Hebrew", "fonts-noto-core"),
    "THAI": ("Thai", "fonts-noto-core"),
    "DEVANAGARI": ("Devanagari", "fonts-noto-core"),
}
SYMBOLS = "fonts-symbola"  # draws emoji as outlines; those of fonts-noto-color-emoji are coloured pictures
SAMPLE = 20  # characters shown of what no font has


@dataclass(frozen=True)
class Face:
    """One face of a font file. `weights` is the range of a variable font, or its one weight twice.

    changed_ns: the file's time, so that what is remembered of a face ends when the file is replaced.
    """

    path: Path
    number: int  # within a collection (.ttc)
    family: str
    weights: tuple[int, int]
    italic: bool
    changed_ns: int

    def distance(self, weight: int) -> int:
        """How far the nearest weight that this face has is from the wanted one."""
        low, high = self.weights
        return max(low - weight, weight - high, 0)


class FontBook:
    """The fonts in these places (folders or files); an earlier place wins with the same family and weight."""

    def __init__(self, places: Sequence[Path]) -> None:
        self.places = list(places)

    @cached_property
    def files(self) -> list[Path]:
        found = (
            p for place in self.places for p in (sorted(place.rglob("*")) if place.is_dir() else [place])
        )
        return list(dict.fromkeys(p for p in found if p.suffix.lower() in SUFFIXES and p.is_file()))

    @cached_property
    def faces(self) -> list[Face]:
        return [face for path in self.files for face in _faces(path, path.stat().st_mtime_ns)]

    def fingerprint(self) -> list[list[str | int]]:
        """What the choice of fonts depends on: the name, size and time of every file, unread."""
        return [[p.name, (s := p.stat()).st_size, s.st_mtime_ns] for p in self.files]

    def find(self, family: str, weight: int = 400) -> Face | None:
        """The upright face of the family (any case) that is nearest to the weight."""
        named = [f for f in self.faces if f.family.casefold() == family.casefold() and not f.italic]
        return min(named, key=lambda f: f.distance(weight), default=None)

    def chain(self, families: Sequence[str], weight: int) -> list[Face]:
        """The faces to try in turn: the wanted families, then every other family, plain sans first."""
        wanted = [face for name in families if (face := self.find(name, weight))]
        others: dict[str, Face] = {}
        for face in self.faces:
            best = others.get(face.family)
            if not face.italic and (best is None or face.distance(weight) < best.distance(weight)):
                others[face.family] = face
        rest = sorted(others.values(), key=lambda f: (_oddness(f.family), f.distance(weight), f.family))
        return wanted + [face for face in rest if face not in wanted]

    def assign(self, text: str, families: Sequence[str], weight: int) -> list[Face | None]:
        """For every character the face that draws it; None where no font has it.

        Letters and digits take the first face in the chain that has them. Punctuation and spaces
        belong to no script (“ is narrow in a Latin font, wide in a Chinese one), so they stay with the
        letters before them, or, at the start, after them.
        """
        chain = self.chain(families, weight)
        letters: list[Face | None] = [None if _neutral(char) else _first(chain, char) for char in text]
        # For every place the face of the next letter that has one.
        ahead = [*accumulate(reversed(letters), _nearer)][::-1]
        assigned: list[Face | None] = []
        current: Face | None = None
        for char, face, following in zip(text, letters, ahead, strict=True):
            if _neutral(char):
                running = current or following
                face = running if running and ord(char) in coverage(running) else _first(chain, char)
            else:
                current = face
            assigned.append(face)
        return assigned

    def cover(self, text: str, families: Sequence[str], weight: int = 400) -> list[tuple[str, Face | None]]:
        """`assign`, as runs of (text, face)."""
        runs: list[tuple[str, Face | None]] = []
        for char, face in zip(text, self.assign(text, families, weight), strict=True):
            if runs and runs[-1][1] == face:
                runs[-1] = (runs[-1][0] + char, face)
            else:
                runs.append((char, face))
        return runs


def search_places(assets: Path | None) -> list[Path]:
    """Where fonts are looked for, in order: the user's, the project's, the system's, and a last resort.

    assets: the user's own folder (`settings.assets`). The last resort are the DejaVu fonts in matplotlib's
    wheel, which mediapipe brings along: with them even a bare machine can draw Latin letters.
    """
    home = Path.home()
    own = [assets / "fonts"] if assets else []
    return [*own, BUILT_IN, home / ".local/share/fonts", home / ".fonts", *SYSTEM_FOLDERS, *_wheel_fonts()]


def in_language(families: Sequence[str], language: str) -> list[str]:
    """Han letters look different in Japan and Korea: Noto's `… CJK SC` becomes `… CJK JP` or `… CJK KR`."""
    region = {"ja": "CJK JP", "ko": "CJK KR"}.get(language)
    return [f.replace("CJK SC", region) for f in families] if region else list(families)


def check_missing(text: str, assigned: Sequence[Face | None]) -> list[str]:
    """Notes on characters that no font has.

    Raises Unavailable `font_missing` when a whole writing cannot be drawn. A single symbol or rare letter
    is only a note: the video is worth more than the emoji.
    """
    letters = Counter(name for c in text if (name := _writing(c)))
    lost = Counter(name for c, f in zip(text, assigned, strict=True) if f is None and (name := _writing(c)))
    for name, count in lost.most_common():
        if count * 2 >= letters[name]:
            writing, package = WRITINGS[name]
            sample = _sample(
                text, [f is None and _writing(c) == name for c, f in zip(text, assigned, strict=True)]
            )
            raise Unavailable(
                f"No font on this machine has the {writing} letters of the script ({sample})",
                code="font_missing",
                hint=f"sudo apt-get install {package}, or lay a font into the fonts folder of your assets",
            )
    missing = [f is None and drawable(c) for c, f in zip(text, assigned, strict=True)]
    if not any(missing):
        return []
    symbols = all(unicodedata.category(c)[0] not in "LMN" for c, m in zip(text, missing, strict=True) if m)
    fix = f"`sudo apt-get install {SYMBOLS}` helps with most emoji" if symbols else "lay a font that has them"
    fix += "" if symbols else " into the fonts folder of your assets"
    return [f"No font has {_sample(text, missing)}: left out of the picture; {fix}"]


def _sample(text: str, missing: Sequence[bool]) -> str:
    """The missing words of the text, or the first of them, each once and with all its marks."""
    words: dict[str, None] = {}
    word, at = "", 0
    for cluster in graphemes(text):
        if any(missing[at : at + len(cluster)]):
            word += cluster
        elif word:
            words[word], word = None, ""
        at += len(cluster)
    if word:
        words[word] = None
    whole = list(graphemes(" ".join(words)))
    return "".join(whole[:SAMPLE]) + ("…" if len(whole) > SAMPLE else "")


def drawable(char: str) -> bool:
    """False for what never leaves ink or width: controls, joiners, variation selectors.

    Nor do colours of skin: an outline has none, and fonts draw a patch of grey for it.
    """
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs") and not (
        "\ufe00" <= char <= "\ufe0f"
        or "\U000e0100" <= char <= "\U000e01ef"
        or "\U0001f3fb" <= char <= "\U0001f3ff"
    )


@lru_cache(maxsize=256)
def coverage(face: Face) -> frozenset[int]:
    """The code points that the face has a glyph for. Read once in a process: 0.1 s for a Chinese font."""
    try:
        with face.path.open("rb") as file, TTFont(file, fontNumber=face.number, lazy=True) as font:
            return frozenset(font.getBestCmap() or ())
    except BROKEN:
        return frozenset()


def _first(chain: Sequence[Face], char: str) -> Face | None:
    return next((face for face in chain if ord(char) in coverage(face)), None)


def _nearer(later: Face | None, face: Face | None) -> Face | None:
    return face or later


def _neutral(char: str) -> bool:
    return unicodedata.category(char)[0] in "PZC"


def _writing(char: str) -> str | None:
    if unicodedata.category(char)[0] not in "LN":
        return None
    name = unicodedata.name(char, "").partition(" ")[0]
    return name if name in WRITINGS else None


def _oddness(family: str) -> int:
    """0 for a plain sans; the more unlike running text, the later it is asked."""
    name = family.casefold()
    if any(odd in name for odd in ("mono", "math", "stix", "symbol", "condensed", "display")):
        return 2
    return 0 if "sans" in name and "serif" not in name else 1


@cache
def _faces(path: Path, changed_ns: int) -> tuple[Face, ...]:
    """The usable faces of a file; none when it is broken or draws no outlines."""
    try:
        with path.open("rb") as file:
            count = readTTCHeader(file).numFonts if file.read(4) == b"ttcf" and not file.seek(0) else 1
            found = [_face(path, file, number, changed_ns) for number in range(count)]
            return tuple(face for face in found if face)
    except BROKEN:
        return ()


def _face(path: Path, file: BinaryIO, number: int, changed_ns: int) -> Face | None:
    file.seek(0)
    # Not `with`: closing the font would close the file before its next face is read.
    font = TTFont(file, fontNumber=number, lazy=True)
    outlines = {"glyf", "CFF ", "CFF2"} & set(font.keys())
    if not outlines or {"CBDT", "COLR", "sbix", "SVG "} & set(font.keys()):
        return None
    family = font["name"].getBestFamilyName()
    if not family or family.startswith((".", "Last Resort", "Adobe Blank")):
        return None  # hidden, or made to draw boxes or nothing for every character there is
    weight = int(font["OS/2"].usWeightClass)
    weights = (weight, weight)
    if "fvar" in font:
        weights = next(
            ((int(a.minValue), int(a.maxValue)) for a in font["fvar"].axes if a.axisTag == "wght"),
            weights,
        )
    italic = bool(font["head"].macStyle & 2 or font["OS/2"].fsSelection & 1)
    return Face(path, number, str(family), weights, italic, changed_ns)


def _wheel_fonts() -> list[Path]:
    """matplotlib's DejaVu fonts, found without importing it (its import takes seconds)."""
    loaded = sys.modules.get("matplotlib")
    spec = loaded.__spec__ if loaded else importlib.util.find_spec("matplotlib")
    if spec is None or not spec.submodule_search_locations:
        return []
    fonts = (Path(place) / "mpl-data" / "fonts" / "ttf" for place in spec.submodule_search_locations)
    return [path for folder in fonts for path in sorted(folder.glob("DejaVu*.ttf"))]
